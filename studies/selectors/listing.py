"""Pages of studies by keyset: no page counts rows and none skips them.

The open list has three lanes: what waits longer than its site's ceiling, oldest first; what is disputed, for leads
who may settle it; then by rank and age. Each (site, rank) is read from its own partial index and the few rows are
merged. ``t0``, the moment of the first page, travels in the signed cursor, so that a study does not change its lane
between two pages. Everything else is listed newest first.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.core import signing
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.accounts.models import ReadingMode, Role, Site
from bonefrac.errors import Invalid
from bonefrac.paging import make_cursor, newest_first, read_cursor
from studies import access
from studies.models import Skip, Study
from studies.policies import Standing, may_adjudicate, sees_reading_side
from studies.ranking import orders_by_ai, rank_at
from studies.selectors.filtering import PAGE_SIZE, Filters
from studies.standings import Standings, standings_of
from studies.states import AIState, Rank, ReviewKind, StudyStatus
from studies.turns import standing_reviews

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

SALT = "studies.worklist"
LARGEST_PAGE, COUNTED = 200, 99
OVERDUE, DISPUTED, RANKED = 0, 1, 2
COUNTS = ("open", "mine", "disputed", "problem")
Key = tuple[int, datetime, uuid.UUID]
Keys = QuerySet[Study, Key]


@dataclass(frozen=True, slots=True)
class Page:
    """Studies in the order of the list and the cursor of the next page, empty at the end."""

    studies: list[Study]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class Position:
    """Where in the open list a page starts."""

    t0: datetime
    lane: int = OVERDUE
    after: Key | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """The open list of one person: whose it is, what narrows it, and at which moment it is looked at."""

    user: User
    filters: Filters
    t0: datetime

    def lane(self, lane: int, site: Site, *, leads: bool, after: Key | None, number: int) -> Iterator[Keys]:
        """Return the parts of one lane at one site, each in the order of an index."""
        if self.filters.site not in (None, site.pk) or not _may_fit(self.filters, site):
            return
        if lane == RANKED:
            ranks = (rank for rank in Rank if not after or rank_at(site, rank) >= after[0])
            yield from (self._ranked(site, rank, after, number) for rank in ranks)
        elif lane == OVERDUE:
            yield from (self._aged(rows, site, after, number, is_over=True) for rows in self._awaiting_in_parts(site))
        if leads and lane in (OVERDUE, DISPUTED):
            rows = disputed_for(self.user, site)
            yield self._aged(rows, site, after, number, is_over=lane == OVERDUE)

    def _ranked(self, site: Site, rank: Rank, after: Key | None, number: int) -> Keys:
        is_begun = after if after and after[0] == rank_at(site, rank) else None
        return self._aged(_awaiting(site).filter(rank=rank), site, is_begun, number, is_over=False)

    def _awaiting_in_parts(self, site: Site) -> Iterator[QuerySet[Study]]:
        """Return what awaits a reading, by rank where a filter has an index that leads over the rank."""
        if self.filters.is_narrow:
            yield from (_awaiting(site).filter(rank=rank) for rank in Rank)
        else:
            yield _awaiting(site)

    def _aged(self, rows: QuerySet[Study], site: Site, after: Key | None, number: int, *, is_over: bool) -> Keys:
        ceiling = self.t0 - timedelta(minutes=site.wait_ceiling_minutes)
        rows = rows.filter(received_at__lte=ceiling) if is_over else rows.filter(received_at__gt=ceiling)
        if after:
            rows = rows.filter(_later(after[1], after[2]))
        return _as_keys(self.filters.narrow(rows, mode=site.reading_mode).order_by("received_at", "id"), site)[:number]


def page(user: User, filters: Filters, *, cursor: str = "", size: int = PAGE_SIZE, at: Standings | None = None) -> Page:
    """Return a page of the studies that a person may see.

    Args:
        user: Who looks.
        filters: What they ask for.
        cursor: What the page before handed out, empty for the first.
        size: Rows of a page, at most 200.
        at: What the person is at their sites, where the caller knows it already.

    Raises:
        Invalid: The cursor is none of ours.
    """
    size = max(1, min(size, LARGEST_PAGE))
    at = site_wide(standings_of(user) if at is None else at)
    if filters.show == "open" and not filters.search:
        return _open_page(user, filters, _read(cursor), size, at)
    return _newest_page(user, filters, cursor, size, at)


def counts(user: User, at: Standings | None = None) -> dict[str, str]:
    """Return how many studies each part of the list holds, as words: at most "99+", never a count of a table."""
    sites = [site.pk for site in site_wide(standings_of(user) if at is None else at)]
    if not sites:
        return dict.fromkeys(COUNTS, "0")
    shows = {name: _of(user, name, sites) for name in COUNTS}
    shows["open"] = shows["open"].filter(status=StudyStatus.AWAITING, has_problem=False)
    found = {name: len(rows.values_list("pk")[: COUNTED + 1]) for name, rows in shows.items()}
    return {name: f"{COUNTED}+" if number > COUNTED else str(number) for name, number in found.items()}


def site_wide(at: Standings) -> Standings:
    """Return the sites whose studies the person sees, with what they are there."""
    return {site: held for site, held in at.items() if sees_reading_side(held)}


def only_uploads(at: Standings) -> bool:
    """Whether the person sees nothing but their own uploads."""
    return not site_wide(at) and has_uploads(at)


def has_uploads(at: Standings) -> bool:
    """Whether the person uploads anywhere, and so has a list of their own uploads."""
    return any(Role.UPLOADER in held.roles for held in at.values())


def disputed_for(user: User, site: Site) -> QuerySet[Study]:
    """Return the disputed studies of a site that a lead may settle: none whose round they have read themselves."""
    own = standing_reviews().filter(study=OuterRef("pk"), reader=user, round=OuterRef("round"), kind=ReviewKind.READING)
    return _listed(Study.objects.filter(~Exists(own), site=site, status=StudyStatus.DISPUTED, has_problem=False))


def pseudonym(study: Study) -> str:
    """Return the code by which people call a study's patient, or the study where the patient is unknown."""
    return f"P-{study.patient_key[:8]}" if study.patient_key else f"S-{study.pk.hex[-8:]}"


