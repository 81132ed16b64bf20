"""What stands in a reading form, whatever it is: typed, half typed, signed before, or kept as a draft.

Nothing is refused here; what is no part of a reading form is left out of a draft. What is signed is parsed in ``forms``
and checked by ``reviews``.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from django.db.models import TextChoices

from studies.models import Review
from studies.states import Confidence, ImageVerdict, NotAssessableReason, Side, Verdict
from studies.terms import Advice, OtherFinding, Shape

NOTE_KEPT, NAME_KEPT, MARKS_KEPT, DEPTH_KEPT = 10_000, 64, 300, 4
_NUMBERS: Final = ("x", "y", "width", "height")


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields of a reading form as they stand; ``findings``, ``unlocated`` and ``measurements`` are JSON."""

    verdict: str = ""
    not_assessable_reason: str = ""
    confidence: str = ""
    note: str = ""
    reason: str = ""
    findings: str = "[]"
    unlocated: str = "[]"
    measurements: str = "[]"
    shown: str = "[]"
    other_findings: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    has_cast_or_hardware: bool = False
    is_critical: bool = False
    agreed_with_model: bool = False
    images: Mapping[str, str] = field(default_factory=dict)


def storable(text: str) -> str:
    """Return a text without what PostgreSQL cannot keep: NUL and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()


def typed_of(review: Review) -> Typed:
    """Return a form in which stands what a review says."""
    readings = list(review.image_readings.all())
    drawn = [
        {
            "image": str(reading.study_image_id), "kind": row.shape, "x": row.x, "y": row.y, "width": row.width,
            "height": row.height, "bone": row.bone, "side": row.side, "type": row.type,
            "confidence": row.confidence or None,
        }
        for reading in readings
        for row in reading.findings.all()
    ]  # fmt: skip
    named = [
        {"bone": row.bone, "side": row.side, "type": row.type, "confidence": row.confidence or None}
        for row in review.unlocated_findings.all()
    ]
    return Typed(
        verdict=review.verdict,
        not_assessable_reason=review.not_assessable_reason,
        confidence=review.confidence,
        note=review.note,
        findings=json.dumps(drawn),
        unlocated=json.dumps(named),
        other_findings=tuple(review.other_findings),
        advice=tuple(review.advice),
        has_cast_or_hardware=review.has_cast_or_hardware,
        is_critical=review.is_critical,
        images={str(reading.study_image_id): reading.verdict for reading in readings},
    )


def body_of(form: Typed, images: Collection[uuid.UUID]) -> dict[str, Any]:
    """Return what a draft keeps of a form: its own fields, bounded, and marks on the study's own images alone."""
    there = {str(key) for key in images}
    return {
        "verdict": _one_of(form.verdict, Verdict),
        "not_assessable_reason": _one_of(form.not_assessable_reason, NotAssessableReason),
        "confidence": _one_of(form.confidence, Confidence),
        "note": storable(form.note)[:NOTE_KEPT],
        "reason": storable(form.reason)[:NOTE_KEPT],
        "findings": [mark for mark in map(_mark, _list(form.findings)[:MARKS_KEPT]) if mark and mark["image"] in there],
        "unlocated": [_names(row) for row in _list(form.unlocated)[:MARKS_KEPT]],
        "measurements": [
            row for row in map(_plain, _list(form.measurements)[:MARKS_KEPT]) if row and row.get("image") in there
        ],
        "other_findings": [value for value in OtherFinding.values if value in form.other_findings],
        "advice": [value for value in Advice.values if value in form.advice],
        "has_cast_or_hardware": form.has_cast_or_hardware,
        "is_critical": form.is_critical,
        "agreed_with_model": form.agreed_with_model,
        "images": {key: said for key, said in form.images.items() if key in there and said in ImageVerdict.values},
    }


def marks_in(form: Typed) -> int:
    """Return how many marks the longest of a form's lists has; a draft keeps ``MARKS_KEPT`` of each."""
    return max(len(_list(text)) for text in (form.findings, form.unlocated, form.measurements))


def typed_in(body: Mapping[str, Any]) -> Typed:
    """Return the form that a draft keeps; what only another version of the platform knows is left out."""
    known = {own.name for own in fields(Typed)}
    kept = {name: value for name, value in body.items() if name in known}
    for name in ("findings", "unlocated", "measurements"):
        kept[name] = json.dumps(kept.get(name, []))
    for name in ("other_findings", "advice"):
        kept[name] = tuple(kept.get(name, ()))
    return Typed(**kept)


def _one_of(value: str, choices: type[TextChoices]) -> str:
    return value if value in choices.values else ""


def _list(text: str) -> list[dict[str, Any]]:
    """Return the objects of a JSON list; nothing where it is none."""
    try:
        found = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return []
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _mark(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a drawn finding without what does not belong to one, None where it has no place."""
    place = {name: _number(row.get(name, 0)) for name in _NUMBERS}
    if None in place.values():
        return None
    kind = row.get("kind") if row.get("kind") in Shape.values else Shape.BOX.value
    return {"image": str(row.get("image")), **place, **_names(row), "kind": kind}


def _names(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a finding is named."""
    return {
        "bone": storable(str(row.get("bone") or ""))[:NAME_KEPT],
        "type": storable(str(row.get("type") or ""))[:NAME_KEPT],
        "side": _one_of(str(row.get("side")), Side) or str(Side.UNKNOWN),
        "confidence": _one_of(str(row.get("confidence")), Confidence) or None,
    }


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _plain(value: Any, depth: int = DEPTH_KEPT) -> Any:
    """Return a scratch mark of the reader's with finite numbers, short words, and lists and objects of such alone."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        return storable(value)[:NAME_KEPT]
    if isinstance(value, list) and depth:
        return [_plain(part, depth - 1) for part in value[:MARKS_KEPT]]
    if isinstance(value, dict) and depth:
        return {storable(key)[:NAME_KEPT]: _plain(part, depth - 1) for key, part in list(value.items())[:MARKS_KEPT]}
    return _number(value)
