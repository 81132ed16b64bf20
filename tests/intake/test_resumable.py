"""Uploads in pieces: they go on after whatever interrupted, become one file with the right bytes, and are swept."""

from __future__ import annotations

import base64
import hashlib
import io
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from bonefrac.accounts import people
from bonefrac.accounts.models import Role
from bonefrac.errors import Conflict
from bonefrac.stores import INCOMING, PIECES
from studies import intake
from studies.intake import Details, resumable
from studies.intake.resumable import Announced
from studies.models import IncomingFile, ResumableUpload, Study
from tests import factories_intake as files
from tests import factories_studies as make

ADDRESS = "/api/v1/uploads/resumable/"
TUS = {"Tus-Resumable": "1.0.0"}
EXTENSIONS = "creation,creation-with-upload,termination,expiration,checksum"
PIECE = "application/offset+octet-stream"


@pytest.fixture
def api(uploader):
    return client_of(uploader)


def client_of(person):
    client = APIClient()
    client.force_authenticate(person)
    return client


def metadata(**pairs):
    return ",".join(f"{key} {base64.b64encode(str(value).encode()).decode()}" for key, value in pairs.items())


def begin(api, length, **pairs):
    return api.post(ADDRESS, headers={**TUS, "Upload-Length": str(length), "Upload-Metadata": metadata(**pairs)})


def send(api, address, piece, offset, **headers):
    told = {**TUS, "Upload-Offset": str(offset), **headers}
    return api.generic("PATCH", address, piece, content_type=PIECE, headers=told)


