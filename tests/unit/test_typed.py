"""What a draft keeps of a form: all that belongs to one, nothing else, and never a refusal."""

from __future__ import annotations

import json
import uuid

from hypothesis import given, settings
from hypothesis import strategies as some

from studies.typed import MARKS_KEPT, NOTE_KEPT, Typed, body_of, storable, typed_in

IMAGE, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
anything = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
marks = some.lists(
    some.fixed_dictionaries(
        {"image": some.sampled_from([str(IMAGE), str(OTHER), "x"])},
        optional={name: anything for name in ("x", "y", "width", "height", "kind", "bone", "side", "confidence")},
    )
    | anything,
    max_size=4,
)
texts = some.text(max_size=40) | some.builds(json.dumps, marks | anything)
forms = some.builds(
    Typed, verdict=texts, not_assessable_reason=texts, confidence=texts, note=texts, reason=texts, findings=texts,
    unlocated=texts, measurements=texts, shown=texts, other_findings=some.tuples(texts, texts),
    advice=some.tuples(texts), has_cast_or_hardware=some.booleans(), is_critical=some.booleans(),
    agreed_with_model=some.booleans(),
    images=some.dictionaries(some.sampled_from([str(IMAGE), str(OTHER), "x"]), texts, max_size=3),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(forms)
def test_any_form_is_kept_and_what_was_kept_stays_the_same(form):
    body = body_of(form, {IMAGE})
    text = json.dumps(body, allow_nan=False)
    assert "\\u0000" not in text.replace("\\\\", "")
    text.encode()
    assert body_of(typed_in(body), {IMAGE}) == body
    assert {mark["image"] for mark in body["findings"]} <= {str(IMAGE)}
    assert set(body["images"]) <= {str(IMAGE)}


def test_a_whole_form_comes_back_exactly():
    box = {
        "image": str(IMAGE), "x": 1.25, "y": 2.5, "width": 3.0, "height": 4.0, "bone": "radius", "type": "buckle",
        "side": "left", "confidence": "possible", "kind": "box",
    }  # fmt: skip
    point = {**box, "kind": "point", "width": 0.0, "height": 0.0, "confidence": None}
    length = {"image": str(IMAGE), "kind": "length", "points": [[1.5, 2.0], [3.0, 4.0]]}
    form = Typed(
        verdict="fracture", confidence="probable", note="half a sen", findings=json.dumps([box, point]),
        unlocated=json.dumps([{"bone": "ulna", "type": "", "side": "unknown", "confidence": None}]),
        measurements=json.dumps([length]), other_findings=("effusion",), advice=("ct",), is_critical=True,
        agreed_with_model=True, images={str(IMAGE): "fracture_visible"},
    )  # fmt: skip
    assert typed_in(body_of(form, {IMAGE})) == form


def test_what_is_no_part_of_a_form_is_left_out():
    row = {"image": str(IMAGE), "x": 1, "y": 1, "secret": "s", "kind": "circle", "bone": "x" * 500, "side": "up"}
    huge = {"image": str(IMAGE), "x": 10**400, "y": 1}
    form = Typed(
        verdict="normal", note="n" * 20_000, findings=json.dumps([row, huge, {"image": str(OTHER), "x": 1, "y": 1}]),
        measurements=json.dumps([{"image": str(IMAGE), "deep": [[[[[1]]]]], "far": float("inf")}, {"image": "x"}]),
        other_findings=("gout",), images={str(OTHER): "no_fracture", str(IMAGE): "maybe"},
    )  # fmt: skip
    body = body_of(form, {IMAGE})
    assert (body["verdict"], len(body["note"]), body["other_findings"], body["images"]) == ("", NOTE_KEPT, [], {})
    (mark,) = body["findings"]
    assert mark["kind"] == "box"
    assert len(mark["bone"]) == 64
    assert "secret" not in mark
    assert body["measurements"] == [{"image": str(IMAGE), "deep": [[[None]]], "far": None}]
    many = Typed(unlocated=json.dumps([{}] * 1000))
    assert len(body_of(many, set())["unlocated"]) == MARKS_KEPT


def test_what_postgresql_cannot_keep_is_left_out():
    assert storable("a\x00b\ud800c") == "abc"


def test_a_draft_of_another_version_is_read_as_far_as_it_is_known():
    body = body_of(Typed(note="kept"), set()) | {"something_newer": [1]}
    assert typed_in(body).note == "kept"
    assert typed_in({"note": "kept"}).findings == "[]"
