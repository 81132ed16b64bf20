"""Reads frozen datasets for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import QuerySet

from bonefrac.accounts.models import Role, Site
from bonefrac.accounts.roles import sites_with
from bonefrac.paging import PAGE_SIZE, Page, newest_first
from studies.models import Dataset

if TYPE_CHECKING:
    from bonefrac.accounts.models import User


def datasets_of(user: User, *, cursor: str = "", size: int = PAGE_SIZE) -> Page[Dataset]:
    """Return a page of the datasets that a person may see, newest first: administrators' and auditors' sites."""
    rows = Dataset.objects.filter(site__in=sites_with(user, Role.ADMIN, Role.AUDITOR))
    return newest_first(rows.select_related("site", "frozen_by"), time="frozen_at", cursor=cursor, size=size)


def sites_to_freeze(user: User) -> QuerySet[Site]:
    """Return the sites whose labels a person may freeze."""
    return sites_with(user, Role.ADMIN).order_by("name")
