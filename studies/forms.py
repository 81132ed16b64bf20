"""Parses what readers send by a form, and keeps what they typed for a form that comes back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from bonefrac.errors import Invalid
from studies.reviews import Box, Judgement, Point, Unlocated
from studies.states import Side, Verdict
from studies.terms import DraftPurpose, Shape
from studies.typed import Typed, storable

IMAGE_PREFIX = "image-"
Parsed = TypeVar("Parsed")


def typed(data: QueryDict) -> Typed:
    """Return what was typed, whatever it is, so that it can be shown again."""
    return Typed(
        verdict=data.get("verdict", ""),
        not_assessable_reason=data.get("not_assessable_reason", ""),
        confidence=data.get("confidence", ""),
        note=storable(data.get("note", "")),
        reason=storable(data.get("reason", "")),
        findings=data.get("findings", "[]"),
        unlocated=data.get("unlocated", "[]"),
        measurements=data.get("measurements", "[]"),
        shown=data.get("shown", "[]"),
        other_findings=tuple(data.getlist("other_findings")),
        advice=tuple(data.getlist("advice")),
        has_cast_or_hardware=_is_ticked(data, "has_cast_or_hardware"),
        is_critical=_is_ticked(data, "is_critical"),
        agreed_with_model=_is_ticked(data, "agreed_with_model"),
        images={key[len(IMAGE_PREFIX) :]: data.get(key, "") for key in data if key.startswith(IMAGE_PREFIX)},
    )


def kept(form: Typed, images: Collection[uuid.UUID]) -> tuple[Typed, int]:
    """Return what was typed but for boxes and marks on images that the study no longer has, and how many those were."""
    there = {str(key) for key in images}
    marks = {key: verdict for key, verdict in form.images.items() if key in there}
    drawn(form.findings)
    found = json.loads(form.findings or "[]")
    left = [entry for entry in found if str(uuid.UUID(str(entry["image"]))) in there]
    lost = len(found) - len(left) + len(form.images) - len(marks)
    return replace(form, images=marks, findings=json.dumps(left)), lost


def judgement(data: QueryDict) -> Judgement:
    """Parse a reading form; raise ``Invalid`` where it cannot be understood."""
    form = typed(data)
    try:
        image_readings = {uuid.UUID(key): verdict for key, verdict in form.images.items() if verdict}
    except ValueError as error:
        raise Invalid(_("One of the images is not an image of this study. Reload the study.")) from error
    boxes, points = drawn(form.findings)
    return Judgement(
        verdict=form.verdict,
        not_assessable_reason=form.not_assessable_reason if form.verdict == Verdict.NOT_ASSESSABLE else "",
        confidence=form.confidence,
        note=form.note.strip(),
        image_readings=image_readings,
        boxes=boxes,
        points=points,
        unlocated=_parsed("unlocated", form.unlocated, _unlocated),
        other_findings=form.other_findings,
        has_cast_or_hardware=form.has_cast_or_hardware,
        advice=form.advice,
        is_critical=form.is_critical,
        agreed_with_model=form.agreed_with_model,
        shown=_parsed("shown", form.shown, lambda key: uuid.UUID(str(key))),
    )


def drawn(text: str) -> tuple[tuple[Box, ...], tuple[Point, ...]]:
    """Parse the hidden list of boxes and points; raise ``Invalid`` where it is none."""
    found = _parsed("findings", text, _finding)
    boxes = tuple(row for row in found if isinstance(row, Box))
    return boxes, tuple(row for row in found if isinstance(row, Point))


def _parsed(field: str, text: str, parse: Callable[[Any], Parsed]) -> tuple[Parsed, ...]:
    try:
        found = json.loads(text or "[]")
        if not isinstance(found, list):
            raise TypeError("no list")
        return tuple(parse(entry) for entry in found)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        sentence = _("The boxes could not be understood. Nothing was signed, everything that you typed is kept.")
        raise Invalid(sentence, fields={field: sentence}) from error


def _finding(entry: dict[str, Any]) -> Box | Point:
    image, x, y = uuid.UUID(str(entry["image"])), float(entry["x"]), float(entry["y"])
    if entry.get("kind", Shape.BOX) == Shape.POINT:
        return Point(image, x, y, **_named(entry))
    return Box(image, x, y, float(entry["width"]), float(entry["height"]), **_named(entry))


def _unlocated(entry: dict[str, Any]) -> Unlocated:
    return Unlocated(**_named(entry))


def _named(entry: dict[str, Any]) -> dict[str, str]:
    return {
        "confidence": str(entry.get("confidence") or ""),
        "bone": str(entry.get("bone") or ""),
        "type": str(entry.get("type") or ""),
        "side": str(entry.get("side") or Side.UNKNOWN),
    }


def _is_ticked(data: QueryDict, name: str) -> bool:
    return data.get(name, "") in {"1", "on", "true"}


def revision(data: QueryDict) -> int:
    """Parse the revision that the reader looked at; raise ``Invalid`` where there is none."""
    try:
        return int(data.get("revision", ""))
    except ValueError as error:
        raise Invalid(_("The form does not say which revision of the study was read. Reload the study.")) from error


def opened_at(data: QueryDict) -> datetime | None:
    """Parse when the reader opened the study, None where it is not said."""
    try:
        found = parse_datetime(data.get("opened_at", ""))
    except ValueError:
        return None
    return found if found is None or timezone.is_aware(found) else timezone.make_aware(found)


def number(data: QueryDict, name: str) -> int:
    """Parse a whole number that a script sends along; 0 where it is none."""
    asked = data.get(name, "")
    return int(asked) if asked.isdecimal() and len(asked) < 10 else 0


def purpose(data: QueryDict) -> DraftPurpose:
    """Parse what a draft is going to be: a reading where nothing is said; raise ``Invalid`` for what is not known."""
    try:
        return DraftPurpose(data.get("purpose", DraftPurpose.SIGN))
    except ValueError as error:
        raise Invalid(_("A draft is going to be a reading, an amendment or an adjudication.")) from error
