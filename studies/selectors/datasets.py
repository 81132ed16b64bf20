"""Reads frozen datasets for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from bonefrac.accounts.models import ReadingMode, Role, Site
from bonefrac.accounts.roles import sites_with
from bonefrac.paging import PAGE_SIZE, Page, newest_first
from studies.models import Dataset, DatasetItem, Review
from studies.policies import READERS
from studies.states import Agreement, ImageLabel, Phase, Split, StudyStatus

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

CHOICES = {"image_label": ImageLabel, "agreement": Agreement, "phase": Phase, "split": Split}


def in_words(counts: Mapping[str, Any]) -> dict[str, list[tuple[str, int]]]:
    """Return what a dataset's counts say, as words and numbers, largest first, to be drawn as bars."""
    return {
        name: sorted(((str(choices(key).label), n) for key, n in counts[name].items()), key=lambda pair: -pair[1])
        for name, choices in CHOICES.items()
    }


def fallen(dataset: Dataset) -> int:
    """Return how many labels of a dataset stand no longer: amended, read again, voided, or their image was moved.

    The dataset itself stays as it was frozen.
    """
    amended = Review.objects.filter(supersedes=OuterRef("review"))
    moved = Q(study_image__withdrawn_at__isnull=False)
    void = Q(study_image__study__status=StudyStatus.VOID)
    read_again = ~Q(review__round=F("study_image__study__round"))
    return DatasetItem.objects.filter(Exists(amended) | moved | void | read_again, dataset=dataset).count()


def datasets_of(user: User, *, cursor: str = "", size: int = PAGE_SIZE) -> Page[Dataset]:
    """Return a page of the datasets that a person may see, newest first: administrators' and auditors' sites."""
    rows = Dataset.objects.filter(site__in=sites_with(user, Role.ADMIN, Role.AUDITOR)).exclude(site__in=_blind(user))
    return newest_first(rows.select_related("site", "frozen_by"), time="frozen_at", cursor=cursor, size=size)


def sites_to_freeze(user: User) -> QuerySet[Site]:
    """Return the sites whose labels a person may freeze."""
    return sites_with(user, Role.ADMIN).exclude(pk__in=_blind(user)).order_by("name")


def _blind(user: User) -> QuerySet[Site]:
    """Return the sites whose datasets are kept from a person because they read blind there."""
    return sites_with(user, *READERS).filter(reading_mode=ReadingMode.BLIND_FIRST).order_by()
