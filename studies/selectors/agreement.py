"""Agreement of readers by pair, site and part: counted in the database, one row for each pair of verdicts.

Leads settle the disputes of these very readers without knowing who said what: to them readers have numbers, which
differ from lead to lead. Administrators and auditors settle nothing and answer for the people: they see names. Whoever
leads at a site sees numbers there, whatever else they are.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bonefrac.accounts.models import Role, Site
from bonefrac.accounts.pseudonyms import shuffle_key
from bonefrac.accounts.roles import sites_with
from bonefrac.errors import Forbidden
from studies.agreement import Agreement, Counts, agreement
from studies.selectors.second_looks import Change, Tally, tallies
from studies.states import BodyPart, Verdict

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

READINGS: Final = {
    "counting": gettext_lazy("each reader's reading as it counts"),
    "first": gettext_lazy("as first signed, before any amendment"),
    "blind": gettext_lazy("before any AI output"),
    "assisted": gettext_lazy("after AI output"),
}
SINCE: Final = {0: gettext_lazy("ever"), 90: gettext_lazy("90 days"), 365: gettext_lazy("a year")}
#: The rows of a reader that are compared, found once and then joined with themselves by study; what was taken back is
#: never among them. Where a site reads blind first, the second look is what counts; where it no longer does, still that
#: of whoever looked twice.
_PAIRS: Final = """
    WITH chosen AS MATERIALIZED (
        SELECT study.site_id, study.body_part, review.study_id, review.reader_id, review.verdict
        FROM studies_review review
        JOIN studies_study study ON study.id = review.study_id AND study.round = review.round
        JOIN accounts_site site ON site.id = study.site_id
        LEFT JOIN studies_review earlier ON earlier.id = review.supersedes_id
        WHERE study.site_id = ANY(%(sites)s) AND study.readings_required > 1 AND study.status <> 'VOID'
            AND review.kind = 'reading' AND NOT review.is_withdrawal
            AND (%(since)s::timestamptz IS NULL OR review.signed_at >= %(since)s::timestamptz)
            AND (review.mode = %(readings)s
                OR (%(readings)s IN ('counting', 'first')
                    AND (review.mode = 'assisted' OR (site.reading_mode = 'assisted' AND NOT EXISTS (
                        SELECT 1 FROM studies_review second
                        LEFT JOIN studies_review undone ON undone.id = second.supersedes_id
                        WHERE second.study_id = review.study_id AND second.reader_id = review.reader_id
                            AND second.round = review.round AND second.kind = 'reading'
                            AND second.mode = 'assisted' AND NOT second.is_withdrawal
                            AND (second.supersedes_id IS NULL OR undone.is_withdrawal)
                            AND NOT EXISTS (SELECT 1 FROM studies_review taken_back
                                WHERE taken_back.supersedes_id = second.id AND taken_back.is_withdrawal))))))
            AND (%(readings)s <> 'first' OR review.supersedes_id IS NULL OR earlier.is_withdrawal)
            AND NOT EXISTS (
                SELECT 1 FROM studies_review later
                WHERE later.supersedes_id = review.id AND (%(readings)s <> 'first' OR later.is_withdrawal))
    )
    SELECT one.site_id, one.body_part, one.reader_id, other.reader_id, one.verdict, other.verdict, count(*)
    FROM chosen one JOIN chosen other ON other.study_id = one.study_id AND one.reader_id < other.reader_id
    GROUP BY 1, 2, 3, 4, 5, 6
"""

Pair = tuple[uuid.UUID, uuid.UUID]
Counted = dict[tuple[uuid.UUID, str | None, Pair | None], Counter[tuple[Verdict, Verdict]]]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: a pair of readers, or all pairs, at a site, in a part or in all."""

    site: str
    part: str
    first: str
    second: str
    agreement: Agreement

    @property
    def drawn(self) -> tuple[float, float, float] | None:
        """Kappa, low and high on an axis of 160 from -1 to 1; None where there is no kappa."""
        found = self.agreement
        if found.kappa is None or found.low is None or found.high is None:
            return None
        return tuple(round(80 + 76 * value, 1) for value in (found.kappa, found.low, found.high))  # type: ignore[return-value]

    @property
    def is_of_all(self) -> bool:
        """Whether it sums up all pairs."""
        return not self.first

    @property
    def is_of_all_parts(self) -> bool:
        """Whether it sums up all body parts."""
        return not self.part


@dataclass(frozen=True, slots=True)
class Look:
    """How often a reader kept and changed their blind answer at the second look."""

    site: str
    reader: str
    tally: Tally

    @property
    def counts(self) -> tuple[tuple[str, int], ...]:
        """How often each change happened, under its name."""
        return tuple((str(change.label), self.tally.counts.get(change, 0)) for change in Change)


@dataclass(frozen=True, slots=True)
class Overview:
    """How readers agree with each other, and with themselves before the AI."""

    lines: tuple[Line, ...]
    looks: tuple[Look, ...]


