"""A map is shown only of a version that proved, on images that it had not learnt from, that its map points."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from inference.explanations import licence_of, licences_of
from inference.models import ModelVersion
from inference.places import SHIPPED
from tests import factories_studies as make
from tests.tiny import pointing

pytestmark = pytest.mark.django_db
CLEAN = {"red": False}


def version(kind="activation", leak=CLEAN, **sides):
    report = {"leak": leak, "splits": {side: {"pointing": figures} for side, figures in sides.items()}}
    return make.model(map_kind=kind, report=report)


@pytest.mark.parametrize(
    ("kind", "leak", "sides", "is_granted", "says"),
    [
        ("head", CLEAN, {"oof": pointing("head")}, True, "62 % of the time (57 to 67 %) out of fold (260 groups)"),
        ("activation", CLEAN, {"oof": pointing()}, True, "the picture's centre 25 %"),
        ("activation", CLEAN, {"test": pointing(groups=50)}, True, "on test images"),
        ("none", CLEAN, {"oof": pointing()}, False, "draws no map"),
        ("head", {"red": True}, {"oof": pointing("head")}, False, "free of leaks"),
        ("head", None, {"oof": pointing("head")}, False, "free of leaks"),
        ("head", CLEAN, {}, False, "never measured"),
        ("head", CLEAN, {"val": pointing("head")}, False, "never measured"),
        ("head", CLEAN, {"oof": pointing("activation")}, False, "never measured"),
        ("head", CLEAN, {"oof": pointing("head", groups=49)}, False, "49 groups of images, and 50"),
        ("head", CLEAN, {"oof": pointing("head", share=0.54)}, False, "not surely more than 50 %"),
        ("head", CLEAN, {"oof": pointing("head", rival=0.59)}, False, "not surely better"),
        ("activation", CLEAN, {"oof": pointing(centre=0.6)}, False, "not surely better"),
        ("head", CLEAN, {"oof": pointing("head"), "test": pointing("head", share=0.3, groups=60)}, False, "on test"),
        ("head", CLEAN, {"oof": pointing("head"), "test": pointing("head", share=0.3, groups=20)}, True, "out of fold"),
    ],
)  # fmt: skip
def test_the_pointing_game_decides(kind, leak, sides, is_granted, says):
    found = version(kind, leak, **sides)
    licence = licence_of(found)
    assert (licence.is_granted, says in licence.reason) == (is_granted, True), licence
    assert licences_of({found.pk}) == {found.pk: licence}


@pytest.mark.parametrize(
    "report",
    [{}, {"splits": []}, {"leak": CLEAN, "splits": {"oof": 3}}, {"leak": "no", "splits": {"oof": {"pointing": [1]}}},
     {"leak": CLEAN, "splits": {"oof": {"pointing": {"drawn": "map", "map": "all", "groups": "many"}}}},
     {"leak": CLEAN, "splits": {"oof": {"pointing": {"drawn": "map", "map": {"value": 1, "low": 1, "high": 1}}}}}],
)  # fmt: skip
def test_a_report_that_says_nothing_grants_nothing(report):
    found = make.model(map_kind="head", report=report)
    assert not licence_of(found).is_granted
    assert licences_of({found.pk}) == {found.pk: licence_of(found)}


def test_the_shipped_fracture_model_has_what_its_own_report_says():
    report = json.loads((SHIPPED / "fracture-mobilenetv2" / "report.json").read_text())
    licence = licence_of(ModelVersion(map_kind=report["map"], report=report))
    assert licence.is_granted == report["shows_regions"]
    told = report["splits"]["oof"]["pointing"]["map"]
    assert f"{round(100 * told['value'])} % of the time" in licence.reason
    parts = json.loads((SHIPPED / "body-part-mobilenetv2" / "report.json").read_text())
    assert not licence_of(ModelVersion(map_kind=parts["map"], report=parts)).is_granted


@pytest.fixture(params=[True, False], ids=["licensed", "not licensed"])
def said(request):
    """A reader, a study about which a model has spoken, and whether that model may show its map."""
    site = make.site()
    reader, study = make.reader(site), make.study(site)
    share = 0.62 if request.param else 0.4
    make.predicted(study, version(oof=pointing(share=share)), "positive")
    return reader, study, request.param


def page(reader, name, *args):
    client = Client()
    client.force_login(reader, backend="bonefrac.accounts.backends.PlatformBackend")
    return client.get(reverse(name, args=args))


def test_every_face_shows_the_map_or_says_why_not(said):
    reader, study, is_licensed = said
    image, why = study.images.get(), "not surely more than 50 %"
    reading = page(reader, "studies:read", study.pk)
    (data,) = reading.context["reading_data"]["images"]
    assert (data["map"] is not None, data["map_reason"]) == (is_licensed, "" if is_licensed else data["map_reason"])
    assert (why in reading.text, why in data["map_reason"]) == (not is_licensed, not is_licensed)
    for name in ("studies:map", "api_map"):
        answer = page(reader, name, study.pk, image.pk)
        assert answer.status_code == (200 if is_licensed else 404)
        assert is_licensed or why in answer.text
    client = APIClient()
    client.force_authenticate(reader)
    (told,) = client.get(reverse("api_study", args=[study.pk])).json()["ai"]["images"]
    assert (bool(told["regions"]), bool(told["map_name"])) == (is_licensed, is_licensed)
    assert told["certainty"] == ("definite" if is_licensed else "")
    assert (why in told["map_reason"]) == (not is_licensed)
    (row,) = client.get(reverse("api_studies")).json()["results"]
    assert bool(row["ai"]["images"][0]["regions"]) == is_licensed


def test_regions_are_suspicious_where_the_model_is_unsure():
    site = make.site()
    reader, study = make.reader(site), make.study(site, images=2)
    make.predicted(study, make.model(), "positive", "doubt")
    images = page(reader, "studies:read", study.pk).context["reading_data"]["images"]
    assert [image["map"]["certainty"] for image in images] == ["definite", "suspicious"]


def test_the_page_and_the_api_of_a_model_tell_its_licence():
    found = version("head", oof=pointing("head", groups=12))
    engineer = make.person(engineer=True)
    assert "12 groups of images, and 50 are needed" in page(engineer, "inference:model", found.pk).text
    told = page(engineer, "api-model", found.pk).json()["map_licence"]
    assert told == {"is_granted": False, "reason": licence_of(found).reason}
