"""What leads and administrators see at a glance of the front door, and nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from bonefrac.accounts.models import Role
from studies.dimse import devices
from studies.intake import Details
from studies.models import IncomingFile
from studies.selectors.front_door import front_door
from tests import factories_intake as files
from tests import factories_studies as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def site():
    return make.site()


@pytest.fixture
def uploader(site):
    return make.person(site, Role.UPLOADER)


def test_who_looks_after_a_site_sees_what_is_held_and_refused_there(site, uploader, client):
    lead, admin, stranger = make.lead(site), make.person(site, Role.ADMIN), make.lead(make.site())
    assert front_door(lead).is_quiet
    picture = files.png()
    for code in ("A", "B"):
        files.hand_in(uploader, site, picture, details=Details(patient_code=code))
    files.hand_in(uploader, site, b"no picture", b"none either")
    for person, decides in ((lead, True), (admin, False)):
        seen = front_door(person)
        assert (seen.held.number, seen.held.is_overdue, seen.may_decide, seen.refused) == ("1", False, decides, "2")
    assert front_door(stranger).is_quiet
    assert front_door(uploader) is None
    assert front_door(make.reader(site)) is None
    IncomingFile.objects.update(received_at=timezone.now() - timedelta(minutes=site.wait_ceiling_minutes + 1))
    assert front_door(lead).held.is_overdue
    client.force_login(lead, backend="bonefrac.accounts.backends.PlatformBackend")
    page = client.get("/").content.decode()
    assert "the oldest for" in page
    assert 'href="/held/"' in page


def test_files_that_wait_for_a_worker_are_an_alarm(site, uploader):
    admin = make.person(site, Role.ADMIN)
    files.hand_in(uploader, site, files.png(), judged=False)
    assert front_door(admin).waiting is None
    IncomingFile.objects.update(received_at=timezone.now() - timedelta(minutes=6))
    assert (front_door(admin).waiting.number, front_door(admin).waiting.is_overdue) == ("1", True)


def test_a_device_that_stored_and_fell_silent_is_named_to_administrators(site, uploader):
    admin = make.person(site, Role.ADMIN)
    device = devices.add(None, site=site, person=uploader, terms=devices.Terms("ROOM2", label="CR in room 2"))
    assert not front_door(admin).silent
    files.hand_in(uploader, site, files.png())
    assert not front_door(admin).silent
    IncomingFile.objects.update(received_at=timezone.now() - timedelta(days=2))
    assert front_door(admin).silent == (device,)
    assert not front_door(make.lead(site)).silent
    devices.deactivate(None, device=device)
    assert not front_door(admin).silent
