"""Signing in and out, the idle lock, demo accounts, too many attempts: by the pages that people use."""

from __future__ import annotations

import time

import pytest
from django.test import Client
from django.urls import reverse

from bonefrac.accounts import demo, people
from bonefrac.accounts.middleware import SEEN_AT
from bonefrac.accounts.models import Role, User
from bonefrac.audit.models import AuditEvent, Verb
from bonefrac.errors import Forbidden
from tests import factories_accounts as make

pytestmark = pytest.mark.django_db
SIGN_IN, TOKENS, UNLOCK = "/accounts/sign-in/", "/accounts/tokens/", "/accounts/unlock/"
AFAR = {"REMOTE_ADDR": "192.0.2.7"}


@pytest.fixture
def person():
    return make.person(make.site(), Role.AUDITOR)


@pytest.fixture
def client(person):
    client = Client()
    assert enter(client, person.username).status_code == 302
    return client


def enter(client, username, password=make.PASSWORD, **extra):
    return client.post(SIGN_IN, {"username": username, "password": password, **extra.pop("data", {})}, **extra)


def leave_alone(client, seconds):
    session = client.session
    session[SEEN_AT] = time.time() - seconds
    session.save()


def test_the_right_password_opens_and_a_wrong_one_does_not(person):
    client = Client()
    refused = enter(client, person.username, "wrong")
    assert refused.status_code == 400
    assert "do not belong together" in refused.content.decode()
    assert client.get(TOKENS).status_code == 302
    assert enter(client, person.username).status_code == 302
    assert client.get(TOKENS).status_code == 200
    verbs = list(AuditEvent.objects.filter(target_id=person.pk).order_by("id").values_list("verb", flat=True))[-2:]
    assert verbs == [Verb.SIGN_IN_FAILED, Verb.SIGNED_IN]


def test_an_unknown_name_and_a_wrong_password_look_the_same(person):
    known = enter(Client(), person.username, "wrong").content.decode().replace(person.username, "")
    unknown = enter(Client(), "nobody-here", "wrong").content.decode().replace("nobody-here", "")
    without_token = [line for line in known.splitlines() if "csrf" not in line]
    assert without_token == [line for line in unknown.splitlines() if "csrf" not in line]


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [(TOKENS, TOKENS), ("https://evil.example/", "/"), ("//evil.example", "/"), (SIGN_IN, "/"), ("", "/")],
)
def test_the_way_on_is_one_of_ours(person, wanted, reached):
    answer = enter(Client(), person.username, data={"next": wanted})
    assert answer["Location"] == reached


def test_signing_out_is_a_post_that_ends_the_session(client, person):
    assert client.get("/accounts/sign-out/").status_code == 405
    assert client.post("/accounts/sign-out/").status_code == 302
    assert client.get(TOKENS).status_code == 302
    assert AuditEvent.objects.filter(verb=Verb.SIGNED_OUT, actor=person).count() == 1


def test_forms_need_their_token(person):
    client = Client(enforce_csrf_checks=True)
    assert enter(client, person.username).status_code == 403


def test_too_many_attempts_pause_the_name_here_and_not_elsewhere(settings, person):
    settings.AXES_FAILURE_LIMIT = 3
    client = Client()
    answers = [enter(client, person.username, "wrong").status_code for _ in range(3)]
    assert answers == [400, 400, 429]
    paused = enter(client, person.username)
    assert paused.status_code == 429
    assert "paused here for 15 minutes" in paused.content.decode()
    assert enter(Client(), person.username, **AFAR).status_code == 302


def test_a_session_left_alone_is_locked_and_comes_back_where_it_was(client, person, settings):
    leave_alone(client, settings.IDLE_LOCK_SECONDS + 5)
    asked = client.get(TOKENS + "?a=1")
    assert asked["Location"] == f"{UNLOCK}?next=%2Faccounts%2Ftokens%2F%3Fa%3D1"
    assert client.get(TOKENS).status_code == 302, "asking again must not open it"
    assert client.post(UNLOCK, {"password": "wrong", "next": TOKENS}).status_code == 400
    assert client.get(TOKENS).status_code == 302
    opened = client.post(UNLOCK, {"password": make.PASSWORD, "next": TOKENS})
    assert (opened.status_code, opened["Location"]) == (302, TOKENS)
    assert client.get(TOKENS).status_code == 200
    assert AuditEvent.objects.filter(verb=Verb.SESSION_LOCKED, actor=person).count() == 1


