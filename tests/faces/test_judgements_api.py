"""The API of judgements: everything that a form holds, undo, and what is refused with which field."""

from __future__ import annotations

import pytest
from django.urls import reverse
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from studies import worklist
from studies.models import Review
from studies.selectors import ai_of_study
from studies.states import StudyStatus
from tests import factories_studies as make

pytestmark = pytest.mark.django_db


def as_(user) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def url(name, *keys):
    return reverse(f"api_{name}", args=keys)


def held(*, images=2):
    site = make.site()
    study, reader = make.study(site, images=images), make.reader(site)
    worklist.claim(reader, study.pk)
    return study, reader, [str(image.pk) for image in study.images.all()]


def whole(first, second):
    named = {"bone": "radius", "type": "buckle", "side": "left", "confidence": "definite"}
    return {
        "verdict": "fracture", "confidence": "probable", "note": "distal", "revision": 1,
        "boxes": [{"image": first, "x": 1, "y": 2, "width": 3.5, "height": 4, **named}],
        "points": [{"image": second, "x": 4.5, "y": 5, "bone": "ulna"}],
        "unlocated": [{"bone": "scaphoid"}],
        "other_findings": ["effusion", "dislocation"], "advice": ["ct"], "has_cast_or_hardware": True,
        "is_critical": True, "shown": [first, second],
        "image_readings": [{"image": first, "verdict": "fracture_visible"}],
    }  # fmt: skip


def test_what_is_sent_is_what_is_read():
    study, reader, (first, second) = held()
    api = as_(reader)
    signed = api.post(url("sign", study.pk), whole(first, second), format="json")
    assert signed.status_code == 201, signed.json()
    said = signed.json()
    assert said["boxes"] == whole(first, second)["boxes"]
    assert said["points"] == [
        {"image": second, "x": 4.5, "y": 5, "confidence": "", "bone": "ulna", "type": "", "side": "unknown"}
    ]
    assert said["unlocated"] == [{"confidence": "", "bone": "scaphoid", "type": "", "side": "unknown"}]
    assert (said["other_findings"], said["advice"]) == (["dislocation", "effusion"], ["ct"])
    assert (said["has_cast_or_hardware"], said["is_critical"], said["agreed_with_model"]) == (True, True, False)
    assert api.get(url("study", study.pk)).json()["reviews"] == [said]


def test_what_is_left_out_is_not_said():
    study, reader, _images = held()
    said = as_(reader).post(url("sign", study.pk), {"verdict": "no_fracture", "revision": 1}, format="json").json()
    assert (said["boxes"], said["points"], said["unlocated"], said["other_findings"], said["advice"]) == ([],) * 5
    assert (said["has_cast_or_hardware"], said["is_critical"], said["agreed_with_model"]) == (False,) * 3


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"other_findings": ["gout"]}, "other_findings"),
        ({"other_findings": "effusion"}, "other_findings"),
        ({"advice": ["rest"]}, "advice"),
        ({"points": [{"image": "00000000-0000-7000-8000-000000000001", "x": 1, "y": 1}]}, "findings"),
        ({"points": [{"x": 1}]}, "points"),
        ({"unlocated": [{"bone": "distal radius"}]}, "unlocated"),
        ({"unlocated": [{"side": "up"}]}, "unlocated"),
        ({"shown": []}, "shown"),
        ({"shown": ["x"]}, "shown"),
        ({"shown": ["00000000-0000-7000-8000-000000000001"]}, "shown"),
        ({"agreed_with_model": True}, "agreed_with_model"),
        ({"verdict": "no_fracture", "unlocated": [{}]}, "unlocated"),
        ({"note": "a\x00b"}, "note"),
    ],
)
def test_what_cannot_stand_names_its_field(sent, field):
    study, reader, _images = held()
    api = as_(reader)
    refused = api.post(url("sign", study.pk), {"verdict": "fracture", "revision": 1, **sent}, format="json")
    assert refused.status_code == 400
    assert field in refused.json()["fields"]
    assert not Review.objects.exists()
    assert api.post(url("sign", study.pk), {"verdict": "fracture", "revision": 1}, format="json").status_code == 201


def test_taking_the_models_word():
    study, reader, _images = held(images=1)
    make.predicted(study, make.model(), "negative")
    ai_of_study(reader, study)
    sent = {"verdict": "no_fracture", "agreed_with_model": True, "revision": 1}
    assert as_(reader).post(url("sign", study.pk), sent, format="json").json()["agreed_with_model"] is True


