"""The rows in which a frozen dataset leaves: one manifest from which every writer writes."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from bonefrac.accounts.pseudonyms import reader_key
from studies.models import Dataset, DatasetItem, ImageReading, UnlocatedFinding
from studies.states import Agreement
from studies.terms import Shape

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Named:
    """A fracture that is named and not drawn."""

    bone: str
    type: str
    side: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Box:
    """A fracture box: left, top, width and height in pixels of the radiograph."""

    x: float
    y: float
    width: float
    height: float
    bone: str
    type: str
    side: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Point:
    """A point on a fracture, in pixels of the radiograph."""

    x: float
    y: float
    bone: str
    type: str
    side: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Said:
    """What the review whose marks an image takes says of it, and of its study beside the verdict."""

    boxes: tuple[Box, ...] = ()
    points: tuple[Point, ...] = ()
    unlocated: tuple[Named, ...] = ()

    @property
    def drawn(self) -> tuple[Box | Point, ...]:
        """Everything that lies at a place on the image."""
        return (*self.boxes, *self.points)

    @property
    def bones(self) -> tuple[str, ...]:
        """The bones that are named on the image, each once."""
        return tuple(dict.fromkeys(row.bone for row in self.drawn if row.bone))

    @property
    def types(self) -> tuple[str, ...]:
        """The types of fracture that are named on the image, each once."""
        return tuple(dict.fromkeys(row.type for row in self.drawn if row.type))


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """One labelled image, with everything that a writer needs and no person in it."""

    study: str
    image: str
    radiograph: str
    file_name: str
    rows: int
    columns: int
    study_verdict: str
    image_label: str
    side: str
    boxes: tuple[Box, ...]
    points: tuple[Point, ...]
    unlocated: tuple[Named, ...]
    bones: tuple[str, ...]
    types: tuple[str, ...]
    other_findings: tuple[str, ...]
    has_cast_or_hardware: bool
    agreed_with_model: bool
    ai_state: str
    ai_probability: float | None
    model_version: str
    agreement: str
    phase: str
    reader_key: str
    review_state: str
    confidence: str
    group: str
    split: str
    body_part: str
    view: str
    age_months: int | None
    sex: str


def rows_of(dataset: Dataset, *, corrected_only: bool = False) -> Iterator[DatasetRow]:
    """Yield a dataset's rows in the order of their images.

    Args:
        dataset: A frozen dataset.
        corrected_only: Leave out every image on which people agreed with the AI or the AI had said nothing.
    """
    items = DatasetItem.objects.filter(dataset=dataset).order_by("study_image_id")
    if corrected_only:
        items = items.filter(agreement=Agreement.CORRECTED)
    items = items.select_related(
        "study_image__study", "radiograph", "review__reader", "prediction__model_version", "group"
    )
    chunk: list[DatasetItem] = []
    for item in items.iterator(CHUNK):
        chunk.append(item)
        if len(chunk) == CHUNK:
            yield from _rows(dataset, chunk)
            chunk = []
    yield from _rows(dataset, chunk)


def _rows(dataset: Dataset, items: list[DatasetItem]) -> Iterator[DatasetRow]:
    reviews = {item.review_id for item in items}
    readings = ImageReading.objects.filter(review__in=reviews).prefetch_related("findings")
    drawn = {(row.review_id, row.study_image_id): row for row in readings}
    named: dict[uuid.UUID, list[Named]] = defaultdict(list)
    for row in UnlocatedFinding.objects.filter(review__in=reviews).order_by("id"):
        named[row.review_id].append(Named(row.bone, row.type, row.side, row.confidence))
    for item in items:
        found = drawn.get((item.review_id, item.study_image_id))
        yield _row(dataset, item, _said(found, tuple(named[item.review_id])))


def _said(reading: ImageReading | None, unlocated: tuple[Named, ...]) -> Said:
    found = sorted(reading.findings.all(), key=lambda row: row.id) if reading else []
    return Said(
        boxes=tuple(
            Box(row.x, row.y, row.width, row.height, row.bone, row.type, row.side, row.confidence)
            for row in found
            if row.shape == Shape.BOX
        ),
        points=tuple(
            Point(row.x, row.y, row.bone, row.type, row.side, row.confidence)
            for row in found
            if row.shape == Shape.POINT
        ),
        unlocated=unlocated,
    )


def _row(dataset: Dataset, item: DatasetItem, said: Said) -> DatasetRow:
    image, study, prediction = item.study_image, item.study_image.study, item.prediction
    return DatasetRow(
        study=str(study.id),
        image=str(image.id),
        radiograph=str(item.radiograph_id),
        file_name=f"images/{image.id}.png",
        rows=item.radiograph.rows,
        columns=item.radiograph.columns,
        study_verdict=item.study_verdict,
        image_label=item.image_label,
        side=image.side if image.side != "unknown" else study.side,
        boxes=said.boxes,
        points=said.points,
        unlocated=said.unlocated,
        bones=said.bones,
        types=said.types,
        other_findings=tuple(item.review.other_findings),
        has_cast_or_hardware=item.review.has_cast_or_hardware,
        agreed_with_model=item.review.agreed_with_model,
        ai_state=prediction.state if prediction else "",
        ai_probability=prediction.probability if prediction else None,
        model_version=str(prediction.model_version) if prediction else "",
        agreement=item.agreement,
        phase=item.phase,
        reader_key=reader_key(dataset.site, item.review.reader),
        review_state=item.review_state,
        confidence=item.review.confidence,
        group=item.group.key,
        split=item.split,
        body_part=study.body_part,
        view=image.view,
        age_months=study.age_months,
        sex=study.sex,
    )
