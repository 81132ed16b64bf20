"""What somebody wants to see of a list: parsed from an address, written back to one, and laid over studies.

Each filter is read from an index of its own, beside the order of the list (``Study.Meta.indexes``). Nothing here knows
who may see what: a filter only narrows a list that was limited already.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import OuterRef, Q, QuerySet, Subquery, TextField
from django.db.models.functions import Cast, Right
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _

from bonefrac.accounts import pseudonyms
from bonefrac.accounts.models import ReadingMode, Site
from studies.models import Study
from studies.models.study import SEARCH_CONFIG, band_of_age
from studies.states import AgeBand, AIState, BodyPart, ReviewKind, ReviewMode, Side, StudyStatus
from studies.turns import standing_reviews

PAGE_SIZE = 50
SEARCH_LENGTH = 64
SHOWS = ("open", "mine", "disputed", "problem", "skipped", "reviewed", "void", "reads", "uploads")
FIRST, FURTHER = "first", "further"
_SHORT = 8  # digits of a pseudonym
_RARE = 1000  # studies that words may name and still be gathered before they are put in order


@dataclass(frozen=True, slots=True)
class Filters:
    """What somebody wants to see; it lives in the page's address.

    Args:
        show: One of ``SHOWS``.
        site: A site's key, None for all of the person's.
        part: One of ``BodyPart``, empty for all.
        side: One of ``Side``, empty for all.
        ai: One of ``AIState``, empty for all: what the AI said when the study was ranked last.
        urgent: Only urgent studies.
        band: One of ``AgeBand``, empty for all.
        missing: ``first`` where nobody has read yet, ``further`` where somebody has and another reading is missing.
        since: Received on this day or later, in the person's time zone.
        until: Received on this day or earlier.
        search: A pseudonym (``P-``, ``S-`` or ``A-`` and digits), an accession, a study's id, or words of the question.
    """

    show: str = "open"
    site: uuid.UUID | None = None
    part: str = ""
    side: str = ""
    ai: str = ""
    urgent: bool = False
    band: str = ""
    missing: str = ""
    since: date | None = None
    until: date | None = None
    search: str = ""

    @property
    def is_narrow(self) -> bool:
        """Whether anything but ``show`` is asked for."""
        return self != Filters(show=self.show)

    @property
    def query(self) -> str:
        """The filters as the query of an address, the usual ones left out: equal filters are one address."""
        usual = Filters()
        named = {name: getattr(self, name) for name in self.__slots__ if getattr(self, name) != getattr(usual, name)}
        return urlencode({name: "1" if value is True else value for name, value in named.items()})

    def without(self, name: str) -> Filters:
        """Return the same filters but for one."""
        return replace(self, **{name: getattr(Filters(), name)})

    @property
    def chips(self) -> list[tuple[str, str]]:
        """What narrows the list, in words, each with the query of the same list without it."""
        words = {
            "part": BodyPart(self.part).label if self.part else "",
            "side": Side(self.side).label if self.side else "",
            "ai": _("machine: %(state)s") % {"state": AIState(self.ai).label} if self.ai else "",
            "urgent": _("urgent") if self.urgent else "",
            "band": AgeBand(self.band).label if self.band else "",
            "missing": dict(missings()).get(self.missing, ""),
            "since": _("received since %(day)s") % {"day": self.since} if self.since else "",
            "until": _("received until %(day)s") % {"day": self.until} if self.until else "",
            "search": _("search: %(text)s") % {"text": self.search} if self.search else "",
        }
        return [(str(word), self.without(name).query) for name, word in words.items() if word]

    def narrow(self, studies: QuerySet[Study], *, mode: str = "") -> QuerySet[Study]:
        """Return the studies that fit everything but ``show``; ``mode`` is how their site reads, empty for any."""
        equal = {"site": self.site, "body_part": self.part, "side": self.side}
        studies = studies.filter(**{name: value for name, value in equal.items() if value})
        if self.ai:
            studies = studies.filter(_said(self.ai, mode))
        if self.urgent:
            studies = studies.filter(urgent=True)
        if self.band:
            studies = studies.alias(band=band_of_age()).filter(band=self.band)
        studies = _received(studies, self.since, self.until)
        if self.missing:
            studies = _missing(studies, self.missing, mode)
        return _found_by(studies, self.search) if self.search else studies


def missings() -> tuple[tuple[str, str], ...]:
    """Return which readings may be asked for as missing, in words."""
    return ((FIRST, _("nobody has read yet")), (FURTHER, _("another reading is missing")))


def parse(data: QueryDict) -> Filters:
    """Return the filters of an address; what is unknown narrows nothing."""
    return Filters(
        show=_chosen(data, "show", SHOWS) or "open",
        site=_key(data.get("site", "")),
        part=_chosen(data, "part", BodyPart.values),
        side=_chosen(data, "side", Side.values),
        ai=_chosen(data, "ai", AIState.values),
        urgent=data.get("urgent", "") in {"1", "true", "on"},
        band=_chosen(data, "band", AgeBand.values),
        missing=_chosen(data, "missing", (FIRST, FURTHER)),
        since=_day(data.get("since", "")),
        until=_day(data.get("until", "")),
        search=data.get("search", "").replace("\0", "").strip()[:SEARCH_LENGTH],
    )


def size(data: QueryDict) -> int:
    """Return how many rows a page should have; the usual number where it is not said."""
    asked = data.get("size", "")
    return int(asked) if asked.isdecimal() and len(asked) < 5 else PAGE_SIZE


def _chosen(data: QueryDict, name: str, allowed: tuple[str, ...] | list[str]) -> str:
    value = data.get(name, "")
    return value if value in allowed else ""


def _key(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _received(studies: QuerySet[Study], since: date | None, until: date | None) -> QuerySet[Study]:
    if since:
        studies = studies.filter(received_at__gte=_midnight(since))
    if until and until < date.max:
        studies = studies.filter(received_at__lt=_midnight(until + timedelta(days=1)))
    return studies


def _midnight(day: date) -> datetime:
    try:
        return timezone.make_aware(datetime.combine(day, time.min))
    except OverflowError:  # a year that no time zone reaches
        return datetime.combine(day, time.min, tzinfo=timezone.get_default_timezone())


def _said(state: str, mode: str) -> Q:
    """Return which studies the AI is said to call so: where readers read first, it is said to call none anything."""
    if mode == ReadingMode.BLIND_FIRST:
        return Q() if state == AIState.UNKNOWN else Q(pk__in=[])
    if mode == ReadingMode.ASSISTED:
        return Q(ai_state=state)
    is_blind = Q(site__reading_mode=ReadingMode.BLIND_FIRST)
    return is_blind | Q(ai_state=state) if state == AIState.UNKNOWN else Q(ai_state=state) & ~is_blind


def _missing(studies: QuerySet[Study], missing: str, mode: str) -> QuerySet[Study]:
    """Return the open studies that nobody, or somebody, has read in their round; a blind look alone is half a reading.

    A subquery that is asked row by row in the order of the list, not joined: the page ends long before the readings do.
    """
    read = standing_reviews().filter(study=OuterRef("pk"), round=OuterRef("round"), kind=ReviewKind.READING)
    if mode == ReadingMode.BLIND_FIRST:
        read = read.filter(mode=ReviewMode.ASSISTED)
    studies = studies.alias(read=Subquery(read.order_by().values("pk")[:1])).filter(status=StudyStatus.AWAITING)
    if missing == FIRST:
        return studies.filter(read__isnull=True)
    return studies.filter(read__isnull=False, readings_required__gt=1)


def _found_by(studies: QuerySet[Study], text: str) -> QuerySet[Study]:
    """Return the studies that a search names: by a code, an accession or an id, else by words of their question."""
    code, digits = text[:2].upper(), text[2:].lower()
    if code in {"P-", "S-", "A-"}:
        return _by_code(studies, code, digits)
    key = _key(text)
    if key:
        return studies.filter(pk=key)
    named = Q(words=SearchQuery(text, config=SEARCH_CONFIG))
    if any(sign.isdigit() for sign in text):  # words without one are no accession
        named |= Q(accession__in=[*_accessions(text), text.lower()])
    vector = SearchVector("question", config=SEARCH_CONFIG)
    found = list(Study.objects.alias(words=vector).filter(named).order_by().values_list("pk", flat=True)[: _RARE + 1])
    if len(found) <= _RARE:
        return studies.filter(pk__in=found)
    return studies.alias(words=vector).filter(named)  # common words are read in the list's order, and end soon


def _by_code(studies: QuerySet[Study], code: str, digits: str) -> QuerySet[Study]:
    if not digits.isalnum() or not digits.isascii():
        return studies.filter(pk__in=[])
    if code == "P-":
        return studies.filter(patient_key__startswith=digits)
    if code == "A-":
        return studies.filter(accession__startswith=digits)
    short = Right(Cast("id", TextField()), _SHORT)
    return studies.alias(short=short).filter(short=digits, patient_key__isnull=True)


def _accessions(text: str) -> list[str]:
    return [pseudonyms.accession_key(site, text) for site in Site.objects.only("id", "secret_version")]
