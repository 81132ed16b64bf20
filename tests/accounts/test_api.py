"""The API about people, sites and roles: the same refusals as the pages, in one JSON shape."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from bonefrac.accounts import people
from bonefrac.accounts.models import Role
from bonefrac.accounts.roles import roles_of
from tests import factories_accounts as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def at():
    return make.site()


@pytest.fixture
def admin(at):
    return make.person(at, Role.ADMIN)


def as_(person) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {people.issue_token(person, label='test')}")
    return client


def test_nobody_gets_401_in_the_one_shape():
    answer = APIClient().get("/api/v1/me/")
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_signed_in"
    assert set(answer.json()) == {"code", "message", "fields"}


def test_me_says_who_and_where(at):
    person = make.person(at, Role.LEAD, Role.UPLOADER)
    told = as_(person).get("/api/v1/me/").json()
    assert told["username"] == person.username
    assert told["sites"][0]["site"]["name"] == at.name
    assert set(told["sites"][0]["roles"]) == {"lead", "uploader"}
    assert as_(person).get("/api/v1/sites/").json()["results"] == told["sites"]


def test_a_site_needs_a_reading_mode_and_an_administrator(at, admin):
    asked = {"name": "By program", "reading_mode": "assisted"}
    assert as_(make.person(at, Role.LEAD)).post("/api/v1/sites/", asked).status_code == 403
    assert "reading_mode" in as_(admin).post("/api/v1/sites/", {"name": "By program"}).json()["fields"]
    assert as_(admin).post("/api/v1/sites/", asked).status_code == 201
    again = as_(admin).post("/api/v1/sites/", asked)
    assert (again.status_code, again.json()["code"]) == (400, "invalid")


def test_people_are_invited_shut_and_opened(at, admin):
    client, elsewhere = as_(admin), make.site()
    asked = {"site": str(at.pk), "username": "ivo", "display_name": "Ivo", "roles": ["lead"]}
    assert client.post("/api/v1/people/", {**asked, "site": str(elsewhere.pk)}, format="json").status_code == 404
    made = client.post("/api/v1/people/", asked, format="json")
    assert made.status_code == 201
    assert "/accounts/set-password/?who=" in made.json()["link"]
    assert made["Cache-Control"] == "no-store"
    listed = {row["username"]: row for row in client.get("/api/v1/people/").json()["results"]}
    assert listed["ivo"]["is_invited"] is True
    key = made.json()["person"]
    assert client.post(f"/api/v1/people/{key}/deactivate/").status_code == 204
    assert client.post(f"/api/v1/people/{key}/deactivate/").status_code == 409
    assert client.post(f"/api/v1/people/{key}/reset-password/").status_code == 409
    assert client.post(f"/api/v1/people/{key}/reactivate/").status_code == 200
    assert client.post(f"/api/v1/people/{key}/reset-password/").status_code == 200
    stranger = make.person(elsewhere, Role.LEAD)
    assert client.post(f"/api/v1/people/{stranger.pk}/deactivate/").status_code == 404
    assert as_(stranger).get("/api/v1/people/").status_code == 403


def test_roles_are_granted_and_revoked(at, admin):
    client, person = as_(admin), make.person(make.site(), Role.RADIOLOGIST)
    asked = {"site": str(at.pk), "username": person.username, "role": "radiologist"}
    assert client.post("/api/v1/memberships/", {**asked, "role": "king"}, format="json").status_code == 400
    made = client.post("/api/v1/memberships/", asked, format="json")
    assert made.status_code == 201
    assert client.post("/api/v1/memberships/", asked, format="json").status_code == 409
    assert made.json()["id"] in {row["id"] for row in client.get("/api/v1/memberships/").json()["results"]}
    address = f"/api/v1/memberships/{made.json()['id']}/revoke/"
    assert as_(person).post(address).status_code == 404
    assert client.post(address).status_code == 204
    assert client.post(address).status_code == 404
    assert roles_of(person, at) == frozenset()


def test_a_list_goes_on_by_cursor_without_counting(at, admin, django_assert_max_num_queries):
    for number in range(52):
        people.invite(None, site=at, username=f"row-{number}", display_name="R", roles=[Role.UPLOADER])
    client = as_(admin)
    with django_assert_max_num_queries(8) as seen:
        first = client.get("/api/v1/people/").json()
    assert not any("COUNT(" in query["sql"] or "OFFSET" in query["sql"] for query in seen.captured_queries)
    second = client.get("/api/v1/people/", {"cursor": first["next"]}).json()
    assert second["next"] == ""
    assert len({row["id"] for row in first["results"] + second["results"]}) == 53
