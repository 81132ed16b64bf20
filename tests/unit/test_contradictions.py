"""The agreement rule as a table: verdict, side, place, number; who says less contradicts nobody."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from studies.consensus import difference_among, label_of, status_of
from studies.contradictions import REACH, Difference, Mark, contradiction
from studies.states import StudyStatus, Verdict
from tests.unit.test_consensus import AP, LL, reading

RADIUS = Mark(AP, 100, 100, 40, 40)
ULNA = Mark(AP, 200, 100, 40, 40)
BOTH = Mark(AP, 90, 90, 160, 60)
FRACTURE, NONE, UNREADABLE = Verdict.FRACTURE, Verdict.NO_FRACTURE, Verdict.NOT_ASSESSABLE


def named(bone="", side="unknown"):
    return Mark(bone=bone, side=side)


def on(bone, mark):
    return replace(mark, bone=bone)


def point(x, y, longer=1000):
    return Mark.around(AP, x, y, longer=longer, bone="", side="unknown")


TABLE = [
    ("one verdict, nothing drawn", [], [], None),
    ("who drew nothing contradicts nobody", [RADIUS], [], None),
    ("who only named a bone contradicts nobody", [RADIUS], [named("radius")], None),
    ("the same place", [RADIUS], [Mark(AP, 110, 105, 40, 40)], None),
    ("one frames the line, the other the bone end", [Mark(AP, 100, 100, 120, 120)], [Mark(AP, 190, 190, 20, 20)], None),
    ("a corner is shared, too little", [RADIUS], [Mark(AP, 130, 130, 40, 40)], "place"),
    ("two places on one image", [RADIUS], [ULNA], "place"),
    ("one marks a second fracture", [RADIUS, ULNA], [RADIUS], "number"),
    ("a second one that the other names without drawing it", [RADIUS, ULNA], [RADIUS, named("ulna")], None),
    ("a second one that the other may have named", [RADIUS, on("ulna", ULNA)], [RADIUS, named()], None),
    ("a second one where the other names another bone", [on("radius", RADIUS), on("ulna", ULNA)],
     [on("radius", RADIUS), named("scaphoid")], "number"),
    ("one bone framed in two parts and in one", [on("radius", RADIUS), on("radius", ULNA)], [on("radius", RADIUS)],
     None),
    ("a second bone", [on("radius", RADIUS), on("ulna", ULNA)], [on("radius", RADIUS)], "number"),
    ("a second one of no known bone", [on("radius", RADIUS), on("other", ULNA)], [on("radius", RADIUS)], "number"),
    ("a second one where the other drew nothing", [RADIUS, Mark(LL, 9, 9, 40, 40)], [RADIUS], None),
    ("a second point", [point(100, 100), point(300, 300)], [point(100, 100)], "number"),
    ("each marks one that the other does not", [RADIUS, ULNA], [RADIUS, Mark(AP, 400, 400, 40, 40)], "place"),
    ("one box around both", [BOTH], [RADIUS, ULNA], None),
    ("different images say nothing of each other", [RADIUS], [Mark(LL, 500, 500, 40, 40)], None),
    ("the same on one image, apart on the other", [RADIUS, Mark(LL, 0, 0, 30, 30)],
     [RADIUS, Mark(LL, 300, 300, 30, 30)], "place"),
    ("left against right", [named(side="left")], [named(side="right")], "side"),
    ("left against both", [named(side="left")], [named(side="both")], None),
    ("left against unknown", [named(side="left")], [named(side="unknown")], None),
    ("left against unpaired", [named(side="left")], [named(side="unpaired")], None),
    ("left and right against right", [named(side="left"), named(side="right")], [named(side="right")], None),
    ("the side outweighs the place", [Mark(AP, 0, 0, 9, 9, side="left")], [Mark(AP, 90, 90, 9, 9, side="right")],
     "side"),
    ("two bones", [named("radius")], [named("ulna")], "place"),
    ("a bone in common", [named("radius"), named("ulna")], [named("ulna")], None),
    ("a bone that is not in the list says nothing", [named("radius")], [named("other")], None),
    ("spelling is no opinion", [named("Radius ")], [named("radius")], None),
    ("boxes that meet, of two bones", [Mark(AP, 0, 0, 9, 9, bone="radius")], [Mark(AP, 0, 0, 9, 9, bone="ulna")],
     "place"),
    ("a point in the box", [RADIUS], [point(120, 120)], None),
    ("a point beside the box, within reach", [RADIUS], [point(150, 120)], None),
    ("a point far from the box", [RADIUS], [point(300, 300)], "place"),
    ("two points, near and far by the size of the image", [point(100, 100)], [point(130, 100)], None),
    ("two points far apart", [point(100, 100)], [point(160, 100)], "place"),
]  # fmt: skip


@pytest.mark.parametrize(("ones", "others", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_two_fractures(ones, others, expected):
    expected = Difference(expected) if expected else None
    assert contradiction(FRACTURE, ones, FRACTURE, others) == expected
    assert contradiction(FRACTURE, others, FRACTURE, ones) == expected


@pytest.mark.parametrize(
    ("one", "other"), [(FRACTURE, NONE), (FRACTURE, UNREADABLE), (NONE, UNREADABLE)], ids=lambda verdict: verdict.value
)
def test_verdicts_differ_and_outweigh_all(one, other):
    assert contradiction(one, [named(side="left")], other, [named(side="right")]) == Difference.VERDICT
    assert contradiction(other, [], other, []) is None


def test_what_was_left_over_in_a_reading_without_fracture_is_not_compared():
    assert contradiction(NONE, [named(side="left")], NONE, [named(side="right")]) is None


def test_a_point_reaches_as_far_as_its_image_is_large():
    assert point(0, 0, longer=1000).width == pytest.approx(1000 * REACH)
    assert not point(0, 0, longer=500).meets(point(30, 0, longer=500))
    assert point(0, 0, longer=2000).meets(point(30, 0, longer=2000))


def marked(minute, *marks, **values):
    made = reading(minute, **values)
    return type(made)(made.review, made.reader, made.kind, made.mode, made.verdict, made.signed_at, made.images, marks)


def test_a_study_is_disputed_over_the_place_and_has_no_label():
    apart = [marked(1, RADIUS), marked(2, ULNA)]
    assert (status_of(apart, required=2, blind_first=False), label_of(apart)) == (StudyStatus.DISPUTED, None)
    assert difference_among(apart) == Difference.PLACE
    near = [marked(1, RADIUS), marked(2, Mark(AP, 105, 100, 40, 40))]
    assert status_of(near, required=2, blind_first=False) == StudyStatus.REVIEWED
    assert label_of(near).verdict == FRACTURE


def test_of_three_readings_each_two_have_to_agree_and_the_weightiest_difference_is_named():
    one_more = [marked(1, RADIUS), marked(2, RADIUS, ULNA)]
    assert difference_among(one_more) == Difference.NUMBER
    assert label_of(one_more) is None
    three = [marked(1, RADIUS), marked(2, BOTH), marked(3, ULNA)]
    assert difference_among(three) == Difference.PLACE
    three[1] = marked(2, RADIUS, verdict="no_fracture")
    assert difference_among(three) == Difference.VERDICT
    assert difference_among(three[:1]) is None


def test_marks_belong_to_their_image():
    here = uuid.UUID(int=77)
    assert not Mark(here, 0, 0, 10, 10).meets(Mark(AP, 0, 0, 10, 10))
