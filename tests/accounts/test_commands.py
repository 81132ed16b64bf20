"""The commands that the owner of the machine types."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from bonefrac.accounts.models import Role, Site, User
from bonefrac.accounts.roles import roles_of
from tests import factories_accounts as make

pytestmark = pytest.mark.django_db


def typed(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_issue_token_prints_a_token_that_works_at_once_and_nothing_else():
    person = make.person(make.site(), Role.UPLOADER)
    printed = typed("issue_token", person.username)
    assert printed.count("\n") == 1
    answer = Client().get("/api/v1/me/", headers={"Authorization": f"Token {printed.strip()}"})
    assert answer.json()["username"] == person.username
    with pytest.raises(CommandError, match="nobody"):
        typed("issue_token", "nobody")


def test_make_admin_starts_an_empty_platform():
    with pytest.raises(CommandError, match="reading mode"):
        typed("make_admin", "first", "--site", "Start")
    assert not User.objects.filter(username="first").exists()
    link = typed("make_admin", "first", "--site", "Start", "--reading-mode", "assisted", "--name", "First").strip()
    assert Client().get(link).status_code == 200
    assert roles_of(User.objects.get(username="first"), Site.objects.get(name="Start")) == {Role.ADMIN}
    typed("make_admin", "second", "--site", "Start")
    with pytest.raises(CommandError, match="already exists"):
        typed("make_admin", "second", "--site", "Start")


def test_make_engineer():
    person = make.person(make.site(), Role.UPLOADER)
    typed("make_engineer", person.username)
    person.refresh_from_db()
    assert person.is_engineer
    with pytest.raises(CommandError):
        typed("make_engineer", "nobody")
