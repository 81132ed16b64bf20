"""What a reader fills in, and whether it is whole: checked against the study before anything is written."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from bonefrac.errors import Invalid
from studies.models import Finding, ImageReading, Review, StudyImage
from studies.states import Confidence, ImageVerdict, NotAssessableReason, Side, Verdict

NOTE_LENGTH, REASON_LENGTH, NAME_LENGTH, BOXES = 2000, 500, 64, 100


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
class Judgement:
    """A reader's judgement of a study and of those of its images that they marked."""

    verdict: str
    not_assessable_reason: str = ""
    confidence: str = ""
    note: str = ""
    image_readings: Mapping[uuid.UUID, str] = field(default_factory=dict)
    boxes: Sequence[Box] = ()

    @property
    def marks(self) -> dict[uuid.UUID, str]:
        """What each marked image is read as; a box says that the fracture is visible there."""
        boxed = {box.image: str(ImageVerdict.FRACTURE_VISIBLE) for box in self.boxes}
        return {**boxed, **self.image_readings}


def check(judgement: Judgement, images: Sequence[StudyImage]) -> None:
    """Raise ``Invalid`` with a sentence for each field that cannot stand."""
    by_id = {image.pk: image for image in images}
    faults = {**_of_study(judgement), **_of_images(judgement, by_id), **_of_boxes(judgement, by_id)}
    if faults:
        raise Invalid(
            _("Not signed: %(first)s Everything that you entered is kept.") % {"first": next(iter(faults.values()))},
            code="judgement",
            fields=faults,
        )


def _of_study(judgement: Judgement) -> dict[str, str]:
    faults = {}
    if judgement.verdict not in Verdict.values:
        faults["verdict"] = _("Choose a verdict: fracture, no acute fracture or not assessable.")
    if judgement.confidence and judgement.confidence not in Confidence.values:
        faults["confidence"] = _("Confidence is definite, probable or possible.")
    if len(judgement.note) > NOTE_LENGTH:
        faults["note"] = _("The note has %(length)d characters; at most 2000 fit.") % {"length": len(judgement.note)}
    return faults | _of_reason(judgement)


def _of_reason(judgement: Judgement) -> dict[str, str]:
    if judgement.verdict == Verdict.NOT_ASSESSABLE:
        if judgement.not_assessable_reason not in NotAssessableReason.values:
            return {"not_assessable_reason": _("Say why the study cannot be assessed.")}
    elif judgement.not_assessable_reason:
        return {"not_assessable_reason": _("A reason belongs only to 'not assessable'.")}
    return {}


def _of_images(judgement: Judgement, images: Mapping[uuid.UUID, StudyImage]) -> dict[str, str]:
    faults = {}
    for key, verdict in judgement.image_readings.items():
        if key not in images:
            faults["images"] = _("One of the images is not an image of this study. Reload the study.")
        elif verdict not in ImageVerdict.values:
            faults[f"image-{key}"] = _(
                "An image is read as fracture visible, none, not visible here or not assessable."
            )
        elif verdict == ImageVerdict.FRACTURE_VISIBLE and judgement.verdict == Verdict.NO_FRACTURE:
            faults[f"image-{key}"] = _("'No acute fracture' cannot stand beside an image with a visible fracture.")
    return faults


def _of_boxes(judgement: Judgement, images: Mapping[uuid.UUID, StudyImage]) -> dict[str, str]:
    if judgement.boxes and judgement.verdict == Verdict.NO_FRACTURE:
        return {"findings": _("'No acute fracture' cannot stand beside a fracture box: remove the box or change it.")}
    if judgement.boxes and judgement.verdict == Verdict.NOT_ASSESSABLE:
        return {"findings": _("'Not assessable' cannot stand beside a fracture box: remove the box or change it.")}
    if len(judgement.boxes) > BOXES:
        return {"findings": _("At most 100 boxes fit in one reading.")}
    marks = judgement.marks
    for box in judgement.boxes:
        fault = _of_box(box, images, marks)
        if fault:
            return {"findings": fault}
    return {}


def _of_box(box: Box, images: Mapping[uuid.UUID, StudyImage], marks: Mapping[uuid.UUID, str]) -> str:
    image = images.get(box.image)
    if image is None:
        return _("A box lies on an image that is not of this study. Reload the study.")
    if marks[box.image] != ImageVerdict.FRACTURE_VISIBLE:
        return _("An image with a fracture box shows a fracture: remove the box or mark the fracture as visible.")
    if not _lies_within(box, image.radiograph.columns, image.radiograph.rows):
        return _("A box reaches outside its image of %(columns)d × %(rows)d pixels, or has no area.") % {
            "columns": image.radiograph.columns,
            "rows": image.radiograph.rows,
        }
    if box.confidence not in ("", *Confidence.values) or box.side not in Side.values:
        return _(
            "A box's confidence is definite, probable or possible; its side left, right, both, unpaired or unknown."
        )
    if len(box.bone) > NAME_LENGTH or len(box.type) > NAME_LENGTH:
        return _("A box's bone and type have at most 64 characters.")
    return ""


def _lies_within(box: Box, columns: int, rows: int) -> bool:
    if not all(math.isfinite(value) for value in (box.x, box.y, box.width, box.height)):
        return False
    inside = box.x >= 0 and box.y >= 0 and box.x + box.width <= columns and box.y + box.height <= rows
    return inside and box.width > 0 and box.height > 0


def write_marks(review: Review, judgement: Judgement) -> None:
    """Add the rows of a review's images and boxes."""
    readings = {
        key: ImageReading.objects.create(review=review, study_image_id=key, verdict=verdict)
        for key, verdict in judgement.marks.items()
    }
    Finding.objects.bulk_create(
        Finding(
            image_reading=readings[box.image], bone=box.bone, type=box.type, side=box.side, confidence=box.confidence,
            x=box.x, y=box.y, width=box.width, height=box.height,
        )
        for box in judgement.boxes
    )  # fmt: skip
