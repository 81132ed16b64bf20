"""The same verbs over the API."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from bonefrac.accounts import people
from bonefrac.accounts.models import Role
from bonefrac.db import new_id
from studies import intake
from studies.models import IncomingFile, Study
from tests import factories_intake as files
from tests import factories_studies as make

ADDRESS = "/api/v1/uploads/"


@pytest.fixture
def api(uploader):
    client = APIClient()
    client.force_authenticate(uploader)
    return client


def sent(*contents, **fields):
    handed = [SimpleUploadedFile(f"{number}.png", content) for number, content in enumerate(contents)]
    return {"files": handed, **fields}


def test_files_are_taken_and_their_verdicts_asked(api):
    answer = api.post(ADDRESS, sent(files.png(), b"", question="fell", body_part="hand", urgent="true"))
    assert answer.status_code == 202
    first, second = answer.json()["files"]
    assert (first["status"], second["status"], second["code"]) == ("RECEIVED", "REFUSED", "empty")
    intake.judge(first["id"])
    asked = api.get(f"{ADDRESS}{first['id']}/").json()
    assert (asked["status"], asked["name"], asked["verdict"]) == ("ACCEPTED", "0.png", "")
    study = Study.objects.get(pk=asked["study"])
    assert (study.question, study.body_part, study.urgent) == ("fell", "hand", True)
    assert {file["id"] for file in api.get(ADDRESS).json()["results"]} == {first["id"], second["id"]}


def test_refusals_have_one_shape(api, settings):
    nothing = api.post(ADDRESS, {"question": "fell"})
    assert (nothing.status_code, nothing.json()["code"]) == (400, "invalid")
    named = api.post(ADDRESS, sent(files.png(), question="Mr Smith fell"))
    assert (named.status_code, set(named.json()), set(named.json()["fields"])) == (
        400, {"code", "message", "fields"}, {"question"},
    )  # fmt: skip
    settings.MINIMUM_FREE_DISK = 1.1
    assert api.post(ADDRESS, sent(files.png())).status_code == 507
    assert not IncomingFile.objects.exists()


def test_who_may(api, uploader, site):
    mine = api.post(ADDRESS, sent(files.png())).json()["files"][0]["id"]
    stranger = APIClient()
    assert stranger.get(ADDRESS).status_code in (401, 403)
    stranger.force_authenticate(make.reader(site))
    assert stranger.post(ADDRESS, sent(files.png())).status_code == 403
    assert stranger.get(f"{ADDRESS}{mine}/").status_code == 404
    assert api.post(ADDRESS, sent(files.png(), site=str(make.site().pk))).status_code == 404
    assert api.get(f"{ADDRESS}{new_id()}/").status_code == 404


def test_somebody_of_two_sites_names_one(api, uploader, site):
    other = make.site()
    people.grant(None, person=uploader, site=other, role=Role.UPLOADER)
    assert api.post(ADDRESS, sent(files.png())).json()["code"] == "site_missing"
    assert api.post(ADDRESS, sent(files.png(), site=str(other.pk))).status_code == 202


def test_pages_follow_each_other(api, uploader, site):
    files.hand_in(uploader, site, *(files.png() for _number in range(52)), judged=False)
    first = api.get(ADDRESS).json()
    second = api.get(ADDRESS, {"cursor": first["next"]}).json()
    keys = {file["id"] for page in (first, second) for file in page["results"]}
    assert (len(first["results"]), len(second["results"]), len(keys), second["next"]) == (50, 2, 52, "")


def test_the_request_never_looks_at_pixels(api):
    """What only a decoder can find out is found out by the judge: the request took the file in."""
    whole = files.values(shape=(600, 600))
    broken = {
        "cut.jpg": files.jpeg(whole)[:-30_000],
        "cut.png": files.png(whole)[:-30_000],
        "cut.dcm": files.dicom(pixels=files.values(12, shape=(600, 600)))[:-300_000],
    }
    handed = [SimpleUploadedFile(name, content) for name, content in broken.items()]
    rows = api.post(ADDRESS, {"files": handed}).json()["files"]
    assert [row["status"] for row in rows] == ["RECEIVED"] * 3
    for row in rows:
        intake.judge(row["id"])
        assert api.get(f"{ADDRESS}{row['id']}/").json()["status"] == "REFUSED"
