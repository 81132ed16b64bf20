"""The rows of the worklist as a person may see them, and the record that they were shown."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from studies.consensus import Label
from studies.models import Skip, Study, StudyImage
from studies.policies import Standing, may_adjudicate, may_sign_now, sees_reading_side
from studies.ranking import orders_by_ai, rank_at
from studies.selectors.ai import StudyAI, ai_of_studies
from studies.selectors.dates import STUDY_DATE, earliest
from studies.selectors.decided import state_for_uploader, status_for_uploader, verdicts_for_uploader
from studies.selectors.filtering import PAGE_SIZE, Filters
from studies.selectors.listing import page, pseudonym
from studies.selectors.readings import as_reading, current_reviews, label_from, reads_blind_first
from studies.standings import Standings, standings_of
from studies.states import AIState, BodyPart, Rank, ReviewKind, ReviewMode, Sex, Side, StudyStatus, Verdict
from studies.turns import standing_reviews

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

NEAR = 0.8  # of the ceiling: from then on a wait is shown in the warning colour
WAITING = (StudyStatus.AWAITING, StudyStatus.DISPUTED)
READ, ADJUDICATE, LOOK = "read", "adjudicate", "look"
_NO_ID = str(uuid.UUID(int=0))
_PAGES = {READ: "read/", ADJUDICATE: "adjudicate/", LOOK: ""}
RANK_CLASSES = {Rank.URGENT: "urgent", Rank.POSITIVE: "positive", Rank.UNCERTAIN: "unknown", Rank.NEGATIVE: "negative"}


@dataclass(frozen=True, slots=True)
class Row:
    """One study in a list, as one person may see it.

    ``opens`` says what the person would do with it: ``read``, ``adjudicate``, or only ``look``. ``skips`` is who passed
    over it in this round and why; only leads are told. ``home`` is the address of the study's own page.
    """

    study: Study
    home: str
    rank_class: str
    rank_word: str
    ai: StudyAI
    views: str
    number_of_images: int
    study_date: date | None
    readings: int
    holder: str
    is_mine: bool
    is_readable: bool
    opens: str
    wait: str
    skips: tuple[tuple[str, str], ...] = ()

    @property
    def pseudonym(self) -> str:
        """The code by which people call the patient."""
        return pseudonym(self.study)

    @property
    def accession(self) -> str:
        """The code that stands for the accession number; empty where there is none."""
        return f"A-{self.study.accession[:8]}" if self.study.accession else ""

    @property
    def patient(self) -> str:
        """The patient's sex, where it is known, and age in words."""
        age = age_in_words(self.study.age_months)
        return age if self.study.sex == Sex.UNKNOWN else f"{self.study.sex} · {age}"

    @property
    def part(self) -> str:
        """The body part in a word, the first of its name's, and the side where it is known."""
        part = str(BodyPart(self.study.body_part).label).partition(",")[0]
        return part if self.study.side == Side.UNKNOWN else f"{part} · {Side(self.study.side).label}"

    @property
    def received(self) -> str:
        """When it was received, in the person's time zone."""
        return timezone.localtime(self.study.received_at).strftime("%Y-%m-%d %H:%M")

    @property
    def since(self) -> str:
        """When it was received, as a program reads it."""
        return self.study.received_at.isoformat(timespec="seconds")

    @property
    def waited(self) -> str:
        """How long it has waited, in words."""
        return wait_in_words(timezone.now() - self.study.received_at)

    @property
    def address(self) -> str:
        """Where it opens: to be read, to be settled, or only to be looked at."""
        return self.home + (_PAGES[self.opens] if self.is_readable else "")

    @property
    def is_open(self) -> bool:
        """Whether it waits for somebody."""
        return self.study.status in WAITING


@dataclass(frozen=True, slots=True)
class UploadRow:
    """One study as its uploader sees it: no AI output, the verdict once it is signed."""

    study: Study
    pseudonym: str
    state: StudyStatus
    status: str
    verdict: str


