"""One study as one person may see it: its images, readings, problems, what happened when, and what they may do."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from studies import access, policies
from studies.models import Problem, Review, Study, StudyImage
from studies.policies import Standing, sees_all_reviews
from studies.selectors.ai import ImageAI, StudyAI, ai_of_study
from studies.selectors.discrepancies import OpenQuestion, open_of
from studies.selectors.disputes import Dispute, dispute_of, is_settling
from studies.selectors.listing import pseudonym
from studies.selectors.moments import Sight
from studies.selectors.rows import age_in_words, rank_word, sex_in_short, verdicts_of, wait_of
from studies.selectors.uploader import UploaderStory as UploaderStory
from studies.selectors.uploader import open_as_uploader as open_as_uploader
from studies.states import STUDY_TRANSITIONS, StudyEvent, StudyStatus
from studies.turns import has_read, is_reader_of_round
from studies.wording import names_of

if TYPE_CHECKING:
    from bonefrac.accounts.models import User


@dataclass(frozen=True, slots=True)
class Story:
    """What one person sees of one study."""

    study: Study
    standing: Standing
    images: tuple[StudyImage, ...]
    ai: StudyAI
    reviews: tuple[Review, ...]
    problems: tuple[Problem, ...]
    events: tuple[StudyEvent, ...]
    amendable: Review | None
    has_read: bool
    verdict: str
    questions: tuple[OpenQuestion, ...]
    dispute: Dispute | None

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
    def image_names(self) -> dict[uuid.UUID, str]:
        """What the study's images are called, by key."""
        return names_of(self.images)

    @property
    def said_of_images(self) -> tuple[tuple[str, ImageAI], ...]:
        """What the AI says of each image, under the image's name; empty where it is withheld."""
        names = self.image_names
        return tuple((names[said.image], said) for said in self.ai.images)

    @property
    def may_answer(self) -> bool:
        """Whether the person may settle where header and entry differ."""
        return policies.may_answer(self.standing, self.study)

    @property
    def open_problems(self) -> tuple[Problem, ...]:
        """Problems that no lead has settled."""
        return tuple(problem for problem in self.problems if problem.settled_at is None)


def open_study(user: User, study: Study, *, in_background: bool = False) -> Story:
    """Return what a person sees of a study and record that they opened it; a poll leaves no such record."""
    standing = access.standing(user, study.site)
    with transaction.atomic():
        ai = ai_of_study(user, study)
        if not in_background:
            _note(user, study)
    own = has_read(user, study)
    images = tuple(study.images.select_related("radiograph"))
    settles = is_settling(user, study, standing)
    reviews = _reviews(user, study, everyone=sees_all_reviews(standing, study, has_read=own), settles=settles)
    problems = tuple(study.problems.select_related("reporter", "settled_by").order_by("reported_at", "id"))
    amendable = _amendable(user, study, reviews)
    return Story(
        study=study,
        standing=standing,
        images=images,
        ai=ai,
        reviews=reviews,
        problems=problems,
        events=_events(user, study, standing, has_read=own, has_amendable=amendable is not None),
        amendable=amendable,
        has_read=own,
        verdict=verdicts_of([study]).get(study.pk, ""),
        questions=open_of(study),
        dispute=dispute_of(user, study, images, names_of(images)) if settles else None,
    )


def sight_of(user: User, story: Story) -> Sight:
    """Return what a person may learn of what happened to the study that they opened."""
    return Sight(
        user=user,
        study=story.study,
        standing=story.standing,
        names=names_of(StudyImage.everything.filter(study=story.study)),
        knows_readings=sees_all_reviews(story.standing, story.study, has_read=story.has_read),
        settles=story.dispute is not None,
        knows_ai=not story.ai.is_withheld,
    )


def _note(user: User, study: Study) -> None:
    record(user, Verb.STUDY_OPENED, target_type="study", target_id=study.pk, site=study.site_id)


def _reviews(user: User, study: Study, *, everyone: bool, settles: bool) -> tuple[Review, ...]:
    """Return the reviews that a person may see; who settles a dispute sees its own without names and elsewhere."""
    rows = Review.objects.filter(study=study).select_related("reader", "superseded_by")
    rows = rows if everyone else rows.filter(reader=user)
    rows = rows.exclude(~Q(reader=user), round=study.round) if settles else rows
    marks = ("image_readings__findings", "unlocated_findings")
    return tuple(rows.prefetch_related(*marks).order_by("signed_at", "id"))


def _amendable(user: User, study: Study, reviews: Sequence[Review]) -> Review | None:
    current = [
        review
        for review in reviews
        if review.reader_id == user.pk
        and review.round == study.round
        and not review.is_withdrawal
        and not hasattr(review, "superseded_by")
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
