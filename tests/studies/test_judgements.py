"""What a judgement may say: closed lists, points, fractures that are only named, what was shown and what was agreed."""

from __future__ import annotations

import uuid

import pytest

from bonefrac.accounts.models import ReadingMode
from bonefrac.audit.events import history_of
from bonefrac.audit.models import Verb
from bonefrac.errors import Invalid
from studies import reviews, worklist
from studies.models import Finding, ImageReading, Review, UnlocatedFinding
from studies.reviews import Unlocated, judgement_of
from studies.reviews.judgement import Judgement
from studies.selectors import ai_of_study
from studies.terms import Advice, Bone, FractureType, OtherFinding
from tests import factories_studies as make

pytestmark = pytest.mark.django_db


def held(*, images=1, **values):
    site = make.site(**values)
    study, reader = make.study(site, images=images), make.reader(site)
    worklist.claim(reader, study.pk)
    return study, reader


def refused(reader, study, judgement):
    with pytest.raises(Invalid) as error:
        reviews.sign(reader, study.pk, judgement=judgement, revision=study.revision)
    assert not Review.objects.filter(study=study).exists()
    assert "Everything that you entered is kept." in error.value.sentence
    return error.value.fields


def whole(study) -> Judgement:
    first, second = study.images.all()
    return make.judgement(
        "fracture", confidence="probable", note="distal", other_findings=("effusion", "dislocation", "effusion"),
        advice=("mri", "ct"), has_cast_or_hardware=True, is_critical=True,
        boxes=(make.box(first, bone="radius", type="buckle", side="left", confidence="definite"),),
        points=(make.point(second, 4, 5, bone="ulna"), make.point(second, 0, 0)),
        unlocated=(Unlocated(bone="scaphoid", type="transverse", side="left", confidence="possible"),),
        image_readings={first.pk: "fracture_visible"}, shown={first.pk, second.pk},
    )  # fmt: skip


def test_everything_that_a_form_holds_is_kept_and_comes_back_the_same():
    study, reader = held(images=2)
    sent = whole(study)
    review = reviews.sign(reader, study.pk, judgement=sent, revision=1)
    review = Review.objects.get(pk=review.pk)
    assert review.other_findings == ["dislocation", "effusion"]
    assert review.advice == ["ct", "mri"]
    assert (review.has_cast_or_hardware, review.is_critical, review.agreed_with_model) == (True, True, False)
    first, second = study.images.all()
    assert dict(ImageReading.objects.values_list("study_image", "verdict")) == {
        first.pk: "fracture_visible", second.pk: "fracture_visible",
    }  # fmt: skip
    points = Finding.objects.filter(shape="point")
    assert {(row.x, row.y, row.width, row.height, row.bone) for row in points} == {
        (4, 5, 0, 0, "ulna"),
        (0, 0, 0, 0, ""),
    }
    assert UnlocatedFinding.objects.get().bone == "scaphoid"
    assert judgement_of(review).says_the_same(sent)
    assert not judgement_of(review).says_the_same(make.judgement("fracture"))


def test_the_audit_record_says_which_images_were_drawn():
    study, reader = held(images=2)
    review = reviews.sign(reader, study.pk, judgement=whole(study), revision=1)
    (event,) = history_of("study", study.pk).filter(verb=Verb.REVIEW_SIGNED)
    data = event.data
    assert (data["review"], data["shown"]) == (str(review.pk), sorted(str(image.pk) for image in study.images.all()))
    other, second = held()
    reviews.sign(second, other.pk, judgement=make.judgement(), revision=1)
    (event,) = history_of("study", other.pk).filter(verb=Verb.REVIEW_SIGNED)
    assert event.data["shown"] is None


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"other_findings": ("effusion", "gout")}, "other_findings"),
        ({"advice": ("rest",)}, "advice"),
        ({"unlocated": (Unlocated(bone="elbow"),)}, "unlocated"),
        ({"unlocated": (Unlocated(type="radius"),)}, "unlocated"),
        ({"unlocated": (Unlocated(bone="transverse"),)}, "unlocated"),
        ({"unlocated": (Unlocated(side="up"),)}, "unlocated"),
        ({"unlocated": (Unlocated(confidence="sure"),)}, "unlocated"),
        ({"unlocated": (Unlocated(),) * 101}, "findings"),
        ({"verdict": "no_fracture", "unlocated": (Unlocated(),)}, "unlocated"),
        ({"verdict": "not_assessable", "unlocated": (Unlocated(bone="radius"),)}, "unlocated"),
        ({"shown": (uuid.UUID(int=1),)}, "shown"),
        ({"shown": ()}, "shown"),
        ({"agreed_with_model": True}, "agreed_with_model"),
    ],
)
def test_what_is_on_no_list_or_contradicts_itself_is_refused(values, field):
    study, reader = held()
    values = {"verdict": "fracture", **values}
    assert field in refused(reader, study, make.judgement(values.pop("verdict"), **values))
    assert reviews.sign(reader, study.pk, judgement=make.judgement(), revision=1)