def test_undo_over_the_api(settings):
    study, reader, _images = held()
    api = as_(reader)
    signed = api.post(url("sign", study.pk), {"verdict": "fracture", "revision": 1}, format="json").json()
    assert as_(make.lead(study.site)).post(url("undo", signed["id"])).status_code == 403
    assert as_(make.reader(make.site())).post(url("undo", signed["id"])).status_code == 404
    undone = api.post(url("undo", signed["id"]))
    assert (undone.status_code, undone.json()["is_withdrawal"], undone.json()["supersedes"]) == (
        201,
        True,
        signed["id"],
    )
    study.refresh_from_db()
    assert (study.status, study.claimed_by) == (StudyStatus.AWAITING, reader)
    again = api.post(url("sign", study.pk), {"verdict": "no_fracture", "revision": 3}, format="json").json()
    assert again["supersedes"] == undone.json()["id"]
    settings.UNDO_SECONDS = 0
    late = api.post(url("undo", again["id"]))
    assert (late.status_code, late.json()["code"]) == (409, "too_late")


def test_the_schema_names_the_lists():
    schema = SchemaGenerator().get_schema(public=True)["components"]["schemas"]
    sent = schema["JudgementShape"]["properties"]
    assert {"points", "unlocated", "other_findings", "advice", "shown", "agreed_with_model", "is_critical"} <= set(sent)
    assert schema["JudgementShape"]["required"] == ["verdict"]
    assert "scaphoid" in schema["NamedShape"]["properties"]["bone"]["description"]
    assert "effusion" in str(schema)


def test_a_program_that_sends_twice_is_answered_with_the_same_review(settings):
    study, reader, (first, second) = held()
    api, sent = as_(reader), whole(first, second)
    once = api.post(url("sign", study.pk), sent, format="json")
    again = api.post(url("sign", study.pk), {**sent, "boxes": sent["boxes"][::-1]}, format="json")
    assert (once.status_code, again.status_code) == (201, 200)
    assert once.json() == again.json()
    other = api.post(url("sign", study.pk), {**sent, "note": "proximal"}, format="json")
    assert other.status_code == 409
    settings.UNDO_SECONDS = 0
    assert api.post(url("sign", study.pk), sent, format="json").status_code == 409, "that is no second press any more"
    assert Review.objects.count() == 1


def test_an_amendment_and_an_adjudication_that_are_sent_twice_are_one():
    study, _first, second = make.disputed(make.site(required=2))
    mine, api = Review.objects.get(reader=second), as_(second)
    sent = {"verdict": "no_fracture", "note": "once", "reason": "why", "revision": study.revision}
    answers = [api.post(url("amend", mine.pk), sent, format="json") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    study.refresh_from_db()
    api = as_(make.lead(study.site))
    sent = {"verdict": "fracture", "revision": study.revision}
    answers = [api.post(url("adjudicate", study.pk), sent, format="json") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert Review.objects.filter(kind="adjudication").count() == 1


def test_a_blind_answer_that_is_sent_twice_is_no_second_look():
    site = make.site(mode="blind_first")
    study, reader = make.study(site), make.reader(site)
    worklist.claim(reader, study.pk)
    sent = {"verdict": "no_fracture", "revision": study.revision}
    answers = [as_(reader).post(url("sign", study.pk), sent, format="json") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert [row.mode for row in Review.objects.all()] == ["blind"]
    study.refresh_from_db()
    kept = as_(reader).post(url("sign", study.pk), {**sent, "revision": study.revision}, format="json")
    assert kept.status_code == 201, "Enter keeps in the second look: that is a reading, not an amendment"
    assert sorted(row.mode for row in Review.objects.all()) == ["assisted", "blind"]


def test_an_amendment_that_says_the_same_is_refused_and_one_that_goes_back_is_not():
    study, reader, (first, second) = held()
    api, sent = as_(reader), whole(first, second)
    signed = api.post(url("sign", study.pk), sent, format="json").json()
    study.refresh_from_db()
    same = {**sent, "revision": study.revision, "reason": "because"}
    refused = api.post(url("amend", signed["id"]), same, format="json")
    assert (refused.status_code, refused.json()["code"]) == (400, "nothing_changed")
    assert "this is what you signed" in refused.json()["message"]
    changed = api.post(url("amend", signed["id"]), {**same, "note": "proximal"}, format="json").json()
    study.refresh_from_db()
    back = api.post(url("amend", changed["id"]), {**same, "revision": study.revision}, format="json")
    assert (back.status_code, back.json()["note"]) == (201, "distal"), "what an amendment said is undone by another"


def test_leaving_out_that_one_agreed_amends_nothing():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    make.predicted(study, make.model(), "positive")
    ai_of_study(reader, study)
    review = make.signed(reader, study, "fracture", agreed_with_model=True)
    study.refresh_from_db()
    sent = {"verdict": "fracture", "revision": study.revision, "reason": "because"}
    assert as_(reader).post(url("amend", review.pk), sent, format="json").json()["code"] == "nothing_changed"
    assert as_(reader).post(url("amend", review.pk), {**sent, "note": "new"}, format="json").status_code == 201
