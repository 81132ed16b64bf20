"""Keyset pages: the next page starts after the last row, so that page 1,000 costs what page 1 does.

No page counts rows and none skips them. A cursor is what a page hands out to be asked for the next; it only narrows
a list that was already limited to what the person may see.
"""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _

from bonefrac.errors import Invalid

RowType = TypeVar("RowType", bound=Model)
PAGE_SIZE = 50
LARGEST_PAGE = 200


@dataclass(frozen=True, slots=True)
class Page(Generic[RowType]):
    """One page of rows and the cursor of the next, empty at the end."""

    rows: list[RowType]
    next_cursor: str


def newest_first(rows: QuerySet[RowType], *, time: str, cursor: str = "", size: int = PAGE_SIZE) -> Page[RowType]:
    """Return a page of rows, newest first.

    Args:
        rows: What the person may see, unordered.
        time: The name of the time column; ties are broken by ``id``.
        cursor: What the page before handed out, empty for the first.
        size: Rows of a page, at most 200.

    Raises:
        Invalid: The cursor is none of ours.
    """
    size = max(1, min(size, LARGEST_PAGE))
    if cursor:
        when, key = read_cursor(cursor)
        rows = rows.filter(Q((f"{time}__lte", when)) & (Q((f"{time}__lt", when)) | Q((time, when), ("id__lt", key))))
    found = list(rows.order_by(f"-{time}", "-id")[: size + 1])
    shown = found[:size]
    following = make_cursor(getattr(shown[-1], time), shown[-1].pk) if len(found) > size else ""
    return Page(shown, following)


def make_cursor(when: datetime, key: uuid.UUID) -> str:
    """Return the cursor after a row."""
    return base64.urlsafe_b64encode(json.dumps([when.isoformat(), str(key)]).encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[datetime, uuid.UUID]:
    """Return the time and key of the row after which a page starts; raise ``Invalid`` for anything else."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        parts: Any = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
        return datetime.fromisoformat(parts[0]), uuid.UUID(parts[1])
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise Invalid(_("This page's address is damaged: open the list anew."), code="bad_cursor") from error
