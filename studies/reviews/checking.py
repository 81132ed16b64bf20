"""Whether a judgement is whole: checked against the study before anything is written.

Bones and types are closed lists, so that labels can be counted and learnt from; what a list lacks is ``other`` and a
word in the note. A correction may keep a text that the corrected review has from before the lists were closed.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Collection, Mapping, Sequence
from itertools import chain

from django.utils.translation import gettext as _

from bonefrac.errors import Invalid
from studies.models import StudyImage
from studies.reviews.judgement import Box, Judgement, Point, Unlocated
from studies.states import Confidence, ImageVerdict, NotAssessableReason, Side, Verdict
from studies.terms import Advice, Bone, FractureType, OtherFinding

NOTE_LENGTH, REASON_LENGTH, BOXES = 2000, 500, 100


def check(judgement: Judgement, images: Sequence[StudyImage], *, earlier: Judgement | None = None) -> None:
    """Raise ``Invalid`` with a sentence for each field that cannot stand.

    Args:
        judgement: What was sent.
        images: The study's images, with their radiographs.
        earlier: What is corrected; its bones and types may stay whatever they are.
    """
    by_id = {image.pk: image for image in images}
    faults = (
        _of_study(judgement)
        | _of_images(judgement, by_id)
        | _of_findings(judgement, by_id, earlier)
        | _of_shown(judgement, images)
    )
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
    return faults | _of_reason(judgement) | _of_lists(judgement)


def _of_reason(judgement: Judgement) -> dict[str, str]:
    if judgement.verdict == Verdict.NOT_ASSESSABLE:
        if judgement.not_assessable_reason not in NotAssessableReason.values:
            return {"not_assessable_reason": _("Say why the study cannot be assessed.")}
    elif judgement.not_assessable_reason:
        return {"not_assessable_reason": _("A reason belongs only to 'not assessable'.")}
    return {}


def _of_lists(judgement: Judgement) -> dict[str, str]:
    faults = {}
    if not set(judgement.other_findings) <= set(OtherFinding.values):
        faults["other_findings"] = _("One of the other findings is not on the list: %(list)s.") % {
            "list": ", ".join(OtherFinding.values)
        }
    if not set(judgement.advice) <= set(Advice.values):
        faults["advice"] = _("One of the pieces of advice is not on the list: %(list)s.") % {
            "list": ", ".join(Advice.values)
        }
    return faults


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


def _of_findings(
    judgement: Judgement, images: Mapping[uuid.UUID, StudyImage], earlier: Judgement | None
) -> dict[str, str]:
    contradiction = _contradiction(judgement)
    if contradiction:
        return contradiction
    if len(judgement.findings) > BOXES:
        return {"findings": _("At most 100 boxes, points and named fractures fit in one reading.")}
    marks, kept = judgement.marks, earlier.findings if earlier else ()
    bones, types = {"", *Bone.values} | {row.bone for row in kept}, {"", *FractureType.values} | {r.type for r in kept}
    placed = (_of_place(finding, images, marks) for finding in judgement.drawn)
    drawn = (_of_name(finding, bones, types) for finding in judgement.drawn)
    named = (_of_name(finding, bones, types) for finding in judgement.unlocated)
    faults = {"unlocated": next(filter(None, named), ""), "findings": next(filter(None, chain(placed, drawn)), "")}
    return {field: sentence for field, sentence in faults.items() if sentence}


def _contradiction(judgement: Judgement) -> dict[str, str]:
    if not judgement.findings or judgement.verdict not in {Verdict.NO_FRACTURE, Verdict.NOT_ASSESSABLE}:
        return {}
    if not judgement.drawn:
        sentence = _("'%(verdict)s' cannot stand beside a named fracture: remove the fracture or change the verdict.")
        return {"unlocated": sentence % {"verdict": str(Verdict(judgement.verdict).label).capitalize()}}
    if judgement.verdict == Verdict.NO_FRACTURE:
        return {"findings": _("'No acute fracture' cannot stand beside a fracture box: remove the box or change it.")}
    return {"findings": _("'Not assessable' cannot stand beside a fracture box: remove the box or change it.")}


def _of_place(finding: Box | Point, images: Mapping[uuid.UUID, StudyImage], marks: Mapping[uuid.UUID, str]) -> str:
    image = images.get(finding.image)
    if image is None:
        return _("A box or point lies on an image that is not of this study. Reload the study.")
    if marks[finding.image] != ImageVerdict.FRACTURE_VISIBLE:
        return _("An image with a fracture box shows a fracture: remove the box or mark the fracture as visible.")
    if not _lies_within(finding, image.radiograph.columns, image.radiograph.rows):
        return _("A box or point reaches outside its image of %(columns)d × %(rows)d pixels, or has no area.") % {
            "columns": image.radiograph.columns,
            "rows": image.radiograph.rows,
        }
    return ""


def _of_name(finding: Box | Point | Unlocated, bones: Collection[str], types: Collection[str]) -> str:
    if finding.confidence not in ("", *Confidence.values) or finding.side not in Side.values:
        return _(
            "A box's confidence is definite, probable or possible; its side left, right, both, unpaired or unknown."
        )
    if finding.bone not in bones:
        return _("A fracture's bone is one of the list, or 'other' and a word in the note.")
    if finding.type not in types:
        return _("A fracture's type is one of the list, or 'other' and a word in the note.")
    return ""


def _lies_within(finding: Box | Point, columns: int, rows: int) -> bool:
    width, height = (finding.width, finding.height) if isinstance(finding, Box) else (0.0, 0.0)
    if not all(math.isfinite(value) for value in (finding.x, finding.y, width, height)):
        return False
    inside = finding.x >= 0 and finding.y >= 0 and finding.x + width <= columns and finding.y + height <= rows
    return inside and (isinstance(finding, Point) or (width > 0 and height > 0))


def _of_shown(judgement: Judgement, images: Sequence[StudyImage]) -> dict[str, str]:
    """An image counts as looked at once it was drawn at full depth, or its reader says that it cannot be assessed."""
    if judgement.shown is None:
        return {}
    if set(judgement.shown) - {image.pk for image in images}:
        return {"shown": _("One of the images that were shown is not an image of this study. Reload the study.")}
    marks = judgement.marks
    for image in images:
        if image.pk not in judgement.shown and marks.get(image.pk) != ImageVerdict.NOT_ASSESSABLE:
            sentence = _(
                "image %(number)d %(view)swas not shown at full depth yet. Look at it, or mark it as not assessable."
            )
            view = f"({image.view}) " if image.view else ""
            return {"shown": sentence % {"number": image.position + 1, "view": view}}
    return {}