def worklist_page(
    user: User,
    filters: Filters,
    *,
    cursor: str = "",
    size: int = PAGE_SIZE,
    in_background: bool = False,
    at: Standings | None = None,
) -> tuple[list[Row], str]:
    """Return a page of the worklist and the cursor of the next; record what was shown unless a poll asked.

    Raises:
        Invalid: The cursor is none of ours.
    """
    at = standings_of(user) if at is None else at
    found = page(user, filters, cursor=cursor, size=size, at=at)
    with transaction.atomic():
        rows = _rows(user, found.studies, at)
        if not in_background:
            note_list(user, found.studies)
    return rows, found.next_cursor


def uploads_page(user: User, *, cursor: str = "", size: int = PAGE_SIZE) -> tuple[list[UploadRow], str]:
    """Return a page of the studies that a person uploaded, newest first."""
    found = page(user, Filters(show="uploads"), cursor=cursor, size=size)
    verdicts = verdicts_for_uploader(found.studies)
    with transaction.atomic():
        note_list(user, found.studies)
    rows = [
        UploadRow(
            study=study,
            pseudonym=pseudonym(study),
            state=state_for_uploader(study, is_known=study.pk in verdicts),
            status=status_for_uploader(study, is_known=study.pk in verdicts),
            verdict=verdicts.get(study.pk, ""),
        )
        for study in found.studies
    ]
    return rows, found.next_cursor


def verdicts_of(studies: Sequence[Study]) -> dict[uuid.UUID, str]:
    """Return the verdict of each reviewed study in words."""
    reviewed = [study for study in studies if study.status == StudyStatus.REVIEWED]
    readings = defaultdict(list)
    for review in current_reviews(reviewed):
        readings[review.study_id].append(as_reading(review))
    labels: dict[uuid.UUID, Label | None] = {study.pk: label_from(study, readings[study.pk]) for study in reviewed}
    return {key: str(Verdict(label.verdict).label) for key, label in labels.items() if label}


