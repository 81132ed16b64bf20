"""The line of time of one study, a page at a time: what its rows and its audit record tell one person, oldest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bonefrac.paging import make_cursor, read_cursor
from studies.selectors.moments import Moment, Sight, all_rows, events_of, of_event

PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Timeline:
    """Moments, oldest first, and the cursor of the page after them, empty at the end."""

    moments: tuple[Moment, ...]
    next_cursor: str


def timeline_of(sight: Sight, *, cursor: str = "", size: int = PAGE) -> Timeline:
    """Return a page of what happened to a study, as far as the person may learn of it.

    Raises:
        Invalid: The cursor is none of ours.
    """
    after = read_cursor(cursor) if cursor else None
    events = events_of(sight, after=after, size=size + 1)
    told = [of_event(event) for event in events]
    rows = [moment for moment in all_rows(sight) if after is None or (moment.at, moment.key) > after]
    last = (events[-1].occurred_at, events[-1].pk) if len(events) > size else None
    within = [moment for moment in rows if last is None or (moment.at, moment.key) <= last]
    found = sorted((*told, *within), key=lambda moment: (moment.at, moment.key))
    shown = found[:size]
    if len(found) > size:
        return Timeline(tuple(shown), make_cursor(shown[-1].at, shown[-1].key))
    return Timeline(tuple(shown), make_cursor(*last) if last else "")
