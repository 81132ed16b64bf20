"""One study as one person may see it: its images, readings, problems, what happened when, and what they may do."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from inference.models import Prediction
from studies import access, policies
from studies.models import Decision, Problem, Review, Study, StudyImage
from studies.policies import Standing, sees_all_reviews
from studies.selectors.ai import ImageAI, StudyAI, ai_of_study
from studies.selectors.classes import ClassesAI
from studies.selectors.discrepancies import OpenQuestion, open_of
from studies.selectors.listing import pseudonym
from studies.selectors.rows import age_in_words, rank_word, sex_in_short, status_for_uploader, verdicts_of, wait_of
from studies.states import STUDY_TRANSITIONS, ReviewKind, Side, StudyEvent, StudyStatus
from studies.turns import has_read, is_reader_of_round

if TYPE_CHECKING:
    from bonefrac.accounts.models import User


_DECIDED = {
    StudyEvent.REOPEN: gettext_lazy("reopened"),
    StudyEvent.VOID: gettext_lazy("voided"),
    StudyEvent.MOVE_IMAGE: gettext_lazy("images moved to another study"),
    StudyEvent.SPLIT: gettext_lazy("split: images moved to a study of their own"),
    StudyEvent.MERGE: gettext_lazy("merged into another study"),
}


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened: ``who`` is person, machine or system."""

    at: datetime
    who: str
    text: str
    detail: str = ""
    by: str = ""
    is_superseded: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """What one person sees of one study."""

    study: Study
    standing: Standing
    images: tuple[StudyImage, ...]
    ai: StudyAI
    reviews: tuple[Review, ...]
    problems: tuple[Problem, ...]
    moments: tuple[Moment, ...]
    events: tuple[StudyEvent, ...]
    amendable: Review | None
    has_read: bool
    verdict: str
    questions: tuple[OpenQuestion, ...]

    @property
    def pseudonym(self) -> str:
        """The code by which people call the patient, or the study."""
        return pseudonym(self.study)

    @property
    def age(self) -> str:
        """The patient's age in words."""
        return age_in_words(self.study.age_months)

    @property
    def sex(self) -> str:
        """The patient's sex in a letter."""
        return sex_in_short(self.study.sex)

    @property
    def rank_word(self) -> str:
        """The place in the worklist in words."""
        return rank_word(self.study)

    @property
    def wait(self) -> str:
        """Whether the wait is over the ceiling, near it, or neither."""
        return wait_of(self.study) if self.study.status == StudyStatus.AWAITING else ""

    @property
    def is_mine(self) -> bool:
        """Whether the person holds the study now."""
        until = self.study.claimed_until
        return self.study.claimed_by_id == self.standing.person and until is not None and until > timezone.now()

    @property
    def said_of_images(self) -> tuple[tuple[str, ImageAI], ...]:
        """What the AI says of each image, under the image's name; empty where it is withheld."""
        names = {image.pk: image_name(image) for image in self.images}
        return tuple((names[said.image], said) for said in self.ai.images)

    @property
    def may_answer(self) -> bool:
        """Whether the person may settle where header and entry differ."""
        return policies.may_answer(self.standing, self.study)

    @property
    def open_problems(self) -> tuple[Problem, ...]:
        """Problems that no lead has settled."""
        return tuple(problem for problem in self.problems if problem.settled_at is None)


@dataclass(frozen=True, slots=True)
class UploaderStory:
    """What an uploader sees of their own study: status, problems, and the verdict once it is signed."""

    study: Study
    pseudonym: str
    status: str
    verdict: str
    images: tuple[StudyImage, ...]
    problems: tuple[Problem, ...]
    questions: tuple[OpenQuestion, ...]


def open_study(user: User, study: Study, *, in_background: bool = False) -> Story:
    """Return what a person sees of a study and record that they opened it; a poll leaves no such record."""
    standing = access.standing(user, study.site)
    with transaction.atomic():
        ai = ai_of_study(user, study)
        if not in_background:
            _note(user, study)
    own = has_read(user, study)
    images = tuple(study.images.select_related("radiograph"))
    reviews = _reviews(user, study, everyone=sees_all_reviews(standing, study, has_read=own))
    problems = tuple(study.problems.select_related("reporter", "settled_by").order_by("reported_at", "id"))
    amendable = _amendable(user, study, reviews)
    return Story(
        study=study,
        standing=standing,
        images=images,
        ai=ai,
        reviews=reviews,
        problems=problems,
        moments=tuple(sorted(_moments(study, images, ai, reviews, problems), key=lambda moment: moment.at)),
        events=_events(user, study, standing, has_read=own, has_amendable=amendable is not None),
        amendable=amendable,
        has_read=own,
        verdict=verdicts_of([study]).get(study.pk, ""),
        questions=open_of(study),
    )


