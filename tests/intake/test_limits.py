"""What a site takes in at most: its own limits over the platform's, stated, enforced, each in one sentence."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from bonefrac.accounts import people
from bonefrac.accounts.models import Role
from bonefrac.audit.events import history_of
from bonefrac.errors import TooMuch, TooOften
from studies import intake
from studies.intake import limits
from studies.models import IncomingFile
from tests import factories_intake as files
from tests import factories_studies as make


@pytest.fixture
def narrow(site):
    """A site with limits of its own."""
    site.max_file_megabytes, site.max_batch_files, site.max_megapixels, site.max_files_per_hour = 1, 3, 1, 4
    site.save()
    return site


def test_a_site_goes_before_the_platform(site, narrow, settings):
    assert limits.of(make.site()).file_bytes == settings.UPLOAD_FILE_BYTES
    own = limits.of(narrow)
    assert (own.file_bytes, own.batch_files, own.pixels, own.files_per_hour, own.frames) == (10**6, 3, 10**6, 4, 1)


def test_a_site_never_goes_beyond_the_platform(site, settings):
    settings.UPLOAD_PIXELS, settings.ARCHIVE_NESTING = 2_000_000, 2
    site.max_megapixels, site.max_archive_nesting, site.max_archive_ratio = 400, 9, 7
    own = limits.of(site)
    assert (own.pixels, own.nesting, own.archive_ratio) == (2_000_000, 2, 7)


def test_a_file_too_large_and_a_picture_too_large_are_refused_alone(uploader, narrow):
    noise = files.values(shape=(1100, 1000), seed=3)
    handed = (files.png() + b"x" * 10**6, files.jpeg(noise, quality=10), files.png())
    rows = files.hand_in(uploader, narrow, *handed, judged=False)
    assert [row.code for row in rows] == ["too_large", "too_many_pixels", ""]
    assert "larger than the 1 MB" in rows[0].sentence


def test_a_batch_is_bounded_over_all_of_its_requests(uploader, narrow, settings):
    first = files.hand_in(uploader, narrow, files.png(), files.png(), judged=False)[0]
    with pytest.raises(TooMuch) as refused:
        files.hand_in(uploader, narrow, files.png(), files.png(), judged=False, batch=first.batch)
    assert refused.value.code == "too_many_files"
    assert "it has 2 and 2 were sent" in refused.value.sentence
    settings.UPLOAD_BATCH_BYTES = 10
    with pytest.raises(TooMuch) as refused:
        files.hand_in(uploader, narrow, files.png(), judged=False)
    assert refused.value.code == "batch_too_large"
    assert IncomingFile.objects.count() == 2


def test_a_person_waits_after_an_hours_files_and_goes_on_after(uploader, narrow):
    files.hand_in(uploader, narrow, files.png(), files.png(), files.png(), judged=False)
    files.hand_in(uploader, narrow, files.png(), judged=False)
    with pytest.raises(TooOften):
        files.hand_in(uploader, narrow, files.png(), judged=False)
    api = APIClient()
    api.force_authenticate(uploader)
    answer = api.post("/api/v1/uploads/", {"files": []})
    assert answer.status_code == 400
    answer = api.post("/api/v1/uploads/", {"files": [SimpleUploadedFile("a.png", files.png())]})
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert 3500 < int(answer["Retry-After"]) <= 3601
    files.hand_in(make.person(narrow, Role.UPLOADER), narrow, files.png(), judged=False)
    IncomingFile.objects.filter(sender=uploader).update(received_at=timezone.now() - timedelta(minutes=61))
    assert files.hand_in(uploader, narrow, files.png(), judged=False)


def test_the_upload_page_says_what_the_limits_are(client, uploader, narrow):
    client.force_login(uploader, backend="bonefrac.accounts.backends.PlatformBackend")
    page = client.get(reverse("studies:upload")).content.decode()
    assert "One upload: at most 3 files" in page
    assert "A person: at most 4 files within an hour." in page


def test_an_administrator_sets_them_on_the_sites_page(client, narrow):
    admin = make.person(narrow, Role.ADMIN)
    client.force_login(admin, backend="bonefrac.accounts.backends.PlatformBackend")
    address = reverse("accounts:site", args=[narrow.pk])
    form = client.get(address).context["form"].initial
    assert form["max_batch_files"] == 3
    sent = {name: value for name, value in form.items() if value is not None}
    assert client.post(address, {**sent, "max_batch_files": "", "max_megapixels": "30"}).status_code == 302
    narrow.refresh_from_db()
    assert (narrow.max_batch_files, narrow.max_megapixels, narrow.max_file_megabytes) == (None, 30, 1)
    assert client.post(address, {**sent, "max_batch_files": "0"}).status_code == 400
    assert people.terms_of(narrow).max_megapixels == 30
    changes = [event.data for event in history_of("site", narrow.pk)]
    assert changes[-1]["limits"] == {"max_batch_files": None, "max_megapixels": 30}
    beyond = client.post(address, {**sent, "max_archive_nesting": "11", "seen": people.fingerprint(narrow)})
    assert beyond.status_code == 400
    assert "At most 3, the platform&#x27;s own limit" in beyond.content.decode()
    assert "Expected at most 3, the platform&#x27;s own limit." in beyond.content.decode()


def test_a_sites_archives_are_bounded_by_its_own_limits(uploader, site):
    site.max_archive_nesting, site.max_archive_entries, site.max_batch_megabytes = 1, 3, 1
    site.save()
    inner = files.zipped({"a.png": files.png()})
    outer = files.zipped({"b.png": files.png(), "in.zip": inner})
    assert sorted(row.code for row in taken(uploader, site, outer)) == ["", "too_nested"]
    (many,) = taken(uploader, site, files.zipped({f"{n}.png": files.png() for n in range(4)}))
    assert many.code == "too_many_entries"
    (large,) = taken(uploader, site, files.zipped({"large.bmp": b"BM" + bytes(1_500_000), "b.png": files.png()}))
    assert large.code == "archive_too_large"


def taken(uploader, site, archive):
    """Hand an archive in, judge it and what is in it, and return their rows."""
    (row,) = files.hand_in(uploader, site, ("a.zip", archive))
    for waiting in IncomingFile.objects.filter(batch=row.batch, status="RECEIVED"):
        intake.judge(waiting.pk)
    return list(IncomingFile.objects.filter(batch=row.batch).exclude(code="archive_opened"))
