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
