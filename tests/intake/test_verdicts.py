"""What becomes of every kind of file: format by format, over the page and the API, each beside a sound neighbour."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from rest_framework.test import APIClient

from bonefrac.stores import INCOMING
from studies import intake
from studies.models import IncomingFile, Study
from tests import factories_intake as files
from tests.intake.table import ACCEPTED, ARCHIVES, ROWS


def sent(name, content):
    return SimpleUploadedFile(name, content)


def by_page(client, uploader, uploads):
    client.force_login(uploader, backend="bonefrac.accounts.backends.PlatformBackend")
    return client.post(reverse("studies:upload"), {"files": uploads}, headers={"accept": "application/json"})


def by_api(_client, uploader, uploads):
    api = APIClient()
    api.force_authenticate(uploader)
    return api.post("/api/v1/uploads/", {"files": uploads})


@pytest.mark.parametrize("face", [by_page, by_api])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.format)
def test_every_format_has_its_verdict_over_page_and_api(row, face, client, uploader):
    answer = face(client, uploader, [sent(row.name, row.content()), sent("neighbour.png", files.png())])
    assert answer.status_code == 202
    first, second = (entry["id"] for entry in answer.json()["files"])
    for key in (first, second):
        intake.judge(key)
    file = IncomingFile.objects.get(pk=first)
    assert (file.status, file.code) == (row.status, row.code)
    assert row.says in file.sentence
    assert IncomingFile.objects.get(pk=second).status == "ACCEPTED"
    left = [path for path in INCOMING.root.rglob("*") if path.is_file()]
    if row.status == "REFUSED":
        assert left == []
        assert file.sentence.startswith("It was not accepted: ")
        assert "The other files are not affected." in file.sentence
        assert file.study is None
        assert Study.objects.count() == 1
    elif row not in ARCHIVES:
        assert file.study_image.radiograph.renditions.exists()


@pytest.mark.parametrize("tenth", range(1, 10))
@pytest.mark.parametrize("kind", ["jpeg", "png", "dicom"])
def test_refuses_what_is_cut_anywhere(kind, tenth, uploader, site):
    content = ACCEPTED[kind]()
    (file,) = files.hand_in(uploader, site, content[: len(content) * tenth // 10])
    assert file.status == "REFUSED"
    assert file.code in ("truncated", "damaged", "not_an_image", "no_pixels")


def test_a_file_over_the_limit_is_refused_and_its_neighbour_taken(uploader, site, settings):
    settings.UPLOAD_FILE_BYTES = 20_000
    large, small = files.hand_in(uploader, site, files.png(files.values(16, shape=(200, 200))), files.png())
    assert (large.status, large.code, small.status) == ("REFUSED", "too_large", "ACCEPTED")
