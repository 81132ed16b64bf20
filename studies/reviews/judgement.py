"""What a reader fills in, as a value: what was sent to be signed, and what a signed review says.

Whether it is whole is decided in ``checking``; nothing here refuses anything.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bonefrac.db import new_id
from studies.models import Finding, ImageReading, Review, UnlocatedFinding
from studies.states import ImageVerdict, Side
from studies.terms import Advice, OtherFinding, Shape


@dataclass(frozen=True, slots=True)
class Box:
    """A box around a fracture: left, top, width, height in pixels of the radiograph, columns to the right."""

    image: uuid.UUID
    x: float
    y: float
    width: float
    height: float
    confidence: str = ""
    bone: str = ""
    type: str = ""
    side: str = Side.UNKNOWN


@dataclass(frozen=True, slots=True)
class Point:
    """A point on a fracture, in pixels of the radiograph."""

    image: uuid.UUID
    x: float
    y: float
    confidence: str = ""
    bone: str = ""
    type: str = ""
    side: str = Side.UNKNOWN


@dataclass(frozen=True, slots=True)
class Unlocated:
    """A fracture that is named and not drawn."""

    bone: str = ""
    type: str = ""
    side: str = Side.UNKNOWN
    confidence: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A reader's judgement of a study and of those of its images that they marked.

    ``shown`` is which images were drawn at full depth before it was made; None where that is not said.
    """

    verdict: str
    not_assessable_reason: str = ""
    confidence: str = ""
    note: str = ""
    image_readings: Mapping[uuid.UUID, str] = field(default_factory=dict)
    boxes: Sequence[Box] = ()
    points: Sequence[Point] = ()
    unlocated: Sequence[Unlocated] = ()
    other_findings: Collection[str] = ()
    has_cast_or_hardware: bool = False
    advice: Collection[str] = ()
    is_critical: bool = False
    agreed_with_model: bool = False
    shown: Collection[uuid.UUID] | None = None

    @property
    def drawn(self) -> tuple[Box | Point, ...]:
        """Every fracture that lies at a place on an image."""
        return (*self.boxes, *self.points)

    @property
    def findings(self) -> tuple[Box | Point | Unlocated, ...]:
        """Every fracture, drawn or only named."""
        return (*self.drawn, *self.unlocated)

    @property
    def marks(self) -> dict[uuid.UUID, str]:
        """What each marked image is read as; a box or point says that the fracture is visible there."""
        drawn = {finding.image: str(ImageVerdict.FRACTURE_VISIBLE) for finding in self.drawn}
        return {**drawn, **self.image_readings}

    def says_the_same(self, other: Judgement) -> bool:
        """Whether two judgements say the same; the order of findings and which images were shown do not matter."""
        return _ordered(self) == _ordered(other)


def judgement_of(review: Review) -> Judgement:
    """Return what a signed review says."""
    readings = list(review.image_readings.all())
    found = [(reading.study_image_id, row) for reading in readings for row in reading.findings.all()]
    return Judgement(
        verdict=review.verdict,
        not_assessable_reason=review.not_assessable_reason,
        confidence=review.confidence,
        note=review.note,
        image_readings={reading.study_image_id: reading.verdict for reading in readings},
        boxes=tuple(
            Box(image, row.x, row.y, row.width, row.height, **_named(row))
            for image, row in found
            if row.shape == Shape.BOX
        ),
        points=tuple(Point(image, row.x, row.y, **_named(row)) for image, row in found if row.shape == Shape.POINT),
        unlocated=tuple(Unlocated(**_named(row)) for row in review.unlocated_findings.all()),
        other_findings=tuple(review.other_findings),
        has_cast_or_hardware=review.has_cast_or_hardware,
        advice=tuple(review.advice),
        is_critical=review.is_critical,
        agreed_with_model=review.agreed_with_model,
    )


def facts_of(judgement: Judgement) -> dict[str, Any]:
    """Return the values of a review's own columns; what was ticked in the order of its list, each once."""
    return {
        "verdict": judgement.verdict,
        "not_assessable_reason": judgement.not_assessable_reason,
        "confidence": judgement.confidence,
        "note": judgement.note,
        "other_findings": [value for value in OtherFinding.values if value in judgement.other_findings],
        "has_cast_or_hardware": judgement.has_cast_or_hardware,
        "advice": [value for value in Advice.values if value in judgement.advice],
        "is_critical": judgement.is_critical,
        "agreed_with_model": judgement.agreed_with_model,
    }


def write_marks(review: Review, judgement: Judgement) -> None:
    """Add the rows of a review's images and findings."""
    made = ImageReading.objects.bulk_create(
        ImageReading(id=new_id(), review=review, study_image_id=key, verdict=verdict)
        for key, verdict in judgement.marks.items()
    )
    readings = {reading.study_image_id: reading for reading in made}
    boxes = [
        Finding(
            image_reading=readings[box.image], x=box.x, y=box.y, width=box.width, height=box.height, **_named(box)
        )
        for box in judgement.boxes
    ]  # fmt: skip
    points = [
        Finding(
            image_reading=readings[at.image], shape=Shape.POINT, x=at.x, y=at.y, width=0, height=0, **_named(at)
        )
        for at in judgement.points
    ]  # fmt: skip
    Finding.objects.bulk_create(boxes + points)
    UnlocatedFinding.objects.bulk_create(UnlocatedFinding(review=review, **_named(row)) for row in judgement.unlocated)


def _named(row: Box | Point | Unlocated | Finding | UnlocatedFinding) -> dict[str, str]:
    return {"bone": row.bone, "type": row.type, "side": row.side, "confidence": row.confidence}


def _ordered(judgement: Judgement) -> Judgement:
    return replace(
        judgement,
        image_readings=judgement.marks,
        boxes=sorted(judgement.boxes, key=repr),
        points=sorted(judgement.points, key=repr),
        unlocated=sorted(judgement.unlocated, key=repr),
        other_findings=set(judgement.other_findings),
        advice=set(judgement.advice),
        shown=None,
    )
