"""Held files over the API: the same order, verbs and refusals as on the pages."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from bonefrac.accounts.models import Role
from studies.intake import Details
from tests import factories_intake as files
from tests import factories_studies as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def site():
    return make.site()


def as_lead(site):
    api = APIClient()
    api.force_login(make.lead(site), backend="bonefrac.accounts.backends.PlatformBackend")
    return api


@pytest.mark.parametrize(
    ("deed", "status"), [("release", "ACCEPTED"), ("link", "DUPLICATE"), ("refuse", "REFUSED")]
)  # fmt: skip
def test_a_program_of_a_lead_lists_held_files_and_decides_once(site, deed, status):
    uploader, picture, api = make.person(site, Role.UPLOADER), files.png(), as_lead(site)
    rows = [files.hand_in(uploader, site, picture, details=Details(patient_code=code, urgent=True))[0] for code in "AB"]
    (held,) = api.get("/api/v1/held/").json()["results"]
    assert (held["id"], held["code"], held["is_urgent"], held["is_overdue"]) == (
        str(rows[1].pk), "two_patients", True, False
    )  # fmt: skip
    assert "name" not in held
    answer = api.post(f"/api/v1/held/{held['id']}/{deed}/")
    assert (answer.status_code, answer.json()["status"]) == (200, status)
    again = api.post(f"/api/v1/held/{held['id']}/{deed}/")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")
    assert api.get("/api/v1/held/").json()["results"] == []
