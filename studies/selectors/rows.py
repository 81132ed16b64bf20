"""The rows of the worklist as a person may see them, and the record that they were shown."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.accounts.models import ReadingMode
from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from studies import access
from studies.consensus import Label, label_of
from studies.models import Study, StudyImage
from studies.policies import Standing, may_sign_now, sees_reading_side
from studies.selectors.ai import StudyAI, ai_of_studies
from studies.selectors.listing import PAGE_SIZE, Filters, page, pseudonym
from studies.selectors.readings import as_reading, current_reviews, reads_blind_first
from studies.states import Rank, ReviewKind, ReviewMode, Sex, StudyStatus, Verdict
from studies.turns import standing_reviews

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

NEAR = 0.8  # of the ceiling: from then on a wait is shown in the warning colour
RANK_CLASSES = {Rank.URGENT: "urgent", Rank.POSITIVE: "positive", Rank.UNCERTAIN: "unknown", Rank.NEGATIVE: "negative"}


@dataclass(frozen=True, slots=True)
class Row:
    """One study in a list, as one person may see it."""

    study: Study
    pseudonym: str
    rank_class: str
    rank_word: str
    ai: StudyAI
    views: str
    number_of_images: int
    readings: int
    holder: str
    is_mine: bool
    is_readable: bool
    wait: str

    @property
    def age(self) -> str:
        """The patient's age in words."""
        return age_in_words(self.study.age_months)

    @property
    def part(self) -> str:
        """The body part in a word: the first of its name's."""
        return str(self.study.get_body_part_display()).partition(",")[0]

    @property
    def sex(self) -> str:
        """The patient's sex in a letter."""
        return sex_in_short(self.study.sex)


@dataclass(frozen=True, slots=True)
class UploadRow:
    """One study as its uploader sees it: no AI output, the verdict once it is signed."""

    study: Study
    pseudonym: str
    status: str
    verdict: str


def worklist_page(
    user: User, filters: Filters, *, cursor: str = "", size: int = PAGE_SIZE, in_background: bool = False
) -> tuple[list[Row], str]:
    """Return a page of the worklist and the cursor of the next; record what was shown unless a poll asked.

    Raises:
        Invalid: The cursor is none of ours.
    """
    found = page(user, filters, cursor=cursor, size=size)
    with transaction.atomic():
        rows = _rows(user, found.studies)
        if not in_background:
            _note_list(user, found.studies)
    return rows, found.next_cursor


def uploads_page(user: User, *, cursor: str = "", size: int = PAGE_SIZE) -> tuple[list[UploadRow], str]:
    """Return a page of the studies that a person uploaded, newest first."""
    found = page(user, Filters(show="uploads"), cursor=cursor, size=size)
    verdicts = verdicts_of(found.studies)
    with transaction.atomic():
        _note_list(user, found.studies)
    rows = [
        UploadRow(study, pseudonym(study), status_for_uploader(study), verdicts.get(study.pk, ""))
        for study in found.studies
    ]
    return rows, found.next_cursor


def verdicts_of(studies: Sequence[Study]) -> dict[uuid.UUID, str]:
    """Return the verdict of each reviewed study in words."""
    reviewed = [study for study in studies if study.status == StudyStatus.REVIEWED]
    readings = defaultdict(list)
    for review in current_reviews(reviewed):
        readings[review.study_id].append(as_reading(review))
    labels: dict[uuid.UUID, Label | None] = {
        study.pk: label_of(readings[study.pk], blind_first=reads_blind_first(study)) for study in reviewed
    }
    return {key: str(Verdict(label.verdict).label) for key, label in labels.items() if label}


def status_for_uploader(study: Study) -> str:
    """Return where a study stands, in an uploader's words."""
    if study.has_problem and study.status != StudyStatus.VOID:
        return _("a reader reported a problem")
    return str(study.get_status_display())


def age_in_words(months: int | None) -> str:
    """Return an age as "34 y", or "5 months" under two years; 90 years and more are one."""
    if months is None:
        return _("age unknown")
    if months < 24:
        return _("%(months)d months") % {"months": months}
    return _("90+ y") if months >= 1080 else _("%(years)d y") % {"years": months // 12}


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
    """Return the rank in words; where a site reads blind first it says nothing of the AI."""
    rank = Rank(study.rank)
    if study.site.reading_mode == ReadingMode.BLIND_FIRST and rank != Rank.URGENT:
        return _("routine")
    return str(rank.label)


def _rows(user: User, studies: Sequence[Study]) -> list[Row]:
    said = ai_of_studies(user, studies, in_list=True)
    images = _images(studies)
    counted, own = _readings(user, studies)
    standings = {study.site_id: study.site for study in studies}
    roles = {key: access.standing(user, site) for key, site in standings.items()}
    now = timezone.now()
    return [
        _row(user, study, said[study.pk], images[study.pk], counted[study.pk], roles[study.site_id], own, now)
        for study in studies
    ]


def _row(
    user: User, study: Study, ai: StudyAI, views: Sequence[str], readings: int, standing: Standing,
    own: set[uuid.UUID], now: datetime,
) -> Row:  # fmt: skip
    is_held = study.claimed_by is not None and study.claimed_until is not None and study.claimed_until > now
    is_mine = is_held and study.claimed_by_id == user.pk
    readable = may_sign_now(standing, study, has_read=study.pk in own) and (is_mine or not is_held)
    return Row(
        study=study,
        pseudonym=pseudonym(study),
        rank_class=RANK_CLASSES[Rank(study.rank)],
        rank_word=rank_word(study),
        ai=ai,
        views=" ".join(dict.fromkeys(view for view in views if view)),
        number_of_images=len(views),
        readings=readings,
        holder=str(study.claimed_by) if is_held and sees_reading_side(standing) else "",
        is_mine=is_mine,
        is_readable=readable,
        wait=wait_of(study) if study.status == StudyStatus.AWAITING else "",
    )


def _images(studies: Sequence[Study]) -> dict[uuid.UUID, list[str]]:
    views: dict[uuid.UUID, list[str]] = defaultdict(list)
    for study_id, view in (
        StudyImage.objects.filter(study__in=studies).order_by("position", "id").values_list("study_id", "view")
    ):
        views[study_id].append(view)
    return views


def _readings(user: User, studies: Sequence[Study]) -> tuple[Counter[uuid.UUID], set[uuid.UUID]]:
    """Return how many readings of the current round count, by study, and which studies the person has read."""
    blind_first = {study.pk for study in studies if reads_blind_first(study)}
    current = standing_reviews().filter(study__in=studies, round=F("study__round"), kind=ReviewKind.READING)
    rows = current.values_list("study_id", "reader_id", "mode")
    counting = [row for row in rows if row[0] not in blind_first or row[2] == ReviewMode.ASSISTED]
    return Counter(row[0] for row in counting), {row[0] for row in counting if row[1] == user.pk}


def _note_list(user: User, studies: Sequence[Study]) -> None:
    by_site: dict[uuid.UUID, list[str]] = defaultdict(list)
    for study in studies:
        by_site[study.site_id].append(str(study.pk))
    for site, shown in by_site.items():
        record(user, Verb.LIST_SHOWN, target_type="site", target_id=site, site=site, data={"studies": shown})
