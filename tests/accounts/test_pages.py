"""The pages about people, sites and tokens, asked as those who may and those who may not."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.test import Client

from bonefrac.accounts import people
from bonefrac.accounts.models import ReadingMode, Role, Site, User
from bonefrac.accounts.people import fingerprint
from bonefrac.accounts.roles import roles_of
from tests import factories_accounts as make

pytestmark = pytest.mark.django_db
PEOPLE, SITES = "/accounts/people/", "/accounts/sites/"


@pytest.fixture
def at():
    return make.site()


@pytest.fixture
def admin(at):
    return make.person(at, Role.ADMIN)


def as_(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def link_in(answer) -> str:
    return re.search(r'value="http://testserver(/[^"]+)"', answer.content.decode()).group(1).replace("&amp;", "&")


def test_pages_of_administrators_are_refused_to_others(at, admin):
    lead = make.person(at, Role.LEAD)
    for address in (PEOPLE, SITES, SITES + "new/"):
        assert Client().get(address).status_code == 302
        assert as_(lead).get(address).status_code == 403
        assert as_(admin).get(address).status_code == 200


def test_people_and_sites_of_others_are_not_there(at, admin):
    elsewhere = make.site()
    stranger, member = make.person(elsewhere, Role.LEAD), make.person(at, Role.LEAD)
    client = as_(admin)
    assert client.get(f"{PEOPLE}{stranger.pk}/").status_code == 404
    assert client.get(f"{SITES}{elsewhere.pk}/").status_code == 404
    assert client.post(f"{PEOPLE}{stranger.pk}/deactivate/").status_code == 404
    held = stranger.memberships.get()
    assert client.post(f"/accounts/memberships/{held.pk}/revoke/").status_code == 404
    assert client.get(f"{PEOPLE}{member.pk}/").status_code == 200
    assert client.get(f"{SITES}{at.pk}/").status_code == 200
    assert as_(member).get(f"{SITES}{at.pk}/").status_code == 403
    assert stranger.username not in client.get(PEOPLE).content.decode()


def test_roles_at_other_sites_are_not_shown(at, admin):
    elsewhere = make.site()
    shared = make.person(elsewhere, Role.RADIOLOGIST)
    form = {"site": at.pk, "username": shared.username, "role": "uploader"}
    assert as_(admin).post(PEOPLE + "grant/", {**form, "username": "nobody"}).status_code == 400
    assert as_(admin).post(PEOPLE + "grant/", form).status_code == 302
    text = as_(admin).get(f"{PEOPLE}{shared.pk}/").content.decode()
    assert "Uploader" in text
    assert elsewhere.name not in text
    assert "reaches beyond your sites" in text
    assert as_(admin).post(f"{PEOPLE}{shared.pk}/reset-password/").status_code == 403


def test_an_invited_person_sets_a_password_and_signs_in(at, admin, settings):
    settings.EMAIL_HOST = "mail.example"
    form = {"site": at.pk, "username": "ines", "display_name": "Ines", "email": "i@example.org", "roles": ["auditor"]}
    wrong = as_(admin).post(PEOPLE + "invite/", {**form, "roles": []})
    assert wrong.status_code == 400
    assert 'value="ines"' in wrong.content.decode(), "what was typed is still there"
    shown = as_(admin).post(PEOPLE + "invite/", form)
    link = link_in(shown)
    assert [message.to for message in mail.outbox] == [["i@example.org"]]
    assert link in mail.outbox[0].body
    client = Client()
    page = client.get(link)
    assert "ines" in page.content.decode()
    query = {key: value for key, value in page.context["form"].initial.items()}
    new = {**query, "password": make.PASSWORD, "again": make.PASSWORD}
    assert client.post("/accounts/set-password/", {**new, "password": "1234", "again": "1234"}).status_code == 400
    assert client.post("/accounts/set-password/", new).status_code == 302
    assert client.get(link).status_code == 400
    answer = client.post("/accounts/sign-in/", {"username": "ines", "password": make.PASSWORD, "next": "/audit/"})
    assert answer["Location"] == "/audit/"
    again = as_(admin).post(PEOPLE + "invite/", form)
    assert again.status_code == 400
    assert "already exists" in again.content.decode()


def test_the_last_administrator_and_the_stale_get_409(at, admin):
    own = admin.memberships.get()
    refused = as_(admin).post(f"/accounts/memberships/{own.pk}/revoke/")
    assert refused.status_code == 409
    assert "at least one administrator" in refused.content.decode()
    person = make.person(at, Role.LEAD)
    assert as_(admin).post(f"{PEOPLE}{person.pk}/grant/", {"site": at.pk, "role": "lead"}).status_code == 409
    assert as_(admin).post(f"{PEOPLE}{person.pk}/grant/", {"site": at.pk, "role": "uploader"}).status_code == 302
    assert roles_of(person, at) == {Role.LEAD, Role.UPLOADER}


def test_shutting_and_opening_an_account(at, admin):
    person = make.person(at, Role.LEAD)
    inside = as_(person)
    assert inside.get("/accounts/tokens/").status_code == 200
    assert as_(admin).post(f"{PEOPLE}{admin.pk}/deactivate/").status_code == 403
    assert as_(admin).post(f"{PEOPLE}{person.pk}/deactivate/").status_code == 302
    assert inside.get("/accounts/tokens/").status_code == 302
    assert "deactivated" in as_(admin).get(PEOPLE).content.decode()
    assert link_in(as_(admin).post(f"{PEOPLE}{person.pk}/reactivate/")).startswith("/accounts/set-password/?who=")
    assert as_(admin).post(f"{PEOPLE}{person.pk}/reactivate/").status_code == 409


def test_the_reading_mode_is_asked_and_never_preset(at, admin):
    form = {"name": "New", "readings_required": 1, "wait_ceiling_minutes": 60, "time_zone": "Europe/Berlin",
            "critical_minutes": 30, "originals_days": 30, "identity_policy": "clinical"}  # fmt: skip
    empty = as_(admin).get(SITES + "new/").content.decode()
    assert empty.count('type="radio"') == 4
    assert not re.search(r'type="radio"[^>]*checked', empty)
    assert "signs an own reading before" in empty
    assert as_(admin).post(SITES + "new/", form).status_code == 400
    assert not Site.objects.filter(name="New").exists()
    assert as_(admin).post(SITES + "new/", {**form, "reading_mode": "blind_first"}).status_code == 302
    made = Site.objects.get(name="New")
    assert (made.reading_mode, made.time_zone) == (ReadingMode.BLIND_FIRST, "Europe/Berlin")
    assert roles_of(admin, made) == {Role.ADMIN}


def test_a_stale_site_form_gets_409_and_keeps_what_was_typed(at, admin):
    client, address = as_(admin), f"{SITES}{at.pk}/"
    form = {
        "name": at.name, "reading_mode": at.reading_mode, "readings_required": 2, "wait_ceiling_minutes": 60,
        "identity_policy": at.identity_policy, "originals_days": at.originals_days,
        "time_zone": "UTC", "critical_minutes": 60, "seen": fingerprint(at),
    }  # fmt: skip
    assert client.post(address, form).status_code == 302
    stale = client.post(address, {**form, "readings_required": 3})
    assert stale.status_code == 409
    text = stale.content.decode()
    assert re.search(r'name="readings_required" value="3"', text)
    assert "data-now" in text
    at.refresh_from_db()
    assert at.readings_required == 2
    fresh = re.search(r'name="seen" value="([^"]+)"', text).group(1)
    assert client.post(address, {**form, "readings_required": 3, "seen": fresh}).status_code == 302


def test_a_token_is_shown_once_and_works_until_revoked(at):
    person = make.person(at, Role.UPLOADER)
    client = as_(person)
    shown = client.post("/accounts/tokens/", {"label": "a script"}).content.decode()
    token = re.search(r"data-token>([^<]+)<", shown).group(1)
    header = {"Authorization": f"Token {token}"}
    assert Client().get("/api/v1/me/", headers=header).json()["username"] == person.username
    assert token not in client.get("/accounts/tokens/").content.decode()
    held = person.access_tokens.get()
    other = as_(make.person(at, Role.UPLOADER))
    assert other.post(f"/accounts/tokens/{held.pk}/revoke/").status_code == 404
    assert client.post(f"/accounts/tokens/{held.pk}/revoke/").status_code == 302
    assert Client().get("/api/v1/me/", headers=header).status_code == 401


def test_the_header_leads_only_where_the_roles_lead(at, admin):
    def ways(person):
        return {entry.label for entry in as_(person).get("/accounts/tokens/").context["nav"]}

    assert ways(make.person(at, Role.UPLOADER)) == {"Upload", "My uploads", "Models", "Notices"}
    assert ways(make.person(at, Role.RADIOLOGIST)) == {"Worklist", "Models", "Notices", "Critical"}
    oversees = {"Worklist", "Models", "Audit", "Notices", "Critical", "Differences", "Agreement"}
    assert ways(make.person(at, Role.AUDITOR)) == oversees
    assert {"People", "Sites", "Datasets", "Audit"} <= ways(admin)
    engineer = User.objects.create_user("engineer", display_name="E", is_engineer=True)
    assert ways(engineer) == {"Models"}


def test_every_page_says_what_it_is_for(at, admin):
    for address in (PEOPLE, SITES, "/accounts/tokens/", "/accounts/password/", "/audit/"):
        assert "Not a medical device" in as_(admin).get(address).content.decode()
    assert "Not a medical device" in Client().get("/accounts/sign-in/").content.decode()


def test_a_list_of_many_people_is_paged_without_counting(at, admin, django_assert_max_num_queries):
    for number in range(55):
        people.invite(None, site=at, username=f"many-{number}", display_name="M", roles=[Role.UPLOADER])
    client = as_(admin)
    client.get(PEOPLE)
    with django_assert_max_num_queries(13) as seen:
        first = client.get(PEOPLE)
    assert not any("COUNT(" in query["sql"] or "OFFSET" in query["sql"] for query in seen.captured_queries)
    cursor = first.context["next_cursor"]
    second = client.get(PEOPLE, {"cursor": cursor})
    names = [row.person.username for answer in (first, second) for row in answer.context["rows"]]
    assert len(names) == len(set(names)) == 56
    assert client.get(PEOPLE, {"cursor": "broken"}).status_code == 400


def test_an_engineer_is_made_and_unmade_on_the_page_of_a_person(at, admin):
    person = make.person(at, Role.UPLOADER)
    client = as_(admin)
    page = f"{PEOPLE}{person.pk}/"
    assert "Make an engineer" in client.get(page).content.decode()
    assert client.post(f"{page}appoint-engineer/").status_code == 302
    assert "End the role of engineer" in client.get(page).content.decode()
    assert "Engineer</span>" in client.get(PEOPLE).content.decode()
    assert client.post(f"{page}dismiss-engineer/").status_code == 302
    assert "Make an engineer" in client.get(page).content.decode()
    assert "Make an engineer" not in client.get(f"{PEOPLE}{admin.pk}/").content.decode()