@pytest.mark.parametrize(
    ("verdict", "place"),
    [
        ("fracture", {"x": -1}), ("fracture", {"y": 24.1}), ("fracture", {"x": float("nan")}),
        ("fracture", {"bone": "distal radius"}), ("fracture", {"type": "broken"}),
        ("no_fracture", {}), ("not_assessable", {}),
    ],
)  # fmt: skip
def test_a_point_lies_on_its_radiograph_and_says_fracture(verdict, place):
    study, reader = held()
    image = study.images.get()
    assert "findings" in refused(reader, study, make.judgement(verdict, points=(make.point(image, **place),)))
    contradicting = make.judgement(points=(make.point(image),), image_readings={image.pk: "no_fracture"})
    assert "findings" in refused(reader, study, contradicting)
    corner = make.judgement(points=(make.point(image, make.COLUMNS, make.ROWS),))
    assert reviews.sign(reader, study.pk, judgement=corner, revision=1)


@pytest.mark.parametrize("bone", Bone.values)
def test_every_bone_of_the_list_may_be_named(bone):
    study, reader = held()
    named = make.judgement(unlocated=(Unlocated(bone=bone),), other_findings=OtherFinding.values, advice=Advice.values)
    assert reviews.sign(reader, study.pk, judgement=named, revision=1)


def test_every_type_of_the_list_may_be_named():
    study, reader = held()
    named = make.judgement(unlocated=tuple(Unlocated(type=key) for key in FractureType.values))
    assert reviews.sign(reader, study.pk, judgement=named, revision=1)


def test_a_correction_may_keep_a_text_from_before_the_lists():
    study, reader = held()
    image = study.images.get()
    review = reviews.sign(reader, study.pk, judgement=make.judgement(boxes=(make.box(image),)), revision=1)
    old = Review.objects.create(
        study=study, reader=reader, mode=review.mode, round=1, verdict="fracture", supersedes=review,
        opened_at=review.opened_at,
    )  # fmt: skip
    reading = ImageReading.objects.create(review=old, study_image=image, verdict="fracture_visible")
    Finding.objects.create(image_reading=reading, bone="distal radius", x=1, y=1, width=3, height=3)
    kept = make.judgement(boxes=(make.box(image, bone="distal radius"),), note="clearer")
    named = {"revision": 2, "reason": "a note was missing"}
    other = make.judgement(boxes=(make.box(image, bone="proximal radius"),))
    with pytest.raises(Invalid):
        reviews.amend(reader, old.pk, judgement=other, **named)
    assert reviews.amend(reader, old.pk, judgement=kept, **named).note == "clearer"


@pytest.mark.parametrize("mark", ["", "no_fracture", "not_visible_here", "not_assessable"])
def test_an_image_that_was_not_drawn_waits_or_is_marked_not_assessable(mark):
    study, reader = held(images=2)
    first, second = study.images.all()
    marks = {second.pk: mark} if mark else {}
    judgement = make.judgement(shown={first.pk}, image_readings=marks)
    if mark == "not_assessable":
        assert reviews.sign(reader, study.pk, judgement=judgement, revision=1)
    else:
        sentence = refused(reader, study, judgement)["shown"]
        assert "image 2 (LL) was not shown" in sentence


@pytest.mark.parametrize(
    ("states", "verdict", "stands"),
    [
        (("positive", "negative"), "fracture", True),
        (("positive", "negative"), "no_fracture", False),
        (("negative", "negative"), "no_fracture", True),
        (("negative", "negative"), "fracture", False),
        (("negative", "negative"), "not_assessable", False),
        (("doubt", "negative"), "fracture", False),
        (("doubt", "negative"), "no_fracture", False),
        (("negative", "not_assessed"), "no_fracture", False),
    ],
)
def test_only_what_the_model_said_can_be_confirmed(states, verdict, stands):
    study, reader = held(images=2)
    make.predicted(study, make.model(), *states)
    ai_of_study(reader, study)
    judgement = make.judgement(verdict, agreed_with_model=True)
    if stands:
        assert reviews.sign(reader, study.pk, judgement=judgement, revision=1).agreed_with_model
    else:
        assert "agreed_with_model" in refused(reader, study, judgement)


def test_what_the_reader_was_not_shown_cannot_be_confirmed():
    study, reader = held()
    make.predicted(study, make.model(), "positive")
    ai_of_study(make.reader(study.site), study)  # somebody else saw it
    agreed = make.judgement("fracture", agreed_with_model=True)
    assert "agreed_with_model" in refused(reader, study, agreed)
    ai_of_study(reader, study)
    assert reviews.sign(reader, study.pk, judgement=agreed, revision=1)


def test_blind_first_confirms_in_the_second_look_alone():
    study, reader = held(mode=ReadingMode.BLIND_FIRST)
    make.predicted(study, make.model(), "positive")
    agreed = make.judgement("fracture", agreed_with_model=True)
    assert ai_of_study(reader, study).is_withheld
    assert "agreed_with_model" in refused(reader, study, agreed)
    make.signed(reader, study, "no_fracture")
    ai_of_study(reader, study)
    second = reviews.sign(reader, study.pk, judgement=agreed, revision=study.revision)
    assert (second.agreed_with_model, second.mode) == (True, "assisted")
