"""A disk that fills: each face says it with 507, nothing is left half-written, and intake goes on when there is room.

The disk is a real one of a few megabytes; it is made by whoever may mount, and skipped visibly where nobody may.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from bonefrac.stores import INCOMING, PIECES
from studies import intake
from studies.intake import judging
from studies.models import IncomingFile, Study
from tests import factories_intake as files
from tests.intake.test_resumable import begin, client_of, send

MEGABYTES = 4


@pytest.fixture
def small_disk(settings, tmp_path):
    """The stores on a disk of four megabytes, of which any part may be used."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", folder], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("nobody here may mount a small disk")
    settings.STORES_ROOT, settings.MINIMUM_FREE_DISK, settings.FILE_UPLOAD_MAX_MEMORY_SIZE = folder, 0, 1000
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder, leave):
    """Leave so many bytes free on the disk; return the file that takes the rest."""
    filler = folder / "filler"
    filler.unlink(missing_ok=True)
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    filler.write_bytes(bytes(max(0, free - leave)))
    return filler


def left_in(folder):
    return [path for path in Path(folder).rglob("*") if path.is_file() and path.name != "filler"]


@pytest.fixture
def large():
    """A picture of about 900 kB."""
    return files.png(files.values(shape=(1000, 1000)))


def test_page_and_api_say_507_leave_nothing_and_go_on_after(client, uploader, site, small_disk, large):
    client.force_login(uploader, backend="bonefrac.accounts.backends.PlatformBackend")
    faces = (
        (client, reverse("studies:upload"), {"headers": {"Accept": "application/json"}}),
        (client_of(uploader), "/api/v1/uploads/", {}),
    )
    for face, address, options in faces:
        filler = fill(small_disk, 300_000)
        answer = face.post(address, {"files": [SimpleUploadedFile("large.png", large)]}, **options)
        assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (507, "disk_full", "60")
        assert "disk is nearly full" in answer.json()["message"]
        assert left_in(small_disk) == []
        assert not IncomingFile.objects.exists()
        filler.unlink()
        answer = face.post(address, {"files": [SimpleUploadedFile("large.png", large)]}, **options)
        assert (answer.status_code, answer.json()["files"][0]["status"]) == (202, "RECEIVED")
        IncomingFile.objects.all().delete()
        INCOMING.remove(left_in(small_disk)[0].name)


def test_a_neighbour_with_room_is_not_taken_in_by_halves(uploader, site, small_disk, large):
    """One request is one transaction: the small file that fitted has no row, and its bytes are swept or used again."""
    fill(small_disk, 300_000)
    small = files.png()
    sent = {"files": [SimpleUploadedFile("small.png", small), SimpleUploadedFile("large.png", large)]}
    assert client_of(uploader).post("/api/v1/uploads/", sent).status_code == 507
    assert not IncomingFile.objects.exists()
    (small_disk / "filler").unlink()
    again = {"files": [SimpleUploadedFile("small.png", small), SimpleUploadedFile("large.png", large)]}
    assert client_of(uploader).post("/api/v1/uploads/", again).status_code == 202


def test_a_file_in_pieces_keeps_what_found_room_and_goes_on(uploader, site, small_disk, large):
    api = client_of(uploader)
    address = begin(api, len(large), filename="large.png")["Location"]
    fill(small_disk, 300_000)
    answer = send(api, address, large, 0)
    assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
    (small_disk / "filler").unlink()
    told = api.get(address).json()
    done = send(api, address, large[told["received"] :], told["received"])
    assert done.status_code == 204
    assert api.get(address).json()["file"]["status"] == "RECEIVED"
    assert not list(PIECES.root.iterdir())


def test_a_worker_waits_for_room_and_blames_no_file(uploader, site, small_disk, large):
    (row,) = files.hand_in(uploader, site, ("large.png", large), judged=False)
    fill(small_disk, 100_000)
    intake.judge(row.pk)
    row.refresh_from_db()
    assert (row.status, row.deaths) == ("RECEIVED", 0)
    assert not Study.objects.exists()
    assert not list((small_disk / "frames").rglob(".incomplete-*"))
    (small_disk / "filler").unlink()
    intake.judge(row.pk)
    row.refresh_from_db()
    assert row.status == "ACCEPTED"
    assert judging.start(row.pk) is None
