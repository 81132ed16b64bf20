"""Reads what people signed, as the values that ``consensus`` projects."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import F, QuerySet

from bonefrac.accounts.models import ReadingMode, User
from studies.consensus import Label, Reading, counting, label_of
from studies.models import Review, Study
from studies.states import ImageVerdict, ReviewKind, ReviewMode, Verdict


def current_reviews(studies: Iterable[Study | uuid.UUID]) -> QuerySet[Review]:
    """Return the reviews of the current rounds that nothing supersedes, oldest first."""
    return (
        Review.objects.filter(study__in=studies, superseded_by__isnull=True, round=F("study__round"))
        .select_related("reader")
        .prefetch_related("image_readings__findings")
        .order_by("signed_at", "id")
    )


def as_reading(review: Review) -> Reading:
    """Return a review as a value."""
    return Reading(
        review=review.id,
        reader=review.reader_id,
        kind=ReviewKind(review.kind),
        mode=ReviewMode(review.mode),
        verdict=Verdict(review.verdict),
        signed_at=review.signed_at,
        images={row.study_image_id: ImageVerdict(row.verdict) for row in review.image_readings.all()},
    )


def readings_of(study: Study) -> list[Reading]:
    """Return a study's current readings."""
    return [as_reading(review) for review in current_reviews([study])]


def readings_of_many(studies: Sequence[Study]) -> dict[uuid.UUID, list[Reading]]:
    """Return current readings by study, in one query and its prefetches."""
    grouped: dict[uuid.UUID, list[Reading]] = defaultdict(list)
    for review in current_reviews(studies):
        grouped[review.study_id].append(as_reading(review))
    return grouped


def reads_blind_first(study: Study) -> bool:
    """Whether the study's site shows AI output only after a blind reading."""
    return study.site.reading_mode == ReadingMode.BLIND_FIRST


def label(study: Study) -> Label | None:
    """Return the study's label as it stands."""
    return label_of(readings_of(study), blind_first=reads_blind_first(study))


def has_read(user: User, study: Study) -> bool:
    """Whether the person's reading of the current round counts already."""
    mode = {"mode": ReviewMode.ASSISTED} if reads_blind_first(study) else {}
    return Review.objects.filter(study=study, reader=user, round=study.round, kind=ReviewKind.READING, **mode).exists()


def is_reader_of_round(user: User, study: Study) -> bool:
    """Whether the person signed any reading of the study in the current round."""
    return Review.objects.filter(study=study, reader=user, round=study.round, kind=ReviewKind.READING).exists()


def number_of_readings(study: Study) -> int:
    """Return how many readings of the current round count."""
    return len(counting(readings_of(study), blind_first=reads_blind_first(study)))
