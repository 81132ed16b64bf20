"""Where bytes of a request lie while it is read, and requests that hold too much."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from rest_framework.test import APIClient

from bonefrac.accounts.models import Role
from bonefrac.spooling import SpooledFile
from studies.models import IncomingFile
from tests import factories_intake as files
from tests import factories_studies as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def site():
    return make.site()


@pytest.fixture
def person(site):
    return make.person(site, Role.UPLOADER)


def parsed(settings, tmp_path, person, content, **session):
    settings.STORES_ROOT, settings.FILE_UPLOAD_MAX_MEMORY_SIZE = tmp_path / "stores", 10
    request = RequestFactory().post("/upload/", {"files": [SimpleUploadedFile("a.png", content)]})
    request.session, request.user = session, person
    return request.FILES.getlist("files")


def test_a_spooled_file_has_no_name_on_the_disk(settings, tmp_path, person):
    content = os.urandom(300_000)
    (file,) = parsed(settings, tmp_path, person, content)
    assert isinstance(file, SpooledFile)
    assert b"".join(file.chunks()) == b"".join(file.chunks()) == content
    spool = tmp_path / "stores" / "spool"
    assert spool.stat().st_mode & 0o777 == 0o700
    assert list(Path(spool).iterdir()) == []


def test_nothing_is_kept_of_what_nobody_signed_in_sends(settings, tmp_path):
    from django.contrib.auth.models import AnonymousUser

    assert parsed(settings, tmp_path, AnonymousUser(), b"x" * 1000) == []
    assert not (tmp_path / "stores").exists()
    assert len(parsed(settings, tmp_path, AnonymousUser(), b"x" * 1000, _auth_user_id="somebody")) == 1


def test_a_request_with_too_many_files_is_refused_in_a_sentence_on_each_face(settings, person):
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    api, page = APIClient(), Client(enforce_csrf_checks=False)
    api.force_authenticate(person)
    page.force_login(person, backend="bonefrac.accounts.backends.PlatformBackend")
    asked = (
        lambda sent: api.post("/api/v1/uploads/", sent),
        lambda sent: page.post("/upload/", sent, headers={"Accept": "application/json"}),
    )
    for ask in asked:
        answer = ask({"files": [SimpleUploadedFile("a.png", files.png()) for _ in range(3)]})
        assert (answer.status_code, answer.json()["code"]) == (413, "request_too_large")
        assert "in several requests of the same batch" in answer.json()["message"]
    assert not IncomingFile.objects.exists()


def test_a_pages_script_is_told_in_json_that_nobody_is_signed_in_or_the_token_is_old(person):
    page = Client(enforce_csrf_checks=True)
    script = {"headers": {"Accept": "application/json"}}
    assert page.get("/uploads/status/", **script).json()["code"] == "not_signed_in"
    assert page.get("/uploads/status/").status_code == 302
    answer = page.post("/upload/", {}, **script)
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf")
    page.force_login(person, backend="bonefrac.accounts.backends.PlatformBackend")
    session = page.session
    session["is_locked"] = True
    session.save()
    locked = page.get("/uploads/status/", **script)
    assert (locked.status_code, locked.json()["code"]) == (401, "locked")
