"""Parses what readers send by a form, and keeps what they typed for a form that comes back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from bonefrac.errors import Invalid
from studies.models import Review
from studies.reviews import Box, Judgement
from studies.selectors.listing import PAGE_SIZE, SHOWS, Filters
from studies.states import Side

IMAGE_PREFIX = "image-"


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in a reading form: nothing, what somebody typed, or what they had signed."""

    verdict: str = ""
    not_assessable_reason: str = ""
    confidence: str = ""
    note: str = ""
    reason: str = ""
    findings: str = "[]"
    images: Mapping[str, str] = field(default_factory=dict)


def typed(data: QueryDict) -> Typed:
    """Return what was typed, whatever it is, so that it can be shown again."""
    return Typed(
        verdict=data.get("verdict", ""),
        not_assessable_reason=data.get("not_assessable_reason", ""),
        confidence=data.get("confidence", ""),
        note=data.get("note", ""),
        reason=data.get("reason", ""),
        findings=data.get("findings", "[]"),
        images={key[len(IMAGE_PREFIX) :]: data.get(key, "") for key in data if key.startswith(IMAGE_PREFIX)},
    )


def kept(form: Typed, images: Collection[uuid.UUID]) -> tuple[Typed, int]:
    """Return what was typed but for boxes and marks on images that the study no longer has, and how many those were."""
    there = {str(key) for key in images}
    marks = {key: verdict for key, verdict in form.images.items() if key in there}
    found = boxes(form.findings)
    raw = [entry for entry in json.loads(form.findings or "[]") if str(uuid.UUID(str(entry["image"]))) in there]
    lost = len(found) - len(raw) + len(form.images) - len(marks)
    return replace(form, images=marks, findings=json.dumps(raw)), lost


def signed(review: Review) -> Typed:
    """Return what a review says, to be amended."""
    readings = list(review.image_readings.all())
    boxes = [
        {
            "image": str(reading.study_image_id), "x": row.x, "y": row.y, "width": row.width, "height": row.height,
            "confidence": row.confidence or None, "bone": row.bone, "type": row.type, "side": row.side,
        }
        for reading in readings
        for row in reading.findings.all()
    ]  # fmt: skip
    return Typed(
        verdict=review.verdict,
        not_assessable_reason=review.not_assessable_reason,
        confidence=review.confidence,
        note=review.note,
        findings=json.dumps(boxes),
        images={str(reading.study_image_id): reading.verdict for reading in readings},
    )


def judgement(data: QueryDict) -> Judgement:
    """Parse a reading form; raise ``Invalid`` where it cannot be understood."""
    form = typed(data)
    try:
        image_readings = {uuid.UUID(key): verdict for key, verdict in form.images.items() if verdict}
    except ValueError as error:
        raise Invalid(_("One of the images is not an image of this study. Reload the study.")) from error
    reason = form.not_assessable_reason if form.verdict == "not_assessable" else ""
    return Judgement(
        verdict=form.verdict,
        not_assessable_reason=reason,
        confidence=form.confidence,
        note=form.note.strip(),
        image_readings=image_readings,
        boxes=boxes(form.findings),
    )


def boxes(text: str) -> tuple[Box, ...]:
    """Parse the hidden list of boxes; raise ``Invalid`` where it is none."""
    try:
        return tuple(_box(entry) for entry in json.loads(text or "[]"))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        sentence = _("The boxes could not be understood. Nothing was signed, everything that you typed is kept.")
        raise Invalid(sentence, fields={"findings": sentence}) from error


def _box(entry: dict[str, Any]) -> Box:
    return Box(
        image=uuid.UUID(str(entry["image"])),
        x=float(entry["x"]),
        y=float(entry["y"]),
        width=float(entry["width"]),
        height=float(entry["height"]),
        confidence=str(entry.get("confidence") or ""),
        bone=str(entry.get("bone") or ""),
        type=str(entry.get("type") or ""),
        side=str(entry.get("side") or Side.UNKNOWN),
    )


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


def signed_before(data: QueryDict) -> uuid.UUID | None:
    """Parse which review the reader signed just before, to offer its undoing."""
    try:
        return uuid.UUID(data.get("signed", ""))
    except ValueError:
        return None


def size(data: QueryDict) -> int:
    """Parse how many rows a page should have; the usual number where it is not said."""
    asked = data.get("size", "")
    return int(asked) if asked.isdecimal() and len(asked) < 5 else PAGE_SIZE


def filters(data: QueryDict) -> Filters:
    """Parse a list's filters; what is unknown narrows nothing."""
    show = data.get("show", "open")
    try:
        site = uuid.UUID(data.get("site", "")) if data.get("site") else None
    except ValueError:
        site = None
    return Filters(
        show=show if show in SHOWS else "open",
        site=site,
        part=data.get("part", ""),
        ai=data.get("ai", ""),
        urgent=data.get("urgent", "") in {"1", "true", "on"},
        search=data.get("search", "").strip()[:64],
    )
