"""Devices: who may add them, what they are called, whom they stand for."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from bonefrac.accounts import people
from bonefrac.accounts.models import Role
from bonefrac.audit.events import history_of
from bonefrac.errors import Conflict, Forbidden, Invalid
from studies.dimse import devices
from studies.dimse.devices import Terms, Unrecognised
from studies.models import Device
from tests import factories_accounts as make

pytestmark = pytest.mark.django_db
PAGE = "/devices/"


@pytest.fixture
def at():
    return make.site()


@pytest.fixture
def admin(at):
    return make.person(at, Role.ADMIN)


@pytest.fixture
def sender(at):
    return make.person(at, Role.UPLOADER)


def as_(person):
    client = Client()
    client.force_login(person)
    return client


def called(device, **other):
    return devices.caller(**{"calling": device.ae_title, "called": "BONEFRAC", "address": "10.1.2.3"} | other)


def test_an_administrator_adds_deactivates_and_reactivates_and_each_is_recorded(at, admin, sender):
    device = devices.add(admin, site=at, person=sender, terms=Terms("ROOM1", address="10.1.0.0/16"))
    assert called(device) == device
    assert called(device, address="::ffff:10.1.9.9") == device
    devices.deactivate(admin, device=device)
    with pytest.raises(Unrecognised):
        called(device)
    with pytest.raises(Conflict):
        devices.deactivate(admin, device=device)
    devices.reactivate(admin, device=device)
    events = [(event.verb, event.actor_id, event.data["active"]) for event in history_of("device", device.pk)]
    assert events == [
        ("device_added", admin.pk, True), ("device_changed", admin.pk, False), ("device_changed", admin.pk, True),
    ]  # fmt: skip


def test_others_may_not(at, admin, sender):
    lead = make.person(at, Role.LEAD)
    with pytest.raises(Forbidden):
        devices.add(lead, site=at, person=sender, terms=Terms("ROOM1"))
    device = devices.add(admin, site=at, person=sender, terms=Terms("ROOM1"))
    with pytest.raises(Forbidden):
        devices.deactivate(lead, device=device)
    elsewhere = make.person(make.site(), Role.ADMIN)
    assert as_(elsewhere).post(f"{PAGE}{device.pk}/deactivate/").status_code == 404
    assert "ROOM1" not in as_(elsewhere).get(PAGE).content.decode()


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (Terms(""), "ae_title"),
        (Terms("A" * 17), "ae_title"),
        (Terms("BACK\\SLASH"), "ae_title"),
        (Terms("ÜBER"), "ae_title"),
        (Terms("TAB\tTAB"), "ae_title"),
        (Terms("ROOM1", called_ae_title="X" * 17), "called_ae_title"),
        (Terms("ROOM1", address="10.0.0"), "address"),
        (Terms("ROOM1", label="x" * 81), "label"),
    ],
)
def test_what_no_device_can_be_is_refused_with_a_sentence(at, admin, sender, terms, field):
    with pytest.raises(Invalid) as refusal:
        devices.add(admin, site=at, person=sender, terms=terms)
    assert list(refusal.value.fields) == [field]
    assert not Device.objects.exists()


def test_the_sender_is_an_uploader_of_the_site_and_stays_one(at, admin, sender):
    with pytest.raises(Invalid) as refusal:
        devices.add(admin, site=at, person=make.person(make.site(), Role.UPLOADER), terms=Terms("ROOM1"))
    assert list(refusal.value.fields) == ["person"]
    device = devices.add(admin, site=at, person=sender, terms=Terms("ROOM1"))
    people.deactivate(None, person=sender)
    with pytest.raises(Unrecognised, match="person"):
        called(device)


def test_one_active_device_has_a_name_unless_it_calls_by_another(at, admin, sender, settings):
    first = devices.add(admin, site=at, person=sender, terms=Terms("ROOM1"))
    with pytest.raises(Invalid) as refusal:
        devices.add(admin, site=at, person=sender, terms=Terms("ROOM1", called_ae_title=settings.DICOM_AE_TITLE))
    assert list(refusal.value.fields) == ["ae_title"]
    second = devices.add(admin, site=at, person=sender, terms=Terms("ROOM1", called_ae_title="BONES2"))
    assert called(first) == first
    assert called(first, called="BONES2") == second
    with pytest.raises(Unrecognised) as unknown:
        called(first, called="BONES3")
    assert unknown.value.is_called_wrong
    with pytest.raises(Unrecognised) as unknown:
        called(first, calling="ROOM2")
    assert not unknown.value.is_called_wrong
    devices.deactivate(admin, device=first)
    devices.add(admin, site=at, person=sender, terms=Terms("ROOM1"))
    with pytest.raises(Invalid):
        devices.reactivate(admin, device=first)


def test_the_page_adds_lists_and_switches(at, admin, sender):
    client = as_(admin)
    assert "ROOM" not in client.get(PAGE).content.decode()
    held = sender.memberships.get()
    given = {"ae_title": "ROOM1", "sender": str(held.pk), "address": "10.0.0.5", "label": "X-ray <1>"}
    assert client.post(PAGE, {**given, "address": "nowhere"}).status_code == 400
    assert client.post(PAGE, given).status_code == 302
    device = Device.objects.get()
    assert (device.site, device.person, device.address) == (at, sender, "10.0.0.5")
    page = client.get(PAGE).content.decode()
    assert "X-ray &lt;1&gt;" in page
    assert "may store" in page
    assert client.post(f"{PAGE}{device.pk}/deactivate/").status_code == 302
    assert "deactivated" in client.get(PAGE).content.decode()
    assert client.post(f"{PAGE}{device.pk}/reactivate/").status_code == 302
    assert Device.objects.get().is_active


def test_a_sender_of_another_site_cannot_be_chosen(admin):
    foreign = make.person(make.site(), Role.UPLOADER).memberships.get()
    assert as_(admin).post(PAGE, {"ae_title": "ROOM1", "sender": str(foreign.pk)}).status_code == 400
    assert not Device.objects.exists()


def test_the_command_adds_lists_and_deactivates(at, sender):
    def told(*arguments):
        out = io.StringIO()
        call_command("device", *arguments, stdout=out)
        return out.getvalue()

    told("add", "ROOM1", "--site", at.name, "--sender", sender.username, "--address", "10.0.0.0/8")
    assert "ROOM1 from 10.0.0.0/8" in told("list")
    told("deactivate", "ROOM1")
    assert "deactivated" in told("list")
    told("reactivate", "ROOM1")
    for wrong in (("deactivate", "ROOM2"), ("add", "R\\", "--site", at.name, "--sender", sender.username)):
        with pytest.raises(CommandError):
            told(*wrong)