def _settles(held: Standing) -> bool:
    return may_adjudicate(held, is_reader_of_round=False)


def _may_fit(filters: Filters, site: Site) -> bool:
    """Whether a site's studies can fit: where it reads blind first, no answer may depend on what the AI says."""
    return site.reading_mode != ReadingMode.BLIND_FIRST or filters.ai in ("", AIState.UNKNOWN)


def _newest_page(user: User, filters: Filters, cursor: str, size: int, at: Standings) -> Page:
    """Return a page of anything but the open list, newest first; each site is read from its own index."""
    if filters.show == "uploads":
        rows = access.visible_to(user).filter(uploader=user).select_related("claimed_by")
        found = newest_first(rows, time="received_at", cursor=cursor, size=size)
        return Page(found.rows, found.next_cursor)
    sites = [site for site in at if filters.site in (None, site.pk) and _may_fit(filters, site)]
    parts = [_newest(_of(user, filters.show, [site.pk]), filters, site, cursor, size + 1) for site in sites]
    keys = _merged(parts, ("-received_at", "-id"), size + 1)
    shown = [key for _rank, _when, key in keys[:size]]
    following = make_cursor(keys[size - 1][1], keys[size - 1][2]) if len(keys) > size else ""
    return Page(_by_keys(shown, at), following)


def _newest(rows: QuerySet[Study], filters: Filters, site: Site, cursor: str, number: int) -> Keys:
    rows = filters.narrow(rows, mode=site.reading_mode)
    if cursor:
        when, key = read_cursor(cursor)
        rows = rows.filter(Q(received_at__lte=when) & (Q(received_at__lt=when) | Q(received_at=when, id__lt=key)))
    return _as_keys(rows.order_by("-received_at", "-id"), site)[:number]


