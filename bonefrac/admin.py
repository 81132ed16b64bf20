"""Django's own admin pages: a look at the rows for the platform's owner, never a way around the verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

RowType = TypeVar("RowType", bound=Model)

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:  # Django's own class takes no type at run time
    Base = admin.ModelAdmin


class FirstThousand(Paginator):  # type: ignore[type-arg]
    """Pages over the first thousand rows of a list; counting further would read the whole table."""

    @cached_property
    def count(self) -> int:
        """Return how many rows there are, at most a thousand."""
        rows = cast("QuerySet[Model]", self.object_list)
        return len(rows.values_list("pk", flat=True)[:1000])


class ReadOnlyAdmin(Base, Generic[RowType]):
    """Rows that may be looked at and not touched: every change goes through a verb, which records it."""

    show_full_result_count = False
    actions = None
    paginator = FirstThousand

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 Django's signature
        """Return that nothing may be added here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 Django's signature
        """Return that nothing may be changed here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 Django's signature
        """Return that nothing may be deleted here."""
        return False