def open_as_uploader(user: User, study: Study) -> UploaderStory:
    """Return what an uploader sees of their own study and record that they opened it."""
    with transaction.atomic():
        _note(user, study)
    return UploaderStory(
        study=study,
        pseudonym=pseudonym(study),
        status=status_for_uploader(study),
        verdict=verdicts_of([study]).get(study.pk, ""),
        images=tuple(study.images.all()),
        problems=tuple(study.problems.order_by("reported_at", "id")),
        questions=open_of(study),
    )


def image_name(image: StudyImage) -> str:
    """Return what readers call an image: its view and side, or its number."""
    side = "" if image.side == Side.UNKNOWN else str(Side(image.side).label)
    number = {"number": image.position + 1}
    return " ".join(part for part in (image.view, side) if part) or _("image %(number)d") % number


def _note(user: User, study: Study) -> None:
    record(user, Verb.STUDY_OPENED, target_type="study", target_id=study.pk, site=study.site_id)


def _reviews(user: User, study: Study, *, everyone: bool) -> tuple[Review, ...]:
    rows = Review.objects.filter(study=study).select_related("reader", "superseded_by")
    rows = rows if everyone else rows.filter(reader=user)
    return tuple(rows.prefetch_related("image_readings__findings").order_by("signed_at", "id"))


def _amendable(user: User, study: Study, reviews: Sequence[Review]) -> Review | None:
    current = [
        review
        for review in reviews
        if review.reader_id == user.pk and review.round == study.round and not hasattr(review, "superseded_by")
    ]
    return current[-1] if current else None


def _events(
    user: User, study: Study, standing: Standing, *, has_read: bool, has_amendable: bool
) -> tuple[StudyEvent, ...]:
    is_reader = is_reader_of_round(user, study)
    return tuple(
        event
        for event in STUDY_TRANSITIONS.available(StudyStatus(study.status))
        if policies.permitted(
            event, standing, is_reader_of_round=is_reader, has_read=has_read, has_amendable=has_amendable
        )
    )


def _moments(
    study: Study, images: Sequence[StudyImage], ai: StudyAI, reviews: Sequence[Review], problems: Sequence[Problem]
) -> Iterator[Moment]:
    yield Moment(study.received_at, "system", _("received"))
    for image in images:
        came = _("image moved here: %(name)s") if image.moved_from_id else _("image added: %(name)s")
        yield Moment(image.added_at, "system", came % {"name": image_name(image)})
    yield from _machine(images, ai)
    yield from (_signed(review) for review in reviews)
    yield from _decided(study)
    for problem in problems:
        yield Moment(problem.reported_at, "person", _("problem reported"), problem.sentence, str(problem.reporter))
        if problem.settled_at:
            by = str(problem.settled_by)
            yield Moment(problem.settled_at, "person", _("problem settled"), problem.settlement, by)


def _machine(images: Sequence[StudyImage], ai: StudyAI) -> Iterator[Moment]:
    names = {image.pk: image_name(image) for image in images}
    said: dict[uuid.UUID, tuple[str, ImageAI | ClassesAI]] = {}
    for image in ai.images:
        name = names[image.image]
        if image.prediction:
            said[image.prediction] = (f"{name}: {image.sentence}", image)
        spoken = ((classes.prediction, classes) for classes in image.classes)
        said |= {key: (f"{name}: {classes.name}: {classes.sentence}", classes) for key, classes in spoken if key}
    for prediction in Prediction.objects.filter(pk__in=said) if said else ():
        text, one = said[prediction.pk]
        score = "" if one.score is None else _("score %(score).2f") % {"score": one.score}
        yield Moment(prediction.created_at, "machine", text, score, one.model_version)


def _signed(review: Review) -> Moment:
    what = _("adjudicated") if review.kind == ReviewKind.ADJUDICATION else _("signed")
    text = f"{what}: {review.get_verdict_display()}"
    facts = [str(review.get_mode_display()), _("round %(round)d") % {"round": review.round}, review.reason, review.note]
    is_superseded = hasattr(review, "superseded_by")
    detail = " · ".join(fact for fact in facts if fact)
    return Moment(review.signed_at, "person", text, detail, str(review.reader), is_superseded)


def _decided(study: Study) -> Iterator[Moment]:
    for decision in Decision.objects.filter(study=study).select_related("lead"):
        text = str(_DECIDED[StudyEvent(decision.event)])
        yield Moment(decision.at, "person", text, decision.reason, str(decision.lead))