def test_programs_and_fragments_get_401_from_a_locked_session(client, settings):
    assert client.get("/api/v1/me/").status_code == 200
    leave_alone(client, settings.IDLE_LOCK_SECONDS + 5)
    refused = client.get("/api/v1/me/")
    assert (refused.status_code, refused.json()["code"]) == (401, "locked")
    poll = client.get(TOKENS, headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/accounts/tokens/"})
    assert (poll.status_code, poll["HX-Redirect"]) == (401, f"{UNLOCK}?next=%2Faccounts%2Ftokens%2F")
    typed = client.post(TOKENS, {"label": "x"}, headers={"HX-Request": "true"})
    assert typed.status_code == 401
    assert "HX-Redirect" not in typed
    assert "what you typed is still here" in typed.content.decode()


def test_polls_of_a_page_prove_no_presence(client, settings):
    almost = settings.IDLE_LOCK_SECONDS - 60
    leave_alone(client, almost)
    assert client.get(TOKENS, headers={"X-Background": "1"}).status_code == 200
    assert time.time() - client.session[SEEN_AT] > almost - 5
    assert client.get(TOKENS).status_code == 200
    assert time.time() - client.session[SEEN_AT] < 60


def test_health_answers_from_a_locked_session(client, settings):
    leave_alone(client, settings.IDLE_LOCK_SECONDS + 5)
    assert client.get("/healthz").status_code == 200


def test_a_token_is_not_locked_and_a_false_one_opens_nothing(client, person, settings):
    token = people.issue_token(person, label="script")
    leave_alone(client, settings.IDLE_LOCK_SECONDS + 5)
    assert client.get("/api/v1/me/", headers={"Authorization": f"Token {token}"}).status_code == 200
    assert client.get("/api/v1/me/", headers={"Authorization": "Token made-up"}).status_code == 401
    assert client.get("/api/v1/me/", headers={"Authorization": "Basic eDp4"}).status_code == 401
    assert client.get(TOKENS, headers={"Authorization": f"Token {token}"}).status_code == 302


def test_deactivation_ends_sessions_for_ever(client, person):
    people.deactivate(None, person=person)
    assert client.get(TOKENS).status_code == 302
    people.reactivate(None, person=person)
    assert client.get(TOKENS).status_code == 302


def test_a_changed_password_ends_other_sessions_and_keeps_this_one(client, person):
    other = Client()
    enter(other, person.username)
    new = "a very different lake"
    form = {"present": make.PASSWORD, "password": new, "again": new}
    assert client.post("/accounts/password/", {**form, "again": "x"}).status_code == 200
    assert other.get(TOKENS).status_code == 200
    assert client.post("/accounts/password/", form).status_code == 302
    assert client.get(TOKENS).status_code == 200
    assert other.get(TOKENS).status_code == 302


def test_demo_accounts_work_on_the_machine_itself_only(settings):
    with pytest.raises(Forbidden):
        demo.seed_people()
    settings.DEMO = True
    cast = demo.seed_people()
    assert demo.seed_people() == cast
    assert User.objects.filter(is_demo=True).count() == 7
    name = cast["auditor"].username
    assert enter(Client(), name, demo.PASSWORD, **AFAR).status_code == 400
    assert enter(Client(), name, demo.PASSWORD, headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 400
    client = Client()
    assert enter(client, name, demo.PASSWORD).status_code == 302
    assert client.get(TOKENS).status_code == 200
    token = people.issue_token(cast["auditor"], label="script")
    header = {"Authorization": f"Token {token}"}
    assert Client().get("/api/v1/me/", headers=header).status_code == 200
    assert Client().get("/api/v1/me/", headers=header, **AFAR).status_code == 401
    assert client.get(TOKENS, **AFAR).status_code == 302, "a session carried elsewhere ends"
    assert enter(client, name, demo.PASSWORD).status_code == 302
    settings.DEMO = False
    assert client.get(TOKENS).status_code == 302
    assert enter(Client(), name, demo.PASSWORD).status_code == 400


def test_the_admin_pages_have_the_same_recorded_door(client):
    assert Client().get("/admin/", follow=True).redirect_chain[-1][0].startswith(reverse("accounts:sign_in"))
    assert client.get("/admin/accounts/user/").status_code == 302