def agreements(user: User, *, readings: str = "counting", site: uuid.UUID | None = None, days: int = 0) -> list[Line]:
    """Return how readers agree at the sites that a person leads or oversees: the lines of ``overview``."""
    return list(overview(user, readings=readings, site=site, days=days).lines)


def overview(user: User, *, readings: str = "counting", site: uuid.UUID | None = None, days: int = 0) -> Overview:
    """Return how readers agree at the sites that a person leads or oversees, and what their second looks changed.

    Args:
        user: A lead, administrator or auditor.
        readings: Which of a reader's rows are compared: a key of ``READINGS``.
        site: Only this site, where given.
        days: Only what was signed in so many days; 0 is ever.

    Raises:
        Forbidden: The person leads and oversees no site.
    """
    sites = sites_with(user, Role.LEAD, Role.ADMIN, Role.AUDITOR)
    if not sites.exists():
        raise Forbidden(_("Leads, administrators and auditors see how readers agree."))
    shown = {row.pk: row for row in (sites.filter(pk=site) if site else sites)}
    named = set(sites_with(user, Role.ADMIN, Role.AUDITOR).values_list("pk", flat=True))
    led = set(sites_with(user, Role.LEAD).values_list("pk", flat=True))
    found, looks = _tally(_pairs(shown, _known(readings), days)), tallies(list(shown), days=days)
    people = {key: _readers_at(key, found) | {look.reader for look in looks if look.site == key} for key in shown}
    names = _names({reader for readers in people.values() for reader in readers})
    called = {key: names if key in named - led else _numbers(user, row, people[key]) for key, row in shown.items()}
    return Overview(
        lines=tuple(line for key, row in shown.items() for line in _lines(row, found, called[key])),
        looks=tuple(Look(str(shown[look.site]), called[look.site][look.reader], look) for look in looks),
    )


def sites_of(user: User) -> list[Site]:
    """Return the sites that a person leads or oversees, by name."""
    return list(sites_with(user, Role.LEAD, Role.ADMIN, Role.AUDITOR))


def _pairs(sites: Iterable[uuid.UUID], readings: str, days: int) -> list[tuple[Any, ...]]:
    """Return how often two readers of one round gave which two verdicts: site, part, readers, verdicts, number."""
    since = timezone.now() - timedelta(days=days) if days else None
    with connection.cursor() as cursor:
        cursor.execute(_PAIRS, {"sites": list(sites), "readings": readings, "since": since})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _tally(rows: Iterable[tuple[Any, ...]]) -> Counted:
    """Sum the counts by site, part and pair; a part or pair of None is the sum over all."""
    found: Counted = defaultdict(Counter)
    for row in rows:
        site, body_part, first, second, one, other, number = row
        pair: Pair = (first, second)
        for part in (None, body_part):
            for group in (None, pair):
                found[(site, part, group)][(Verdict(one), Verdict(other))] += number
    return found


def _known(readings: str) -> str:
    return readings if readings in READINGS else "counting"


def _readers_at(site: uuid.UUID, found: Counted) -> set[uuid.UUID]:
    return {reader for place, _part, pair in found if place == site for reader in pair or ()}


def _lines(site: Site, found: Counted, called: Mapping[uuid.UUID, str]) -> Iterator[Line]:
    """Yield a site's lines: all pairs first, then each; within them all parts first, then each."""
    here = {(part, pair): counts for (place, part, pair), counts in found.items() if place == site.pk}
    order = [part for part in (None, *BodyPart.values) if (part, None) in here]
    pairs = sorted({pair for _part, pair in here if pair}, key=lambda pair: _in_order(pair, called))
    for pair in (None, *pairs):
        for part in order:
            if (part, pair) in here:
                yield _line(site, part, pair, called, here[(part, pair)])


def _line(site: Site, part: str | None, pair: Pair | None, called: Mapping[uuid.UUID, str], counts: Counts) -> Line:
    first, second = _in_order(pair, called) if pair else ("", "")
    return Line(str(site), str(BodyPart(part).label) if part else "", first, second, agreement(counts))


def _in_order(pair: Pair, called: Mapping[uuid.UUID, str]) -> tuple[str, str]:
    first, second = sorted(
        (called[reader] for reader in pair), key=lambda name: (name.rstrip("0123456789"), len(name), name)
    )
    return first, second


def _numbers(user: User, site: Site, people: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return what the readers of a site are called to a lead: numbers that say nothing and stay; oneself is "you"."""

    def key(reader: uuid.UUID) -> str:
        return shuffle_key(site, "agreement", str(user.pk), str(reader))

    others = sorted((reader for reader in people if reader != user.pk), key=key)
    numbered = {reader: _("reader %(number)d") % {"number": number} for number, reader in enumerate(others, 1)}
    return {**numbered, user.pk: _("you")}


def _names(people: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    return {row.pk: str(row) for row in get_user_model().objects.filter(pk__in=list(people))}
