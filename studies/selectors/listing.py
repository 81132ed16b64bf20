"""Pages of studies by keyset: no page counts rows and none skips them.

The open list has two branches: what waits longer than its site's ceiling, oldest first; then by rank and age. Each
(site, rank) is read from its own partial index and the few rows are merged. ``t0``, the moment of the first page,
travels in the signed cursor, so that a study does not change its branch between two pages. Everything else is listed
newest first.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.core import signing
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.accounts import pseudonyms
from bonefrac.accounts.models import Role, Site
from bonefrac.accounts.roles import sites_with
from bonefrac.errors import Invalid
from bonefrac.paging import make_cursor, newest_first, read_cursor
from studies import access
from studies.models import Review, Study
from studies.policies import SITE_WIDE
from studies.states import BodyPart, Rank, StudyStatus

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

SALT = "studies.worklist"
PAGE_SIZE, LARGEST_PAGE, COUNTED = 50, 200, 99
OVERDUE, RANKED = 0, 1
SHOWS = ("open", "mine", "disputed", "problem", "reviewed", "void", "reads", "uploads")
COUNTS = ("open", "mine", "disputed", "problem")
AI_RANKS = {"positive": Rank.POSITIVE, "doubt": Rank.UNCERTAIN, "negative": Rank.NEGATIVE}
Key = tuple[int, datetime, uuid.UUID]


@dataclass(frozen=True, slots=True)
class Filters:
    """What somebody wants to see; it lives in the page's address.

    Args:
        show: One of ``SHOWS``.
        site: A site's key, None for all of the person's.
        part: One of ``BodyPart``, empty for all.
        ai: A word of the AI's rank: positive, doubt or negative; empty for all.
        urgent: Only urgent studies.
        search: A patient's pseudonym (``P-`` and its first digits), an accession or a study's id.
    """

    show: str = "open"
    site: uuid.UUID | None = None
    part: str = ""
    ai: str = ""
    urgent: bool = False
    search: str = ""

    def narrow(self, studies: QuerySet[Study]) -> QuerySet[Study]:
        """Return the studies that fit everything but ``show``."""
        if self.site:
            studies = studies.filter(site=self.site)
        if self.part in BodyPart.values:
            studies = studies.filter(body_part=self.part)
        if self.ai in AI_RANKS:
            studies = studies.filter(rank=AI_RANKS[self.ai])
        if self.urgent:
            studies = studies.filter(urgent=True)
        return studies.filter(_found_by(self.search)) if self.search else studies


@dataclass(frozen=True, slots=True)
class Page:
    """Studies in the order of the list and the cursor of the next page, empty at the end."""

    studies: list[Study]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class Position:
    """Where in the open list a page starts."""

    t0: datetime
    branch: int = OVERDUE
    after: Key | None = None


def page(user: User, filters: Filters, *, cursor: str = "", size: int = PAGE_SIZE) -> Page:
    """Return a page of the studies that a person may see.

    Raises:
        Invalid: The cursor is none of ours.
    """
    size = max(1, min(size, LARGEST_PAGE))
    if filters.show == "open" and not filters.search:
        return _open_page(user, filters, _read(cursor), size)
    return _newest_page(user, filters, cursor, size)


def counts(user: User) -> dict[str, str]:
    """Return how many studies each part of the list holds, as words: at most "99+", never a count of a table."""
    sites = [site.pk for site in sites_of(user)]
    if not sites:
        return dict.fromkeys(COUNTS, "0")
    shows = {name: _of(user, name, sites) for name in COUNTS}
    shows["open"] = shows["open"].filter(status=StudyStatus.AWAITING, has_problem=False)
    found = {name: len(rows.values_list("pk")[: COUNTED + 1]) for name, rows in shows.items()}
    return {name: f"{COUNTED}+" if number > COUNTED else str(number) for name, number in found.items()}


def pseudonym(study: Study) -> str:
    """Return the code by which people call a study's patient, or the study where the patient is unknown."""
    return f"P-{study.patient_key[:8]}" if study.patient_key else f"S-{study.pk.hex[-8:]}"


def _newest_page(user: User, filters: Filters, cursor: str, size: int) -> Page:
    """Return a page of anything but the open list, newest first; each site is read from its own index."""
    if filters.show == "uploads":
        rows = access.visible_to(user).filter(uploader=user).select_related("claimed_by")
        found = newest_first(rows, time="received_at", cursor=cursor, size=size)
        return Page(found.rows, found.next_cursor)
    sites = [site.pk for site in sites_of(user) if filters.site in (None, site.pk)]
    parts = [_newest(_of(user, filters.show, [site]), filters, cursor, size + 1) for site in sites]
    keys = _merged(parts, ("-received_at", "-id"), size + 1)
    shown = [key for _rank, _when, key in keys[:size]]
    by_id = Study.objects.select_related("site", "claimed_by").in_bulk(shown)
    following = make_cursor(keys[size - 1][1], keys[size - 1][2]) if len(keys) > size else ""
    return Page([by_id[key] for key in shown], following)


def _newest(rows: QuerySet[Study], filters: Filters, cursor: str, number: int) -> QuerySet[Study, Key]:
    rows = filters.narrow(rows)
    if cursor:
        when, key = read_cursor(cursor)
        rows = rows.filter(Q(received_at__lte=when) & (Q(received_at__lt=when) | Q(received_at=when, id__lt=key)))
    return _as_keys(rows.order_by("-received_at", "-id"))[:number]


