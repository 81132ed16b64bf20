"""Reads what people signed, as the values that ``consensus`` projects."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import F, Prefetch, QuerySet
from django.db.models.functions import Greatest

from studies.consensus import Label, Reading, label_of
from studies.contradictions import Mark
from studies.models import Finding, Review, Study
from studies.states import ImageVerdict, ReviewKind, ReviewMode, Verdict
from studies.terms import Shape
from studies.turns import only_second_looks_count, standing_reviews
from studies.turns import reads_blind_first as reads_blind_first


def findings_with_size() -> QuerySet[Finding]:
    """Return findings with ``longer``: how many pixels the longer side of their radiograph has."""
    radiograph = "image_reading__study_image__radiograph"
    return Finding.objects.annotate(longer=Greatest(f"{radiograph}__rows", f"{radiograph}__columns"))


def current_reviews(studies: Iterable[Study | uuid.UUID]) -> QuerySet[Review]:
    """Return the reviews of the current rounds that nothing supersedes or withdraws, oldest first."""
    return (
        standing_reviews()
        .filter(study__in=studies, round=F("study__round"))
        .select_related("reader")
        .prefetch_related(Prefetch("image_readings__findings", findings_with_size()), "unlocated_findings")
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
        marks=marks_of(review),
    )


def marks_of(review: Review) -> tuple[Mark, ...]:
    """Return where a review puts fractures; its findings came from ``findings_with_size``."""
    drawn = (
        _mark(finding, row.study_image_id) for row in review.image_readings.all() for finding in row.findings.all()
    )
    return (*drawn, *(Mark(bone=named.bone, side=named.side) for named in review.unlocated_findings.all()))


def _mark(finding: Finding, image: uuid.UUID) -> Mark:
    said = {"bone": finding.bone, "side": finding.side}
    if finding.shape == Shape.POINT:
        return Mark.around(image, finding.x, finding.y, longer=finding.longer, **said)  # type: ignore[attr-defined]
    return Mark(image, finding.x, finding.y, finding.width, finding.height, **said)


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
    return label_from(study, readings_of(study))


def label_from(study: Study, readings: Sequence[Reading]) -> Label | None:
    """Return what current readings of a study amount to at its site as it works now."""
    return label_of(readings, blind_first=only_second_looks_count(study, readings))
