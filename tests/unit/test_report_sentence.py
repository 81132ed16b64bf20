"""The report sentence, row by row: what the reader says, and no word of the AI."""

from __future__ import annotations

import json

import pytest

from studies.report_sentence import compose
from studies.states import BodyPart
from studies.terms import Bone, FractureType
from studies.typed import Typed


def marks(*rows):
    return json.dumps(list(rows))


START = "Left hand/wrist/forearm, 2 views: "
LEFT_WRIST = {"body_part": "hand", "side": "left", "views": 2}
RADIUS = {"image": "a", "x": 1, "y": 1, "width": 2, "height": 2, "bone": "radius", "type": "transverse", "side": "left"}
ROWS = [
    (
        {
            "verdict": "fracture", "findings": marks(RADIUS | {"confidence": "definite"}),
            "other_findings": ("effusion",), "advice": ("follow_up",),
        },
        START + "acute fracture of the radius, transverse, definite. Joint effusion. "
        "Follow-up advised.",
    ),
    ({"verdict": "no_fracture"}, START + "no acute fracture."),
    ({"verdict": "no_fracture", "confidence": "probable"}, START + "no acute fracture, probable."),
    ({}, START + "no verdict yet."),
    ({"verdict": "fracture"}, START + "acute fracture."),
    (
        {"verdict": "not_assessable", "not_assessable_reason": "quality"},
        START + "not assessable (image quality).",
    ),
    ({"verdict": "not_assessable"}, START + "not assessable."),
    (  # one fracture on two views is one fracture; the study's confidence where the finding has none
        {"verdict": "fracture", "confidence": "possible", "findings": marks(RADIUS, RADIUS | {"image": "b", "x": 9})},
        START + "acute fracture of the radius, transverse, possible.",
    ),
    (
        {
            "verdict": "fracture", "findings": marks(RADIUS),
            "unlocated": marks({"bone": "scaphoid", "confidence": "possible"}),
        },
        START + "acute fracture of the radius, transverse; acute fracture of the scaphoid, "
        "possible.",
    ),
    (
        {"verdict": "fracture", "unlocated": marks({"bone": "ulna", "side": "right"})},
        START + "acute fracture of the ulna, on the right.",
    ),
    ({"verdict": "fracture", "findings": marks({"x": 1})}, START + "acute fracture."),
    (
        {"verdict": "fracture", "findings": marks({"bone": "distal radius", "type": "other"})},
        START + "acute fracture of the distal radius.",
    ),
    (
        {
            "verdict": "no_fracture", "has_cast_or_hardware": True, "is_critical": True, "note": " See the old film.. ",
            "other_findings": ("normal_variant", "dislocation"), "advice": ("mri", "ct", "further_views"),
        },
        START + "no acute fracture. Dislocation, normal variant. Cast or hardware in place. "
        "Further views, CT, MRI advised. Critical finding. See the old film.",
    ),
    ({"verdict": "fracture", "findings": "{"}, START + "acute fracture."),
    ({"verdict": "fracture", "findings": '[1, "x", null]', "unlocated": "7"}, START + "acute fracture."),
]  # fmt: skip


@pytest.mark.parametrize(("values", "sentence"), ROWS)
def test_what_a_form_says(values, sentence):
    assert compose(Typed(**values), **LEFT_WRIST) == sentence


@pytest.mark.parametrize(
    ("subject", "start"),
    [
        ({"body_part": "leg", "side": "right", "views": 1}, "Right leg/knee/ankle/foot, 1 view:"),
        ({"body_part": "hip", "side": "both", "views": 3}, "Hip/pelvis of both sides, 3 views:"),
        ({"body_part": "spine", "side": "unpaired", "views": 2}, "Spine, 2 views:"),
        ({"body_part": "unknown", "side": "unknown", "views": 2}, "Radiograph, 2 views:"),
        ({"body_part": "other", "side": "left", "views": 1}, "Left radiograph, 1 view:"),
    ],
)
def test_of_what_it_speaks(subject, start):
    assert compose(Typed(verdict="no_fracture"), **subject).startswith(f"{start} no acute")


@pytest.mark.parametrize("bone", Bone.values)
def test_every_bone_and_type_has_words(bone):
    for kind in FractureType.values:
        named = Typed(verdict="fracture", unlocated=marks({"bone": bone, "type": kind}))
        said = compose(named, body_part=BodyPart.UNKNOWN, side="unknown", views=1)
        assert not [wrong for wrong in ("_", ", ,", "  ", "the other") if wrong in said], said


def test_no_word_of_the_machine_is_said():
    said = compose(Typed(verdict="fracture", agreed_with_model=True), **LEFT_WRIST)
    assert said == START + "acute fracture."
