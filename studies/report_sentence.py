"""Puts what stands in a reading form into plain words, to be copied into a report. Pure; reads and writes nothing.

It says what the reader says and no more: no word of the AI, and nothing that is not in the form.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from studies.states import BodyPart, Confidence, NotAssessableReason, Side, Verdict
from studies.terms import Advice, Bone, FractureType, OtherFinding
from studies.typed import Typed

#: Bones of which there are several, or whose entry in the list names two.
_BONES: Final[Mapping[str, str | Promise]] = {
    Bone.CARPAL: gettext_lazy("a carpal bone"),
    Bone.METACARPAL: gettext_lazy("a metacarpal"),
    Bone.HAND_PHALANX: gettext_lazy("a phalanx of the hand"),
    Bone.PELVIS: gettext_lazy("the pelvis or acetabulum"),
    Bone.SACRUM: gettext_lazy("the sacrum or coccyx"),
    Bone.TARSAL: gettext_lazy("a tarsal bone"),
    Bone.METATARSAL: gettext_lazy("a metatarsal"),
    Bone.FOOT_PHALANX: gettext_lazy("a phalanx of the foot"),
    Bone.RIB: gettext_lazy("a rib"),
    Bone.VERTEBRA: gettext_lazy("a vertebra"),
    Bone.MANDIBLE: gettext_lazy("the mandible or a facial bone"),
    Bone.OTHER: "",
}
_NO_PART: Final = frozenset({BodyPart.OTHER, BodyPart.UNKNOWN})


def compose(form: Typed, *, body_part: str, side: str, views: int) -> str:
    """Return what a form says, as one to a few short sentences: "Left hand/wrist/forearm, 2 views: acute fracture …".

    Args:
        form: What stands in it; half filled is good enough.
        body_part: One of ``BodyPart``.
        side: One of ``Side``.
        views: How many images the study has.
    """
    said = [
        f"{_subject(body_part, side, views)}: {_verdict(form, side)}",
        _list(OtherFinding(key).label for key in OtherFinding.values if key in form.other_findings),
        _("Cast or hardware in place") if form.has_cast_or_hardware else "",
        _advised(form),
        _("Critical finding") if form.is_critical else "",
        form.note.strip().rstrip("."),
    ]
    return " ".join(f"{_capital(text)}." for text in said if text)


def _subject(body_part: str, side: str, views: int) -> str:
    is_named = body_part in BodyPart.values and body_part not in _NO_PART
    part = str(BodyPart(body_part).label).replace(", ", "/") if is_named else _("radiograph")
    sides = {Side.LEFT: _("left %(part)s"), Side.RIGHT: _("right %(part)s"), Side.BOTH: _("%(part)s of both sides")}
    named = sides.get(Side(side), "%(part)s") % {"part": part}
    number = ngettext("%(number)d view", "%(number)d views", views) % {"number": views}
    return f"{_capital(named)}, {number}"


def _verdict(form: Typed, side: str) -> str:
    if form.verdict == Verdict.FRACTURE:
        return _fractures(form, side)
    if form.verdict == Verdict.NO_FRACTURE:
        return _joined(_("no acute fracture"), _word(Confidence, form.confidence))
    if form.verdict == Verdict.NOT_ASSESSABLE:
        why = _word(NotAssessableReason, form.not_assessable_reason)
        return f"{_('not assessable')} ({why})" if why else _("not assessable")
    return _("no verdict yet")


def _fractures(form: Typed, side: str) -> str:
    """Return each fracture once, however many images show it; one that is nowhere named is said without its bone."""
    found = [*_entries(form.findings), *_entries(form.unlocated)]
    named = [entry for entry in found if _is_named(entry)] or found[:1] or [{}]
    return "; ".join(dict.fromkeys(_fracture(entry, form.confidence, side) for entry in named))


def _is_named(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("bone") or entry.get("type"))


def _fracture(entry: Mapping[str, Any], confidence: str, side: str) -> str:
    bone, own_side = _bone(str(entry.get("bone") or "")), str(entry.get("side") or "")
    what = _("acute fracture of %(bone)s") % {"bone": bone} if bone else _("acute fracture")
    differs = own_side in {Side.LEFT, Side.RIGHT} and own_side != side
    return _joined(
        what,
        _("on the %(side)s") % {"side": Side(own_side).label} if differs else "",
        "" if entry.get("type") == FractureType.OTHER else _word(FractureType, str(entry.get("type") or "")),
        _word(Confidence, str(entry.get("confidence") or confidence)),
    )


def _bone(code: str) -> str:
    if code in _BONES:
        return str(_BONES[code])
    return _("the %(bone)s") % {"bone": _word(Bone, code)} if code else ""


def _advised(form: Typed) -> str:
    found = _list(Advice(key).label for key in Advice.values if key in form.advice)
    return _("%(advice)s advised") % {"advice": found} if found else ""


def _word(choices: Any, code: str) -> str:
    """Return the word of a code; a text that is on no list, from before the lists, as it is."""
    return str(choices(code).label) if code in choices.values else code


def _list(words: Iterable[str | Promise]) -> str:
    return ", ".join(str(word) for word in words)


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _entries(text: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return []
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []
