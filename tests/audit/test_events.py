"""The audit record: it cannot be changed, and an auditor sees the own sites only."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from rest_framework.test import APIClient

from bonefrac.accounts import people
from bonefrac.accounts.models import Role, User
from bonefrac.audit import events
from bonefrac.audit.models import AuditEvent, Verb
from bonefrac.audit.selectors import visible_to
from bonefrac.db import new_id, violated
from tests import factories_accounts as make

pytestmark = pytest.mark.django_db


def opened(at, actor, **data):
    return events.record(actor, Verb.STUDY_OPENED, target_type="study", target_id=new_id(), site=at, data=data)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_auditevent SET verb = 'signed_in'",
        "UPDATE audit_auditevent SET data = '{}'",
        "UPDATE audit_auditevent SET actor_id = NULL",
        "DELETE FROM audit_auditevent",
    ],
)
def test_raw_sql_cannot_change_a_row(statement):
    event = opened(make.site(), None, page=1)
    with pytest.raises(IntegrityError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert violated(refusal.value) == "audit_auditevent_append_only"
    event.refresh_from_db()
    assert (event.verb, event.data) == (Verb.STUDY_OPENED, {"page": 1})


def test_erasing_does_not_reach_the_record():
    opened(make.site(), None)
    statements = "SET LOCAL bonefrac.erasing = 'on'; UPDATE audit_auditevent SET target_id = ''"
    with pytest.raises(IntegrityError) as refusal, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statements)
    assert violated(refusal.value) == "audit_auditevent_append_only"


def test_an_unknown_verb_is_refused():
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        AuditEvent.objects.create(verb="dreamt", target_type="study", target_id="1")
    assert violated(refusal.value) == "audit_verb"


def test_an_event_dies_with_its_transaction():
    at = make.site()
    with transaction.atomic():
        event = opened(at, None)
        transaction.set_rollback(True)
    assert not AuditEvent.objects.filter(pk=event.pk).exists()


def test_an_auditor_sees_the_own_sites_and_their_people_only():
    at, elsewhere = make.site(), make.site()
    auditor, reader, stranger = make.person(at, Role.AUDITOR), make.person(at, Role.LEAD), make.person(
        elsewhere, Role.LEAD
    )  # fmt: skip
    mine, theirs = opened(at, reader), opened(elsewhere, stranger)
    entered = events.record(reader, Verb.SIGNED_IN, target_type="user", target_id=reader.pk)
    failed = events.record(None, Verb.SIGN_IN_FAILED, target_type="user", target_id=reader.pk)
    foreign = events.record(stranger, Verb.SIGNED_IN, target_type="user", target_id=stranger.pk)
    promoted = events.record(None, Verb.MODEL_PROMOTED, target_type="model_version", target_id=new_id())
    stray = events.record(reader, Verb.STUDY_OPENED, target_type="study", target_id=new_id())
    seen = set(visible_to(auditor).values_list("pk", flat=True))
    assert {mine.pk, entered.pk, failed.pk, promoted.pk} <= seen
    assert seen.isdisjoint({theirs.pk, foreign.pk, stray.pk})
    assert set(visible_to(stranger)) - set(visible_to(auditor)) == set()


def test_the_page_filters_and_is_refused_to_others():
    at = make.site()
    auditor, reader, engineer = make.person(at, Role.AUDITOR), make.person(at, Role.LEAD), User.objects.create_user(
        "engineer", display_name="E", is_engineer=True
    )  # fmt: skip
    event = opened(at, reader)
    client = Client()
    client.force_login(auditor)
    text = client.get("/audit/", {"verb": "study_opened", "username": reader.username}).content.decode()
    assert event.target_id in text
    assert event.target_id not in client.get("/audit/", {"verb": "site_made"}).content.decode()
    assert event.target_id not in client.get("/audit/", {"username": auditor.username}).content.decode()
    assert event.target_id in client.get("/audit/", {"target_id": event.target_id}).content.decode()
    assert client.get("/audit/", {"verb": "dreamt"}).status_code == 400
    assert client.post("/audit/").status_code == 405
    for refused in (reader, engineer):
        other = Client()
        other.force_login(refused)
        assert other.get("/audit/").status_code == 403


def test_pages_go_on_where_the_last_ended_without_counting(django_assert_max_num_queries):
    at = make.site()
    auditor = make.person(at, Role.AUDITOR)
    for number in range(60):
        opened(at, None, number=number)
    client = APIClient()
    client.force_authenticate(auditor)
    with django_assert_max_num_queries(6) as seen:
        first = client.get("/api/v1/audit-events/", {"verb": "study_opened"}).json()
    assert not any("COUNT(" in query["sql"] or "OFFSET" in query["sql"] for query in seen.captured_queries)
    second = client.get("/api/v1/audit-events/", {"verb": "study_opened", "cursor": first["next"]}).json()
    numbers = [row["data"]["number"] for row in first["results"] + second["results"]]
    assert sorted(numbers) == list(range(60))
    client.force_authenticate(make.person(at, Role.UPLOADER))
    assert client.get("/api/v1/audit-events/").status_code == 403


def test_the_admin_pages_show_and_change_nothing():
    at = make.site()
    owner = User.objects.create_superuser("owner", password=make.PASSWORD, display_name="Owner")
    person = people.invite(None, site=at, username="seen", display_name="S", roles=[Role.LEAD]).person
    event = opened(at, person)
    client = Client()
    client.force_login(owner)
    for address, row in (("accounts/user", person.pk), ("audit/auditevent", event.pk), ("accounts/site", at.pk)):
        assert client.get(f"/admin/{address}/").status_code == 200
        assert client.get(f"/admin/{address}/{row}/change/").status_code == 200
        assert client.post(f"/admin/{address}/{row}/change/", {"name": "x"}).status_code == 403
        assert client.post(f"/admin/{address}/{row}/delete/", {"post": "yes"}).status_code == 403
        assert client.get(f"/admin/{address}/add/").status_code == 403
    assert person.password not in client.get(f"/admin/accounts/user/{person.pk}/change/").content.decode()
