"""Whose turn it is: who has read a study in its current round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from bonefrac.accounts.models import ReadingMode
from studies.models import Disclosure, Review, Study
from studies.states import ReviewKind, ReviewMode, StudyStatus

if TYPE_CHECKING:
    from bonefrac.accounts.models import User
    from studies.consensus import Reading


def standing_reviews() -> QuerySet[Review]:
    """Return every review that nothing supersedes and whose reader did not take it back."""
    return Review.objects.filter(superseded_by__isnull=True, is_withdrawal=False)


def reads_blind_first(study: Study) -> bool:
    """Whether the study's site shows AI output only after a blind reading."""
    return study.site.reading_mode == ReadingMode.BLIND_FIRST


def only_second_looks_count(study: Study, readings: Sequence[Reading]) -> bool:
    """Whether of the readings of a study's round the blind ones count for nothing by themselves.

    So it is where the site reads blind first. But what was settled stays settled: a study that is reviewed or disputed
    with fewer second looks than it needs was settled while its site showed the AI from the start, on readings at which
    the AI had said nothing. They were whole then, and the label does not go because the site works otherwise now.
    """
    if not reads_blind_first(study) or study.status in (StudyStatus.AWAITING, StudyStatus.VOID):
        return reads_blind_first(study)
    seconds = {row.reader for row in readings if row.kind == ReviewKind.READING and row.mode == ReviewMode.ASSISTED}
    return len(seconds) >= study.readings_required


def has_read(user: User, study: Study) -> bool:
    """Whether the person's reading of the current round counts already, and they are not about to look once more."""
    own = _own(user, study)
    if reads_blind_first(study):
        return own.filter(mode=ReviewMode.ASSISTED).exists()
    return own.exists() and not is_between_looks(user, study)


def is_between_looks(user: User, study: Study) -> bool:
    """Whether the person was on the way to the second look when their site began to show the AI from the start.

    They hold the study, have answered blind and have been shown the AI. Their blind answer is a whole reading now; what
    they are about to sign counts in its place.
    """
    if study.claimed_by_id != user.pk or reads_blind_first(study):
        return False
    modes = set(_own(user, study).values_list("mode", flat=True))
    is_shown = Disclosure.objects.filter(study=study, reader=user, round=study.round)
    return modes == {ReviewMode.BLIND} and is_shown.exists()


def _own(user: User, study: Study) -> QuerySet[Review]:
    return standing_reviews().filter(study=study, reader=user, round=study.round, kind=ReviewKind.READING)


def counts_at_once(study: Study, review: Review) -> bool:
    """Whether a reading counts by itself: where a site reads blind first, only the second look does."""
    return not reads_blind_first(study) or review.mode == ReviewMode.ASSISTED


def is_reader_of_round(user: User, study: Study) -> bool:
    """Whether the person signed any reading of the study in the current round."""
    return _own(user, study).exists()


def blind_answer(user: User, study: Study) -> Review | None:
    """Return what the person signed blind in the current round, None where they have not."""
    return _own(user, study).filter(mode=ReviewMode.BLIND).order_by("signed_at", "id").last()
