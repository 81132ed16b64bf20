"""The verbs about people, sites and roles: what they do, whom they refuse, what they record."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from django.db import connection

from bonefrac.accounts import people
from bonefrac.accounts.links import make_link
from bonefrac.accounts.models import AccessToken, Membership, ReadingMode, Role, Site, User
from bonefrac.accounts.people import SiteTerms, fingerprint, terms_of
from bonefrac.accounts.roles import holds, is_engineer, roles_of, sites_with
from bonefrac.audit.events import history_of
from bonefrac.audit.models import AuditEvent, Verb
from bonefrac.errors import Conflict, Forbidden, Invalid
from tests import factories_accounts as make

pytestmark = pytest.mark.django_db


def test_only_an_administrator_makes_a_site_and_becomes_its_own():
    at = make.site()
    admin, reader = make.person(at, Role.ADMIN), make.person(at, Role.RADIOLOGIST)
    terms = SiteTerms(name="New", reading_mode=ReadingMode.BLIND_FIRST)
    with pytest.raises(Forbidden):
        people.make_site(reader, terms=terms)
    made = people.make_site(admin, terms=terms)
    assert roles_of(admin, made) == {Role.ADMIN}
    assert AuditEvent.objects.filter(verb=Verb.SITE_MADE, site=made, actor=admin).count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("readings_required", 4),
        ("readings_required", 0),
        ("wait_ceiling_minutes", 4),
        ("time_zone", "Mars"),
        ("reading_mode", ""),
    ],
)
def test_a_site_out_of_bounds_is_refused_with_its_field(field, value):
    good = SiteTerms(name="Bounds", reading_mode=ReadingMode.ASSISTED)
    with pytest.raises(Invalid) as refusal:
        people.make_site(None, terms=replace(good, **{field: value}))
    assert set(refusal.value.fields) == {field}
    assert people.make_site(None, terms=good).name == "Bounds"


def test_a_taken_site_name_is_refused():
    at = make.site()
    with pytest.raises(Invalid) as refusal:
        people.make_site(None, terms=terms_of(at))
    assert "name" in refusal.value.fields


def test_a_stale_change_of_a_site_is_a_conflict_and_changes_nothing():
    at = make.site()
    admin, other = make.person(at, Role.ADMIN), make.person(at, Role.AUDITOR)
    seen = fingerprint(at)
    first = replace(terms_of(at), readings_required=2)
    with pytest.raises(Forbidden):
        people.change_site(other, site=at, terms=first, expected=seen)
    people.change_site(admin, site=at, terms=first, expected=seen)
    with pytest.raises(Conflict) as refusal:
        people.change_site(admin, site=at, terms=replace(first, readings_required=3), expected=seen)
    assert refusal.value.code == "stale"
    at.refresh_from_db()
    assert at.readings_required == 2
    assert [event.data["changed"] for event in history_of("site", at.pk) if event.verb == Verb.SITE_CHANGED] == [
        ["readings_required"]
    ]


def test_an_invitation_works_once_and_only_with_a_decent_password():
    at = make.site()
    link = make.invited(at, Role.RADIOLOGIST)
    with pytest.raises(Invalid) as weak:
        people.accept_invitation(**make.query_of(link), password="short")
    assert "password" in weak.value.fields
    person = people.accept_invitation(**make.query_of(link), password=make.PASSWORD)
    assert person.check_password(make.PASSWORD)
    with pytest.raises(Invalid) as spent:
        people.accept_invitation(**make.query_of(link), password="another quiet lake 1")
    assert spent.value.code == "link_spent"


def test_an_invitation_expires(settings):
    link = make.invited(make.site(), Role.UPLOADER)
    settings.PASSWORD_RESET_TIMEOUT = -1
    with pytest.raises(Invalid):
        people.accept_invitation(**make.query_of(link), password=make.PASSWORD)
    settings.PASSWORD_RESET_TIMEOUT = 3600
    people.accept_invitation(**make.query_of(link), password=make.PASSWORD)


@pytest.mark.parametrize("damage", [{"who": "nobody"}, {"token": "x-y"}, {"token": ""}])
def test_a_damaged_link_is_refused(damage):
    link = make.invited(make.site(), Role.UPLOADER)
    with pytest.raises(Invalid):
        people.accept_invitation(**{**make.query_of(link), **damage}, password=make.PASSWORD)


def test_only_an_administrator_of_the_site_invites():
    at, elsewhere = make.site(), make.site()
    admin, stranger, lead = make.person(at, Role.ADMIN), make.person(elsewhere, Role.ADMIN), make.person(at, Role.LEAD)
    asked = {"site": at, "username": "fresh", "display_name": "Fresh", "roles": [Role.LEAD, Role.LEAD]}
    for refused in (stranger, lead):
        with pytest.raises(Forbidden):
            people.invite(refused, **asked)
    person = people.invite(admin, **asked).person
    assert roles_of(person, at) == {Role.LEAD}
    assert roles_of(person, elsewhere) == frozenset()
    with pytest.raises(Invalid) as taken:
        people.invite(admin, **asked)
    assert "username" in taken.value.fields
    with pytest.raises(Invalid):
        people.invite(admin, **{**asked, "username": "other", "roles": []})
    assert not User.objects.filter(username="other").exists()


def test_audit_rows_of_people_hold_no_names():
    person = make.person(make.site(), Role.LEAD)
    for event in history_of("user", person.pk):
        assert person.username not in str(event.data)
        assert person.display_name not in str(event.data)


def test_roles_are_granted_once_and_revoked_once():
    at = make.site()
    admin, person = make.person(at, Role.ADMIN), make.person(at, Role.UPLOADER)
    people.grant(admin, person=person, site=at, role=Role.LEAD)
    with pytest.raises(Conflict):
        people.grant(admin, person=person, site=at, role=Role.LEAD)
    with pytest.raises(Forbidden):
        people.grant(person, person=person, site=at, role=Role.ADMIN)
    with pytest.raises(Forbidden):
        people.revoke(person, person=person, site=at, role=Role.LEAD)
    people.revoke(admin, person=person, site=at, role=Role.LEAD)
    with pytest.raises(Conflict):
        people.revoke(admin, person=person, site=at, role=Role.LEAD)
    assert roles_of(person, at) == {Role.UPLOADER}
    verbs = [event.verb for event in history_of("user", person.pk)][-2:]
    assert verbs == [Verb.ROLE_GRANTED, Verb.ROLE_REVOKED]


def test_somebody_of_another_site_is_found_by_the_exact_username_only():
    at, elsewhere = make.site(), make.site()
    admin, known = make.person(at, Role.ADMIN), make.person(elsewhere, Role.RADIOLOGIST)
    for wrong in (known.username[:-1], known.username.upper(), known.display_name, ""):
        with pytest.raises(Invalid) as refusal:
            people.grant_by_username(admin, username=wrong, site=at, role=Role.RADIOLOGIST)
        assert refusal.value.code == "unknown_person"
    people.grant_by_username(admin, username=known.username, site=at, role=Role.RADIOLOGIST)
    assert holds(known, at, Role.RADIOLOGIST)


def test_the_last_administrator_stays():
    at = make.site()
    admin = make.person(at, Role.ADMIN)
    with pytest.raises(Conflict) as refusal:
        people.revoke(admin, person=admin, site=at, role=Role.ADMIN)
    assert refusal.value.code == "last_admin"
    with pytest.raises(Conflict):
        people.deactivate(None, person=admin)
    other = make.person(at, Role.ADMIN)
    people.deactivate(admin, person=other)
    with pytest.raises(Conflict):
        people.revoke(admin, person=admin, site=at, role=Role.ADMIN)
    people.reactivate(admin, person=other)
    people.revoke(admin, person=admin, site=at, role=Role.ADMIN)
    assert not holds(admin, at, Role.ADMIN)


@pytest.mark.django_db(transaction=True)
def test_two_administrators_cannot_remove_each_other_at_once():
    at = make.site()
    one, two = make.person(at, Role.ADMIN), make.person(at, Role.ADMIN)
    start, outcomes = threading.Barrier(2), []

    def remove(actor, person):
        start.wait()
        try:
            people.revoke(actor, person=person, site=at, role=Role.ADMIN)
            outcomes.append("gone")
        except (Conflict, Forbidden):
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=pair) for pair in ((one, two), (two, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["gone", "refused"]
    assert Membership.objects.filter(site=at, role=Role.ADMIN).count() == 1


def test_deactivation_ends_tokens_and_roles_and_is_nobodys_own():
    at = make.site()
    admin, person = make.person(at, Role.ADMIN), make.person(at, Role.RADIOLOGIST)
    people.issue_token(person, label="script")
    with pytest.raises(Forbidden) as own:
        people.deactivate(admin, person=admin)
    assert own.value.code == "yourself"
    people.deactivate(admin, person=person)
    person.refresh_from_db()
    assert roles_of(person, at) == frozenset()
    assert not sites_with(person, *Role).exists()
    assert not AccessToken.objects.filter(user=person, revoked_at=None).exists()
    with pytest.raises(Conflict):
        people.deactivate(admin, person=person)
    with pytest.raises(Conflict):
        people.issue_password_reset(admin, person=person)
    link = people.reactivate(admin, person=person)
    people.accept_invitation(**make.query_of(link), password=make.PASSWORD)
    person.refresh_from_db()
    assert roles_of(person, at) == {Role.RADIOLOGIST}


@pytest.mark.parametrize("verb", [people.deactivate, people.issue_password_reset, people.reactivate])
def test_nobody_takes_over_an_account_that_reaches_beyond_the_own_sites(verb):
    at, elsewhere = make.site(), make.site()
    admin, shared = make.person(at, Role.ADMIN), make.person(elsewhere, Role.LEAD)
    people.grant_by_username(admin, username=shared.username, site=at, role=Role.LEAD)
    with pytest.raises(Forbidden) as refusal:
        verb(admin, person=shared)
    assert refusal.value.code == "beyond_your_sites"


def test_nobody_resets_the_password_of_an_engineer_or_the_platforms_owner():
    at = make.site()
    admin, person = make.person(at, Role.ADMIN), make.person(at, Role.UPLOADER)
    people.issue_password_reset(admin, person=person)
    people.appoint_engineer(None, person=person)
    person.refresh_from_db()
    assert is_engineer(person)
    with pytest.raises(Forbidden):
        people.issue_password_reset(admin, person=person)


def test_a_reset_ends_tokens_and_the_old_password():
    at = make.site()
    admin, person = make.person(at, Role.ADMIN), make.person(at, Role.UPLOADER)
    people.issue_token(person, label="script")
    link = people.issue_password_reset(admin, person=person)
    people.accept_invitation(**make.query_of(link), password="a very different lake")
    person.refresh_from_db()
    assert not person.check_password(make.PASSWORD)
    assert not AccessToken.objects.filter(user=person, revoked_at=None).exists()


def test_a_new_link_is_worth_nothing_after_the_password_changed():
    person = make.person(make.site(), Role.UPLOADER)
    link = make_link(person)
    with pytest.raises(Invalid):
        people.change_own_password(person, present="wrong", password="a very different lake")
    people.change_own_password(person, present=make.PASSWORD, password="a very different lake")
    with pytest.raises(Invalid):
        people.accept_invitation(**make.query_of(link), password=make.PASSWORD)


def test_tokens_are_kept_as_hashes_and_revoked_by_their_owner_once():
    at = make.site()
    person, other = make.person(at, Role.UPLOADER), make.person(at, Role.UPLOADER)
    token = people.issue_token(person, label="script")
    held = AccessToken.objects.get(user=person)
    assert token not in held.digest
    with pytest.raises(Invalid):
        people.issue_token(person, label=" ")
    with pytest.raises(Forbidden):
        people.revoke_token(other, token=held)
    people.revoke_token(person, token=held)
    with pytest.raises(Conflict):
        people.revoke_token(person, token=held)


def test_a_superuser_holds_no_role():
    at = make.site()
    owner = User.objects.create_superuser("owner", password=make.PASSWORD, display_name="Owner")
    assert roles_of(owner, at) == frozenset()
    with pytest.raises(Forbidden):
        people.invite(owner, site=at, username="x", display_name="X", roles=[Role.LEAD])
    assert Site.objects.filter(pk=at.pk).exists()


def test_administrators_appoint_engineers_among_their_own_people_and_not_themselves():
    at = make.site()
    admin, person, stranger = (
        make.person(at, Role.ADMIN),
        make.person(at, Role.LEAD),
        make.person(make.site(), Role.LEAD),
    )
    lead = make.person(at, Role.LEAD)
    for actor, other in ((lead, person), (admin, stranger), (admin, admin)):
        with pytest.raises(Forbidden):
            people.appoint_engineer(actor, person=other)
    people.appoint_engineer(admin, person=person)
    person.refresh_from_db()
    assert is_engineer(person)
    assert roles_of(person, at) == {Role.LEAD}
    people.dismiss_engineer(admin, person=person)
    person.refresh_from_db()
    assert not is_engineer(person)
    verbs = AuditEvent.objects.filter(target_id=person.pk, actor=admin).values_list("verb", "data__role")
    assert {(Verb.ROLE_GRANTED, "engineer"), (Verb.ROLE_REVOKED, "engineer")} <= set(verbs)
