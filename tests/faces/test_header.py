"""What surrounds every page: ways to go with what waits there, and times as the person's sites show them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from bonefrac.accounts import people
from bonefrac.accounts.models import Role, Site
from bonefrac.audit.models import AuditEvent
from studies import notices
from studies.models import IncomingFile, Study
from studies.states import FileStatus, NoticeKind
from tests import factories_studies as make

pytestmark = pytest.mark.django_db
MOMENT = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)


def as_(user) -> Client:
    client = Client()
    client.force_login(user, backend="bonefrac.accounts.backends.PlatformBackend")
    return client


def entry(user, name):
    """Return the text of an entry of the header as a person sees it, None where there is none."""
    page = as_(user).get(reverse("inference:models")).content.decode()
    found = re.search(rf'<a href="{reverse(name)}"[^>]*>(.*?)</a>', page)
    return re.sub(r"<[^>]+>", "", found.group(1)).strip() if found else None


def hold(at, number):
    sender = make.person(at, Role.UPLOADER)
    rows = [
        IncomingFile(
            site=at, sender=sender, batch=sender.pk, position=position, sha256="0" * 64, size_bytes=1, kind="png",
            status=FileStatus.HELD, code="other_patient", sentence="Two patients.", judged_at=timezone.now(),
        )
        for position in range(number)
    ]  # fmt: skip
    IncomingFile.objects.bulk_create(rows)


def zoned(*zones):
    """Return a lead of sites with these time zones, and a study of the last that came at ``MOMENT``."""
    lead = make.person()
    for zone in zones:
        site = make.site()
        Site.objects.filter(pk=site.pk).update(time_zone=zone)
        people.grant(None, person=lead, site=site, role=Role.LEAD)
    study = make.study(site)
    Study.objects.filter(pk=study.pk).update(received_at=MOMENT)
    return lead, study


def test_held_files_are_counted_for_leads_of_their_site_alone():
    site, elsewhere = make.site(), make.site()
    lead, stranger = make.lead(site), make.lead(elsewhere)
    assert entry(lead, "studies:held") == "Held"
    hold(site, 3)
    assert entry(lead, "studies:held") == "Held 3"
    assert entry(stranger, "studies:held") == "Held"
    assert entry(make.reader(site), "studies:held") is None
    assert entry(make.person(site, Role.ADMIN), "studies:held") is None
    hold(site, 120)
    assert entry(lead, "studies:held") == "Held 99+"


@pytest.mark.parametrize(
    ("zones", "shown", "named"),
    [
        (["Asia/Tokyo"], "2026-07-02 07:30", "Asia/Tokyo"),
        (["Europe/Berlin", "Europe/Berlin"], "2026-07-02 00:30", "Europe/Berlin"),
        (["Europe/Berlin", "Asia/Tokyo"], "2026-07-01 22:30", "UTC"),
    ],
)
def test_pages_show_times_in_the_zone_that_a_persons_sites_share(zones, shown, named):
    lead, study = zoned(*zones)
    page = as_(lead).get(reverse("studies:study", args=[study.pk])).content.decode()
    assert shown in page
    assert f"times in {named}" in page
    assert timezone.get_current_timezone_name() == "UTC"


def test_the_api_speaks_utc_to_everyone():
    lead, study = zoned("Asia/Tokyo")
    signed_in, program = as_(lead), APIClient()
    program.force_authenticate(lead)
    for client in (signed_in, program):
        assert client.get(reverse("api_study", args=[study.pk])).json()["received_at"] == "2026-07-01T22:30:00Z"


def test_what_waits_is_asked_again_while_a_page_is_open_and_records_nothing():
    site = make.site()
    lead, reader, stranger = make.lead(site), make.reader(site), make.reader(make.site())
    page = as_(lead)
    address = reverse("waiting")
    assert page.get(address).json() == {"/held/": "", "/critical/": "", "/notices/": ""}
    hold(site, 2)
    study = make.study(site)
    notices.tell([lead.pk, stranger.pk], study, kind=NoticeKind.REOPENED, sentence="It was reopened.")
    before = AuditEvent.objects.count()
    answer = page.get(address)
    assert answer.json() == {"/held/": "2", "/critical/": "", "/notices/": "1"}
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert AuditEvent.objects.count() == before
    assert as_(reader).get(address).json() == {"/critical/": "", "/notices/": ""}
    assert as_(stranger).get(address).json() == {"/critical/": "", "/notices/": ""}
    assert Client().get(address, headers={"Accept": "application/json"}).status_code == 401