def _of(user: User, show: str, sites: Sequence[uuid.UUID]) -> QuerySet[Study]:
    """Return the studies of sites that a part of the list holds; all of them for a search."""
    parts = {
        "open": Q(),
        "mine": Q(claimed_by=user, claimed_until__gt=timezone.now()),
        "disputed": Q(status=StudyStatus.DISPUTED),
        "problem": Q(has_problem=True) & ~Q(status=StudyStatus.VOID),
        "skipped": Q(status=StudyStatus.AWAITING, pk__in=Skip.objects.filter(round=F("study__round")).values("study")),
        "reviewed": Q(status=StudyStatus.REVIEWED),
        "void": Q(status=StudyStatus.VOID),
    }
    at = Q(site=sites[0]) if len(sites) == 1 else Q(site__in=sites)
    return _listed(Study.objects.filter(at, parts[show]))


def _open_page(user: User, filters: Filters, start: Position, size: int, at: Standings) -> Page:
    seen = Open(user, filters, start.t0)
    rows = list(itertools.islice(_keys(seen, at, start, size + 1), size + 1))
    shown = rows[:size]
    following = _write(Position(start.t0, *shown[-1])) if len(rows) > size else ""
    return Page(_by_keys([key[2] for _lane, key in shown], at), following)


def _keys(seen: Open, at: Standings, start: Position, number: int) -> Iterator[tuple[int, Key]]:
    orders = {RANKED: ("place", "received_at", "id")}
    for lane in (OVERDUE, DISPUTED, RANKED):
        if lane < start.lane:
            continue
        after = start.after if lane == start.lane else None
        parts = [
            part
            for site, held in at.items()
            for part in seen.lane(lane, site, leads=_settles(held), after=after, number=number)
        ]
        for key in _merged(parts, orders.get(lane, ("received_at", "id")), number):
            yield lane, key


def _merged(parts: Sequence[Keys], order: tuple[str, ...], number: int) -> list[Key]:
    if not parts:
        return []
    if len(parts) == 1:
        return list(parts[0])
    return list(parts[0].union(*parts[1:], all=True).order_by(*order)[:number])


def _by_keys(keys: Sequence[uuid.UUID], at: Standings) -> list[Study]:
    """Return studies in the order of their keys, each with its site, which is known already."""
    sites = {site.pk: site for site in at}
    found = Study.objects.select_related("claimed_by").in_bulk(keys)
    for study in found.values():
        study.site = sites[study.site_id]
    return [found[key] for key in keys if key in found]


def _awaiting(site: Site) -> QuerySet[Study]:
    return _listed(Study.objects.filter(site=site, status=StudyStatus.AWAITING, has_problem=False))


def _listed(studies: QuerySet[Study]) -> QuerySet[Study]:
    return studies.filter(ready_at__lte=timezone.now())


def _as_keys(rows: QuerySet[Study], site: Site) -> Keys:
    """Return the keys of rows; a rank that the AI gave while it still had a part in the order does not show."""
    place: F | Case = F("rank")
    if not orders_by_ai(site):
        place = Case(When(rank=Rank.URGENT, then=F("rank")), default=Value(Rank.UNCERTAIN.value))
    return rows.annotate(place=place).values_list("place", "received_at", "id")


def _later(when: datetime, key: uuid.UUID) -> Q:
    return Q(received_at__gte=when) & (Q(received_at__gt=when) | Q(received_at=when, id__gt=key))


def _write(position: Position) -> str:
    rank, when, key = position.after or (0, position.t0, uuid.UUID(int=0))
    parts = [position.t0.isoformat(), position.lane, rank, when.isoformat(), str(key)]
    return signing.dumps(parts, salt=SALT, compress=True)


def _read(cursor: str) -> Position:
    if not cursor:
        return Position(timezone.now())
    try:
        t0, lane, rank, when, key = signing.loads(cursor, salt=SALT)
    except (signing.BadSignature, ValueError) as error:
        raise Invalid(_("This page's address is damaged: open the list anew."), code="bad_cursor") from error
    return Position(datetime.fromisoformat(t0), int(lane), (int(rank), datetime.fromisoformat(when), uuid.UUID(key)))
