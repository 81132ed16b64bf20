"""Whose turn it is: who has read a study in its current round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import QuerySet

from bonefrac.accounts.models import ReadingMode
from studies.models import Review, Study
from studies.states import ReviewKind, ReviewMode

if TYPE_CHECKING:
    from bonefrac.accounts.models import User


def standing_reviews() -> QuerySet[Review]:
    """Return every review that nothing supersedes and whose reader did not take it back."""
    return Review.objects.filter(superseded_by__isnull=True, is_withdrawal=False)


def reads_blind_first(study: Study) -> bool:
    """Whether the study's site shows AI output only after a blind reading."""
    return study.site.reading_mode == ReadingMode.BLIND_FIRST


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