def _of(user: User, show: str, sites: Sequence[uuid.UUID]) -> QuerySet[Study]:
    """Return the studies of sites that a part of the list holds; all of them for a search."""
    parts = {
        "open": Q(),
        "mine": Q(claimed_by=user, claimed_until__gt=timezone.now()),
        "disputed": Q(status=StudyStatus.DISPUTED),
        "problem": Q(has_problem=True) & ~Q(status=StudyStatus.VOID),
        "reviewed": Q(status=StudyStatus.REVIEWED),
        "void": Q(status=StudyStatus.VOID),
        "reads": Q(pk__in=Review.objects.filter(reader=user).values("study")),
    }
    at = Q(site=sites[0]) if len(sites) == 1 else Q(site__in=sites)
    return Study.objects.filter(at, parts[show], ready_at__lte=timezone.now())


def _open_page(user: User, filters: Filters, start: Position, size: int) -> Page:
    sites = [site for site in sites_of(user) if filters.site in (None, site.pk)]
    rows = list(itertools.islice(_keys(sites, filters, start, size + 1), size + 1))
    shown = rows[:size]
    by_id = Study.objects.select_related("site", "claimed_by").in_bulk([key[2] for _branch, key in shown])
    following = ""
    if len(rows) > size:
        branch, key = shown[-1]
        following = _write(Position(start.t0, branch, key))
    return Page([by_id[key[2]] for _branch, key in shown], following)


def _keys(sites: Sequence[Site], filters: Filters, start: Position, number: int) -> Iterator[tuple[int, Key]]:
    if start.branch == OVERDUE:
        overdue = [_overdue(site, filters, start, number) for site in sites]
        for key in _merged(overdue, ("received_at", "id"), number):
            yield OVERDUE, key
    after = start.after if start.branch == RANKED else None
    ranks = [AI_RANKS[filters.ai]] if filters.ai in AI_RANKS else list(Rank)
    parts = [_ranked(site, rank, filters, start.t0, after, number) for site in sites for rank in ranks]
    for key in _merged(parts, ("rank", "received_at", "id"), number):
        yield RANKED, key


def _merged(parts: Sequence[QuerySet[Study, Key] | None], order: tuple[str, ...], number: int) -> list[Key]:
    present = [part for part in parts if part is not None]
    if not present:
        return []
    if len(present) == 1:
        return list(present[0])
    return list(present[0].union(*present[1:], all=True).order_by(*order)[:number])


def _overdue(site: Site, filters: Filters, start: Position, number: int) -> QuerySet[Study, Key]:
    rows = _of_site(site, filters).filter(received_at__lte=_ceiling(site, start.t0))
    if start.after:
        _rank, when, key = start.after
        rows = rows.filter(_later(when, key))
    return _as_keys(rows.order_by("received_at", "id"))[:number]


def _ranked(
    site: Site, rank: Rank, filters: Filters, t0: datetime, after: Key | None, number: int
) -> QuerySet[Study, Key] | None:
    rows = _of_site(site, filters).filter(rank=rank, received_at__gt=_ceiling(site, t0))
    if after:
        last_rank, when, key = after
        if rank < last_rank:
            return None
        if rank == last_rank:
            rows = rows.filter(_later(when, key))
    return _as_keys(rows.order_by("received_at", "id"))[:number]


def _of_site(site: Site, filters: Filters) -> QuerySet[Study]:
    rows = Study.objects.filter(site=site, status=StudyStatus.AWAITING, has_problem=False, ready_at__lte=timezone.now())
    return filters.narrow(rows)


def _as_keys(rows: QuerySet[Study]) -> QuerySet[Study, Key]:
    return rows.values_list("rank", "received_at", "id")


def _later(when: datetime, key: uuid.UUID) -> Q:
    return Q(received_at__gte=when) & (Q(received_at__gt=when) | Q(received_at=when, id__gt=key))


def _ceiling(site: Site, t0: datetime) -> datetime:
    return t0 - timedelta(minutes=site.wait_ceiling_minutes)


def _found_by(text: str) -> Q:
    """Return the studies that a search names; a pseudonym by its digits, everything else exactly."""
    text = text.strip()
    if text[:2].upper() == "P-":
        return Q(patient_key__startswith=text[2:].lower()) if text[2:] else Q(pk__in=[])
    accessions = [pseudonyms.accession_key(site, text) for site in Site.objects.only("id", "secret_version")]
    try:
        return Q(pk=uuid.UUID(text)) | Q(accession__in=accessions)
    except ValueError:
        return Q(accession__in=accessions)


def _write(position: Position) -> str:
    rank, when, key = position.after or (0, position.t0, uuid.UUID(int=0))
    parts = [position.t0.isoformat(), position.branch, rank, when.isoformat(), str(key)]
    return signing.dumps(parts, salt=SALT, compress=True)


def _read(cursor: str) -> Position:
    if not cursor:
        return Position(timezone.now())
    try:
        t0, branch, rank, when, key = signing.loads(cursor, salt=SALT)
    except (signing.BadSignature, ValueError) as error:
        raise Invalid(_("This page's address is damaged: open the list anew."), code="bad_cursor") from error
    return Position(datetime.fromisoformat(t0), int(branch), (int(rank), datetime.fromisoformat(when), uuid.UUID(key)))


def sites_of(user: User) -> list[Site]:
    """Return the sites whose studies the person sees, by name."""
    return list(sites_with(user, *SITE_WIDE))


def only_uploads(user: User) -> bool:
    """Whether the person sees nothing but their own uploads."""
    return not sites_with(user, *SITE_WIDE).exists() and sites_with(user, Role.UPLOADER).exists()