def test_a_file_in_pieces_is_one_file_with_its_details(api, site):
    content = files.png()
    begun = begin(api, len(content), filename="wrist ä.png", question="fell", age_months=90, body_part="hand")
    address = begun["Location"]
    assert (begun.status_code, begun["Upload-Offset"], begun["Tus-Resumable"]) == (201, "0", "1.0.0")
    first = send(api, address, content[:1000], 0)
    assert (first.status_code, first["Upload-Offset"]) == (204, "1000")
    assert api.head(address, headers=TUS)["Upload-Offset"] == "1000"
    last = send(api, address, content[1000:], 1000)
    told = api.get(address).json()
    assert (last["Upload-File"], told["received"]) == (told["file"]["id"], len(content))
    assert told["file"]["name"] == "wrist ä.png"
    file = IncomingFile.objects.get()
    assert (file.sha256, file.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert not list(PIECES.root.iterdir())
    assert ResumableUpload.objects.get().sealed is None
    intake.judge(file.pk)
    study = Study.objects.get()
    assert (study.question, study.age_months, study.body_part) == ("fell", 90, "hand")
    assert send(api, address, b"", len(content)).status_code == 204
    assert IncomingFile.objects.count() == 1


def test_what_is_sent_for_another_position_is_refused_and_changes_nothing(api):
    content = files.png()
    address = begin(api, len(content))["Location"]
    send(api, address, content[:500], 0)
    for offset in (0, 499, 501):
        answer = send(api, address, content[offset:], offset)
        assert (answer.status_code, answer.json()["code"]) == (409, "offset")
    beyond = send(api, address, content[500:] + b"more", 500)
    assert beyond.status_code == 413
    assert api.head(address, headers=TUS)["Upload-Offset"] == "500"
    send(api, address, content[500:], 500)
    assert IncomingFile.objects.get().sha256 == hashlib.sha256(content).hexdigest()


class Broken(io.BytesIO):
    """A connection that breaks after what it holds."""

    def read(self, size=-1):
        return super().read(size) or self._break()

    def _break(self):
        raise ConnectionResetError


def test_a_broken_connection_keeps_what_arrived(uploader, site):
    content = files.png()
    upload = resumable.begin(uploader, site=site, announced=Announced("a.png", len(content), Details()))
    broken = resumable.go_on(uploader, upload.pk, offset=0, source=Broken(content[:700]), announced=len(content))
    assert (broken.received, broken.file) == (700, None)
    rest = io.BytesIO(content[700:])
    done = resumable.go_on(uploader, upload.pk, offset=700, source=rest, announced=len(content) - 700)
    assert INCOMING.read(done.file.sha256) == content


def test_bytes_that_were_written_but_never_settled_do_not_count(uploader, site):
    """A process that was killed leaves more bytes than it counted: they are cut off before the next ones."""
    content = files.png()
    upload = resumable.begin(uploader, site=site, announced=Announced("a.png", len(content), Details()))
    resumable.go_on(uploader, upload.pk, offset=0, source=io.BytesIO(content[:300]), announced=300)
    with PIECES.path(upload.pk).open("ab") as handle:
        handle.write(b"torn" * 50_000)
    rest = io.BytesIO(content[300:])
    done = resumable.go_on(uploader, upload.pk, offset=300, source=rest, announced=len(content) - 300)
    assert done.file.sha256 == hashlib.sha256(content).hexdigest()


def test_who_goes_on_takes_over_from_a_connection_that_is_dead(uploader, site):
    content = files.png()
    upload = resumable.begin(uploader, site=site, announced=Announced("a.png", len(content), Details()))

    class Overtaken(io.BytesIO):
        def read(self, size=-1):
            resumable.go_on(uploader, upload.pk, offset=0, source=io.BytesIO(content[:900]), announced=900)
            self.read = super().read
            return super().read(size)

    with pytest.raises(Conflict) as refused:
        resumable.go_on(uploader, upload.pk, offset=0, source=Overtaken(b"old"), announced=3)
    assert refused.value.code == "taken_over"
    upload.refresh_from_db()
    assert upload.received == 900


def test_uploads_are_their_owners_alone(api, uploader, site):
    address = begin(api, 10)["Location"]
    for person in (make.person(site, Role.UPLOADER), make.lead(site), make.person(make.site(), Role.UPLOADER)):
        other = client_of(person)
        assert other.head(address, headers=TUS).status_code == 404
        assert other.get(address).status_code == 404
        assert send(other, address, b"x", 0).status_code == 404
        assert other.delete(address, headers=TUS).status_code == 404
    people.revoke(None, person=uploader, site=site, role=Role.UPLOADER)
    assert send(api, address, b"x", 0).status_code == 404


def test_what_is_too_long_is_refused_before_any_byte(api, site, settings):
    settings.UPLOAD_FILE_BYTES = 1_000_000
    refused = begin(api, 1_000_001, filename="a.png")
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
    assert begin(api, 1_000_001, filename="a.zip").status_code == 201
    settings.UPLOAD_FILES_PER_HOUR = 1
    assert begin(api, 10).status_code == 429
    settings.UPLOAD_FILES_PER_HOUR, settings.MINIMUM_FREE_DISK = 10, 1.1
    assert begin(api, 10).status_code == 507
    assert ResumableUpload.objects.count() == 1


def test_the_protocol_is_held(api, settings):
    assert api.post(ADDRESS, headers={"Upload-Length": "3"}).status_code == 412
    assert api.post(ADDRESS, headers={**TUS, "Upload-Length": "-3"}).json()["code"] == "bad_header"
    bad = api.post(ADDRESS, headers={**TUS, "Upload-Length": "3", "Upload-Metadata": "filename §"})
    assert bad.status_code == 400
    offered = api.options(ADDRESS)
    assert (offered.status_code, offered["Tus-Extension"]) == (204, EXTENSIONS)
    assert (offered["Tus-Version"], offered["Tus-Checksum-Algorithm"]) == ("1.0.0", "sha1,sha256")
    assert int(offered["Tus-Max-Size"]) == settings.UPLOAD_BATCH_BYTES
    address = begin(api, 3)["Location"]
    assert api.patch(address, b"abc", content_type="text/plain", headers=TUS).status_code == 415
    assert api.delete(address, headers=TUS).status_code == 204
    assert api.head(address, headers=TUS).status_code == 404
    assert not list(PIECES.root.iterdir())
    empty = api.get(begin(api, 0, filename="empty.png")["Location"]).json()
    assert (empty["file"]["status"], empty["file"]["code"]) == ("REFUSED", "empty")


def test_a_whole_file_that_met_a_limit_comes_in_later_by_itself(api, uploader, site, settings):
    content = files.png()
    address = begin(api, len(content))["Location"]
    settings.UPLOAD_FILES_PER_HOUR = 1
    files.hand_in(uploader, site, files.png(), judged=False)
    answer = send(api, address, content, 0)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert IncomingFile.objects.count() == 1
    settings.UPLOAD_FILES_PER_HOUR = 10
    resumable.sweep()
    assert api.get(address).json()["file"]["status"] == "RECEIVED"


def test_what_has_no_news_for_a_day_is_swept(api, settings):
    address = begin(api, 100)["Location"]
    send(api, address, b"x" * 40, 0)
    resumable.sweep()
    assert api.head(address, headers=TUS)["Upload-Offset"] == "40"
    ResumableUpload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    intake.sweep()
    assert api.head(address, headers=TUS).status_code == 404
    assert not list(PIECES.root.iterdir())


def checksum(algorithm, content):
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"


def test_a_piece_with_a_checksum_counts_whole_or_not_at_all(api):
    content = files.png()
    address = begin(api, len(content))["Location"]
    wrong = send(api, address, content[:500], 0, **{"Upload-Checksum": checksum("sha1", b"other")})
    assert (wrong.status_code, wrong.json()["code"]) == (460, "checksum_mismatch")
    assert api.head(address, headers=TUS)["Upload-Offset"] == "0"
    for bad in ("md5 abc=", "sha256", "sha256 §", "sha256 "):
        answer = send(api, address, content[:500], 0, **{"Upload-Checksum": bad})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_header")
    first = send(api, address, content[:500], 0, **{"Upload-Checksum": checksum("sha1", content[:500])})
    assert (first.status_code, first["Upload-Offset"]) == (204, "500")
    send(api, address, content[500:], 500, **{"Upload-Checksum": checksum("sha256", content[500:])})
    assert IncomingFile.objects.get().sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("share", [0.5, 1])
def test_the_first_bytes_may_come_with_the_announcement(api, share):
    content = files.png()
    first = content[: int(len(content) * share)]
    told = {**TUS, "Upload-Length": str(len(content)), "Upload-Metadata": metadata(filename="a.png")}
    begun = api.generic("POST", ADDRESS, first, content_type=PIECE, headers=told)
    assert (begun.status_code, begun["Upload-Offset"]) == (201, str(len(first)))
    assert ("Upload-File" in begun) == (share == 1)
    if share < 1:
        send(api, begun["Location"], content[len(first) :], len(first))
    assert IncomingFile.objects.get().sha256 == hashlib.sha256(content).hexdigest()


def test_a_length_that_lies_is_found_out(api):
    content = files.png()
    address = begin(api, len(content))["Location"]
    beyond = send(api, address, content, 0, **{"Content-Length": str(len(content) + 1)})
    assert beyond.status_code == 413
    short = begin(api, 100, filename="short.png")["Location"]
    assert send(api, short, content, 0).status_code == 413
    assert api.head(short, headers=TUS)["Upload-Offset"] == "0"
    for length in ("1e3", "-1", "9" * 20, "", "٣"):
        begun = api.post(ADDRESS, headers={**TUS, "Upload-Length": length.encode().decode("latin-1")})
        assert begun.status_code == 400
