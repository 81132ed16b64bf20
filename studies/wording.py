"""What a review says, fact by fact in words, and what an amendment changed. It reads rows that were fetched before."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from studies.models import Finding, Review, StudyImage, UnlocatedFinding
from studies.states import Confidence, ImageVerdict, NotAssessableReason, Side, Verdict
from studies.terms import Advice, Bone, FractureType, OtherFinding, Shape

#: What images are called, by key.
Names = Mapping[uuid.UUID, str]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a review says."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that an amendment says differently; an empty value is nothing said."""

    name: str
    before: str
    after: str


def facts_of(review: Review, names: Names) -> tuple[Fact, ...]:
    """Return what a review says, without what it leaves unsaid."""
    said = _said(review, names)
    return tuple(Fact(str(name), said[key]) for key, name in _NAMES.items() if said[key])


def changes_between(before: Review, after: Review, names: Names) -> tuple[Change, ...]:
    """Return what the later of two reviews says differently."""
    was, now = _said(before, names), _said(after, names)
    return tuple(Change(str(name), was[key], now[key]) for key, name in _NAMES.items() if was[key] != now[key])


def names_of(images: Iterable[StudyImage]) -> dict[uuid.UUID, str]:
    """Return what the images of a study are called, by key; those of one view and side are told apart by numbers."""
    alike: dict[str, list[StudyImage]] = {}
    for image in images:
        alike.setdefault(_name(image), []).append(image)
    return dict(name for called, group in alike.items() for name in _numbered(called, group))


def _numbered(called: str, group: Collection[StudyImage]) -> Iterator[tuple[uuid.UUID, str]]:
    for number, image in enumerate(sorted(group, key=lambda image: image.position), start=1):
        told_apart = _("%(name)s, %(number)d of %(count)d") % {"name": called, "number": number, "count": len(group)}
        yield image.pk, told_apart if len(group) > 1 else called


def _name(image: StudyImage) -> str:
    """Return an image's view and side, or its number."""
    side = "" if image.side == Side.UNKNOWN else str(Side(image.side).label)
    number = {"number": image.position + 1}
    return " ".join(part for part in (image.view, side) if part) or _("image %(number)d") % number


def verdict_in_words(review: Review) -> str:
    """Return a verdict with its reason where it has one."""
    reason = review.not_assessable_reason
    verdict = str(Verdict(review.verdict).label)
    return f"{verdict}: {NotAssessableReason(reason).label}" if reason else verdict


def finding_in_words(finding: Finding | UnlocatedFinding) -> str:
    """Return what is said of one fracture beside where it lies: "left radius, transverse, probable"."""
    side = "" if finding.side == Side.UNKNOWN else str(Side(finding.side).label)
    place = " ".join(part for part in (side, _label(Bone, finding.bone)) if part)
    parts = (place or _("fracture"), _label(FractureType, finding.type), _label(Confidence, finding.confidence))
    return ", ".join(part for part in parts if part)


def _said(review: Review, names: Names) -> dict[str, str]:
    return {
        "verdict": verdict_in_words(review),
        "confidence": _label(Confidence, review.confidence),
        "fractures": "; ".join(_fractures(review, names)),
        "images": "; ".join(_images(review, names)),
        "other": _labels(OtherFinding, review.other_findings),
        "hardware": _("yes") if review.has_cast_or_hardware else "",
        "advice": _labels(Advice, review.advice),
        "critical": _("yes") if review.is_critical else "",
        "note": review.note,
    }


_NAMES: dict[str, Promise] = {
    "verdict": gettext_lazy("verdict"),
    "confidence": gettext_lazy("confidence"),
    "fractures": gettext_lazy("fractures"),
    "images": gettext_lazy("images"),
    "other": gettext_lazy("other findings"),
    "hardware": gettext_lazy("cast or hardware"),
    "advice": gettext_lazy("advice"),
    "critical": gettext_lazy("critical"),
    "note": gettext_lazy("note"),
}


def _fractures(review: Review, names: Names) -> Iterable[str]:
    for reading in review.image_readings.all():
        name = names.get(reading.study_image_id, _("an image that is no longer here"))
        for finding in sorted(reading.findings.all(), key=lambda row: (row.x, row.y)):
            yield f"{finding_in_words(finding)} ({name}, {_at(finding)})"
    yield from (finding_in_words(named) for named in review.unlocated_findings.all())


def _at(finding: Finding) -> str:
    numbers = {"x": finding.x, "y": finding.y, "width": finding.width, "height": finding.height}
    if finding.shape == Shape.POINT:
        return _("point at %(x).0f, %(y).0f") % numbers
    return _("box of %(width).0f × %(height).0f at %(x).0f, %(y).0f") % numbers


def _images(review: Review, names: Names) -> Iterable[str]:
    for reading in review.image_readings.all():
        name = names.get(reading.study_image_id, _("an image that is no longer here"))
        yield f"{name}: {ImageVerdict(reading.verdict).label}"


def _label(choices: Callable[[str], object], value: str) -> str:
    try:
        return str(getattr(choices(value), "label", value)) if value else ""
    except ValueError:
        return value


def _labels(choices: Callable[[str], object], values: Iterable[str]) -> str:
    return ", ".join(_label(choices, value) for value in values)
