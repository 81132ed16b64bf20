"""STOW-RS: every part gets its own outcome, under the UIDs that the sender knows."""

from __future__ import annotations

import io
import zipfile

import pytest
from rest_framework.test import APIClient

from bonefrac.accounts import people
from bonefrac.accounts.models import Role
from studies.models import IncomingFile, Study, StudyImage
from tests import factories_intake as files
from tests import factories_studies as make
from tests.dicomweb.conftest import judge_all
from tests.intake import table

TYPE = 'multipart/related; type="application/dicom"; boundary=edge'
ADDRESS = "/dicomweb/studies"


@pytest.fixture
def client(uploader):
    made = APIClient()
    made.credentials(HTTP_AUTHORIZATION=f"Token {people.issue_token(uploader, label='a test')}")
    return made


def body(*contents, kind="application/dicom", end=b"--\r\n"):
    parts = (f"--edge\r\nContent-Type: {kind}\r\n\r\n".encode() + content + b"\r\n" for content in contents)
    return b"".join(parts) + b"--edge" + end


def send(client, content, address=ADDRESS, content_type=TYPE, **headers):
    return client.generic("POST", address, content, content_type=content_type, headers=headers)


def reasons(answer, sequence="00081198"):
    return [item["00081197"]["Value"][0] for item in answer.json().get(sequence, {}).get("Value", [])]


def test_sound_neighbours_of_broken_parts_are_taken(client):
    sound, photo = files.dataset(), files.colour_photo()
    foreign = files.dataset(Modality="CT")
    answer = send(client, body(photo, files.dicom(sound), b"", files.dicom(foreign)))
    assert answer.status_code == 202
    assert answer["Content-Type"] == "application/dicom+json"
    (taken,) = answer.json()["00081199"]["Value"]
    assert taken["00081155"]["Value"] == [sound.SOPInstanceUID]
    assert taken["00081196"]["Value"] == [0xB000]
    assert reasons(answer) == [0x0122]
    assert reasons(answer, "0008119A") == [0xC000, 0xC000]
    assert "Only radiographs" in answer["Warning"]
    judge_all()
    image = StudyImage.objects.get()
    assert taken["00081190"]["Value"][0].endswith(image.sop_instance_uid)
    assert client.get(taken["00081190"]["Value"][0]).status_code == 200
    assert IncomingFile.objects.values("batch").distinct().count() == 1


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"", {}, 400),
        (b"--edge--", {}, 400),
        (body(b"x"), {"content_type": "application/octet-stream"}, 415),
        (body(b"x"), {"content_type": "multipart/form-data; boundary=edge"}, 415),
        (body(b"x"), {"content_type": 'multipart/related; type="application/dicom+json"; boundary=edge'}, 415),
        (body(b"x"), {"content_type": "multipart/related; type=application/dicom"}, 400),
        (body(b"x"), {"Accept": "application/dicom+xml"}, 406),
        (body(b"x"), {}, 409),
        (body(b"x", kind="text/html"), {}, 409),
    ],
)
def test_what_is_no_delivery_is_refused(client, content, headers, status):
    content = content or body(b"x")[:-5].replace(b"edge", b"other")
    answer = send(client, content, **headers)
    assert answer.status_code == (status if content.startswith(b"--edge") else 409), answer.content
    assert not Study.objects.exists()


def test_a_body_that_breaks_off_keeps_what_was_whole(client):
    answer = send(client, body(files.dicom(), files.dicom())[:-200])
    assert answer.status_code == 202
    assert len(answer.json()["00081199"]["Value"]) == 1
    assert reasons(answer, "0008119A") == [0xC000]
    assert IncomingFile.objects.get().status == "RECEIVED"


def test_only_instances_of_the_named_study_are_taken(client):
    mine, other = files.dataset(), files.dataset()
    answer = send(client, body(files.dicom(mine), files.dicom(other)), f"{ADDRESS}/{mine.StudyInstanceUID}")
    assert (answer.status_code, reasons(answer)) == (202, [0x0110])
    assert IncomingFile.objects.count() == 1


def test_one_instance_alone_needs_no_parts(client):
    sound = files.dataset()
    answer = send(client, files.dicom(sound), f"{ADDRESS}/{sound.StudyInstanceUID}", "application/dicom")
    assert answer.json()["00081199"]["Value"][0]["00081155"]["Value"] == [sound.SOPInstanceUID]
    assert send(client, b"", content_type="application/dicom").status_code == 400
    assert send(client, files.colour_photo(), content_type="application/dicom").status_code == 409
    assert IncomingFile.objects.exclude(status="REFUSED").count() == 1


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/related; type=application/dicom; boundary=edge",
        "multipart/related;boundary=edge",
        'Multipart/Related; boundary="edge"; Type="application/dicom"; start="<1>"',
    ],
)
def test_content_types_may_be_written_in_every_way(client, content_type):
    content = body(files.dicom()).replace(b"Content-Type: application/dicom\r\n", b"")
    assert send(client, content, content_type=content_type).status_code == 200


def test_too_many_within_an_hour_are_told_when_to_come_again(client, site):
    site.max_files_per_hour = 2
    site.save()
    assert send(client, body(files.dicom(), files.dicom())).status_code == 200
    answer = send(client, body(files.dicom()))
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 3600


def test_somebody_of_two_sites_names_one(client, uploader):
    other = make.site()
    people.grant(None, person=uploader, site=other, role=Role.UPLOADER)
    assert send(client, body(files.dicom())).json()["code"] == "site_missing"
    assert send(client, body(files.dicom()), f"/dicomweb/sites/{other.pk}/studies/").status_code == 200
    assert IncomingFile.objects.get().site == other


def test_limits_of_the_site_hold(client, site):
    site.max_file_megabytes, site.max_batch_files = 1, 3
    site.save()
    large = files.dicom(pixels=files.values(12, shape=(800, 800)))
    answer = send(client, body(large, *(files.dicom() for _ in range(2))))
    assert (answer.status_code, reasons(answer)) == (202, [0xA700])
    assert send(client, body(*(files.dicom() for _ in range(4)))).status_code == 413


def test_a_session_needs_its_csrf_token_and_a_bearer_none(uploader):
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(uploader, backend="bonefrac.accounts.backends.PlatformBackend")
    assert send(browser, body(files.dicom())).status_code == 403
    assert browser.get(ADDRESS).status_code == 200
    program = APIClient(enforce_csrf_checks=True)
    token = people.issue_token(uploader, label="a viewer")
    assert send(program, body(files.dicom()), Authorization=f"Bearer {token}").status_code == 200
    assert program.get(ADDRESS, headers={"Authorization": "Bearer nonsense"}).status_code == 401


def test_the_table_of_formats_over_stow(client):
    for row in (row for row in table.INSTANCES if row.is_part10):
        answer = send(client, body(row.content()))
        file = IncomingFile.objects.latest("received_at", "position")
        assert (answer.status_code == 409) is (file.status == "REFUSED"), row.format
        judge_all()
        file.refresh_from_db()
        assert (file.status, file.code) in ((row.status, row.code), ("DUPLICATE", "duplicate")), row.format
        assert row.says in file.sentence


def test_an_archive_is_no_instance(client):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.dcm", files.dicom())
    answer = send(client, body(content.getvalue()))
    assert (answer.status_code, reasons(answer, "0008119A")) == (409, [0xC000])
    assert not IncomingFile.objects.exclude(status="REFUSED").exists()
