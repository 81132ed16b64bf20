"""Reads what people signed, as the values that ``consensus`` projects."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import F, QuerySet

from studies.consensus import Label, Reading, label_of
from studies.models import Review, Study
from studies.states import ImageVerdict, ReviewKind, ReviewMode, Verdict
from studies.turns import reads_blind_first as reads_blind_first


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


def label(study: Study) -> Label | None:
    """Return the study's label as it stands."""
    return label_of(readings_of(study), blind_first=reads_blind_first(study))