def age_in_words(months: int | None) -> str:
    """Return an age as "34 y", or "5 months" under two years; 90 years and more are one."""
    if months is None:
        return _("age unknown")
    if months < 24:
        return _("%(months)d months") % {"months": months}
    return _("90+ y") if months >= 1080 else _("%(years)d y") % {"years": months // 12}


def wait_in_words(waited: timedelta) -> str:
    """Return a wait as "18 min", "3 h 05" or "2 days"; the script of the page writes the same words as it goes on."""
    minutes = int(waited.total_seconds() // 60)
    if minutes < 1:
        return _("under a minute")
    if minutes < 60:
        return _("%(minutes)d min") % {"minutes": minutes}
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02}" if hours < 48 else _("%(days)d days") % {"days": hours // 24}


def sex_in_short(sex: str) -> str:
    """Return the letter of DICOM for a sex, or that it is unknown."""
    return _("sex unknown") if sex == Sex.UNKNOWN else sex


def wait_of(study: Study) -> str:
    """Return whether a wait is "over" the site's ceiling, "near" it, or neither."""
    ceiling = timedelta(minutes=study.site.wait_ceiling_minutes)
    waited = timezone.now() - study.received_at
    if waited >= ceiling:
        return "over"
    return "near" if waited >= ceiling * NEAR else ""


def rank_word(study: Study) -> str:
    """Return the rank in words; where the AI does not order a site's list it says nothing of the AI."""
    rank = rank_at(study.site, study.rank)
    if rank != Rank.URGENT and not orders_by_ai(study.site):
        return _("routine")
    return str(rank.label)


def _rows(user: User, studies: Sequence[Study], at: Standings) -> list[Row]:
    said = ai_of_studies(user, studies, in_list=True)
    images = _images(studies)
    counted, own = _readings(user, studies)
    skips = _skips([study for study in studies if at[study.site].leads])
    now, homes = timezone.now(), reverse("studies:study", args=[_NO_ID])  # a page asks for one address, not for fifty
    rows = []
    for study in studies:
        views = [view for view, _made in images[study.pk]]
        is_own, held = study.pk in own, at[study.site]
        is_held = study.claimed_by is not None and study.claimed_until is not None and study.claimed_until > now
        is_mine = is_held and study.claimed_by_id == user.pk
        opens = _opens(study, held, is_own=is_own)
        row = Row(
            study=study,
            home=homes.replace(_NO_ID, str(study.pk)),
            rank_class=_rank_class(study),
            rank_word=_("disputed") if study.status == StudyStatus.DISPUTED else _rank_word(study, said[study.pk]),
            ai=said[study.pk],
            views=" ".join(dict.fromkeys(view for view in views if view)),
            number_of_images=len(views),
            study_date=earliest(made for _view, made in images[study.pk]),
            readings=counted[study.pk],
            holder=str(study.claimed_by) if is_held and sees_reading_side(held) else "",
            is_mine=is_mine,
            is_readable=opens != LOOK and (is_mine or not is_held),
            opens=opens,
            wait=wait_of(study) if study.status in WAITING else "",
            skips=skips.get(study.pk, ()),
        )
        rows.append(row)
    return rows


def _rank_class(study: Study) -> str:
    return "disputed" if study.status == StudyStatus.DISPUTED else RANK_CLASSES[rank_at(study.site, study.rank)]


def _rank_word(study: Study, ai: StudyAI) -> str:
    """Return the rank in words; one that was lifted since it waits long is not called unsure."""
    lifted = study.rank == Rank.UNCERTAIN and ai.state == AIState.NEGATIVE and study.site.triage
    return _("waits long") if lifted else rank_word(study)


def _opens(study: Study, held: Standing, *, is_own: bool) -> str:
    if study.status == StudyStatus.DISPUTED:
        settles = may_adjudicate(held, is_reader_of_round=is_own) and not study.has_problem
        return ADJUDICATE if settles else LOOK
    return READ if may_sign_now(held, study, has_read=is_own) else LOOK


def _skips(studies: Sequence[Study]) -> dict[uuid.UUID, tuple[tuple[str, str], ...]]:
    """Return by study who passed over it in its round, and why."""
    found: dict[uuid.UUID, tuple[tuple[str, str], ...]] = {}
    if studies:
        rows = Skip.objects.filter(study__in=studies, round=F("study__round")).select_related("reader").order_by("at")
        for row in rows:
            found[row.study_id] = (*found.get(row.study_id, ()), (str(row.reader), row.reason))
    return found


def _images(studies: Sequence[Study]) -> dict[uuid.UUID, list[tuple[str, object]]]:
    """Return the view and the study date that each image of the studies names, by study."""
    found: dict[uuid.UUID, list[tuple[str, object]]] = defaultdict(list)
    images = StudyImage.objects.filter(study__in=studies).order_by("position", "id")
    for study_id, view, made in images.values_list("study_id", "view", f"header__{STUDY_DATE}__Value__0"):
        found[study_id].append((view, made))
    return found


def _readings(user: User, studies: Sequence[Study]) -> tuple[Counter[uuid.UUID], set[uuid.UUID]]:
    """Return how many readings of the current round count, by study, and of which studies the person is a reader.

    Of an open study that is who has finished: a blind look alone is half a reading. Of a disputed one it is who looked.
    """
    blind_first = {study.pk for study in studies if reads_blind_first(study) and study.status == StudyStatus.AWAITING}
    current = standing_reviews().filter(study__in=studies, round=F("study__round"), kind=ReviewKind.READING)
    rows = current.values_list("study_id", "reader_id", "mode")
    counting = [row for row in rows if row[0] not in blind_first or row[2] == ReviewMode.ASSISTED]
    readers = {(study, reader) for study, reader, _mode in counting}
    return Counter(study for study, _reader in readers), {study for study, reader in readers if reader == user.pk}


def note_list(user: User, studies: Sequence[Study]) -> None:
    """Record which studies a list showed somebody, one row a site."""
    by_site: dict[uuid.UUID, list[str]] = defaultdict(list)
    for study in studies:
        by_site[study.site_id].append(str(study.pk))
    for site, shown in by_site.items():
        record(user, Verb.LIST_SHOWN, target_type="site", target_id=site, site=site, data={"studies": shown})
