"""Whose turn it is: who has read a study in its current round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from bonefrac.accounts.models import ReadingMode
from studies.models import Review, Study
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
    """Whether the person's reading of the current round counts already."""
    own = standing_reviews().filter(study=study, reader=user, round=study.round, kind=ReviewKind.READING)
    return (own.filter(mode=ReviewMode.ASSISTED) if reads_blind_first(study) else own).exists()


def counts_at_once(study: Study, review: Review) -> bool:
    """Whether a reading counts by itself: where a site reads blind first, only the second look does."""
    return not reads_blind_first(study) or review.mode == ReviewMode.ASSISTED


def is_reader_of_round(user: User, study: Study) -> bool:
    """Whether the person signed any reading of the study in the current round."""
    return standing_reviews().filter(study=study, reader=user, round=study.round, kind=ReviewKind.READING).exists()


def blind_answer(user: User, study: Study) -> Review | None:
    """Return what the person signed blind in the current round, None where they have not."""
    own = standing_reviews().filter(study=study, reader=user, round=study.round, kind=ReviewKind.READING)
    return own.filter(mode=ReviewMode.BLIND).order_by("signed_at", "id").last()
