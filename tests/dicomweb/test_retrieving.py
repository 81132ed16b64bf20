"""WADO-RS: instances, headers, frames and pictures in the forms that a client accepts, of what it may see."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import JPEGLSLossless
from rest_framework.test import APIClient

from bonefrac.audit.models import AuditEvent
from bonefrac.stores import FRAMES
from inference import radiographs
from studies.dicom import compose
from studies.dicomweb import multipart
from tests import factories_intake as files

MULTIPART = 'multipart/related; type="{}"'


@pytest.fixture
def client(reader):
    made = APIClient()
    made.force_authenticate(reader)
    return made


@pytest.fixture
def image(uploader, site):
    """A 12-bit image in JPEG-LS, as a PNG is kept."""
    (file,) = files.hand_in(uploader, site, files.png(files.values(16)))
    assert file.study_image.radiograph.transfer_syntax == JPEGLSLossless
    return file.study_image


def address(image, *more):
    study = image.study.study_uid
    series = compose.series_uid(study, image.sop_class_uid)
    return "/".join((f"/dicomweb/studies/{study}/series/{series}/instances/{image.sop_instance_uid}", *more))


def get(client, path, accept="*/*", **parameters):
    answer = client.get(path, parameters, headers={"Accept": accept})
    answer.body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer


def parts(answer):
    kind, _inner, boundary = multipart.boundary_of(answer["Content-Type"])
    assert kind == "multipart/related"
    return [b"".join(part.chunks) for part in multipart.parts(io.BytesIO(answer.body), boundary)]


def pixels(image):
    return radiographs.frame_of(image.radiograph).pixels


def test_an_instance_comes_as_stored_or_decoded(client, image):
    own, plain = str(JPEGLSLossless), "1.2.840.10008.1.2.1"
    for accept, syntax in (
        ("*/*", plain), (MULTIPART.format("application/dicom"), plain),  # the standard's default
        (MULTIPART.format("application/dicom") + f"; transfer-syntax={plain}", plain),
        (MULTIPART.format("application/dicom") + f"; transfer-syntax={own}", own),
        (MULTIPART.format("application/dicom") + "; transfer-syntax=*", own),
        (f'application/json, multipart/related; type="application/dicom"; transfer-syntax={plain}; q=0.4, '
         f"multipart/related; type=application/dicom; transfer-syntax={own}; q=0.5", own),
        (MULTIPART.format("application/dicom") + "; transfer-syntax=1.2.840.10008.1.2.4.50, */*; q=0.1", plain),
    ):  # fmt: skip
        served = pydicom.dcmread(io.BytesIO(parts(get(client, address(image), accept))[0]))
        assert served.file_meta.TransferSyntaxUID == syntax, accept
        assert np.array_equal(served.pixel_array, pixels(image))
    whole = get(client, address(image, ""), "application/dicom; transfer-syntax=*")
    assert int(whole["Content-Length"]) == len(whole.body)
    assert whole.body == b"".join(compose.stream(image).chunks)


def test_what_cannot_be_made_is_not_acceptable(client, image):
    jpeg = MULTIPART.format("application/dicom") + "; transfer-syntax=1.2.840.10008.1.2.4.50"
    for path, accept in (
        ((), jpeg), ((), "text/html"), (("metadata",), "application/dicom+xml"), (("frames", "1"), "image/jp2"),
        (("rendered",), "image/gif"), (("thumbnail",), "application/pdf"),
    ):  # fmt: skip
        assert get(client, address(image, *path), accept).status_code == 406, (path, accept)


def test_a_study_and_a_series_come_in_parts(client, uploader, site):
    first, second = files.dataset(), files.dataset()
    second.StudyInstanceUID = first.StudyInstanceUID
    files_of = files.hand_in(uploader, site, files.dicom(first), files.dicom(second))
    image = files_of[0].study_image
    series = address(image).rpartition("/instances")[0]
    for path in (series, series.rpartition("/series")[0] + "/"):
        found = [pydicom.dcmread(io.BytesIO(part)) for part in parts(get(client, path))]
        assert [one.InstanceNumber for one in found] == [1, 2]
        assert len(get(client, path.rstrip("/") + "/metadata").json()) == 2
        assert [Image.open(io.BytesIO(part)).format for part in parts(get(client, path.rstrip("/") + "/rendered"))] == [
            "JPEG", "JPEG",
        ]  # fmt: skip


def test_metadata_is_the_header_with_addresses_for_pixels(client, image):
    (told,) = get(client, address(image, "metadata")).json()
    whole = pydicom.dcmread(io.BytesIO(compose.instance(image)))
    uri = told["7FE00010"]["BulkDataURI"]
    del told["7FE00010"], whole.PixelData
    assert set(whole.to_json_dict()) <= set(told)
    assert told["00280010"] == {"vr": "US", "Value": [files.ROWS]}
    raw = get(client, uri.removeprefix("http://testserver"), "application/octet-stream")
    assert raw.body == pixels(image).tobytes()


def test_a_frame_comes_as_stored_or_decoded(client, image):
    any_form = MULTIPART.format("application/octet-stream") + "; transfer-syntax=*"
    stored = get(client, address(image, "frames", "1"), any_form)
    assert parts(stored) == [FRAMES.read(image.radiograph.frame)]
    assert b"Content-Type: image/jls; transfer-syntax=1.2.840.10008.1.2.4.80" in stored.body
    raw = get(client, address(image, "frames", "1", ""), MULTIPART.format("application/octet-stream"))
    assert parts(raw) == [pixels(image).tobytes()]
    assert get(client, address(image, "frames", "1"), "image/jls").body == FRAMES.read(image.radiograph.frame)
    assert parts(get(client, address(image, "frames", "1,1"), any_form)) == [parts(stored)[0]] * 2
    for frames, status in (("2", 404), ("1,2", 404), ("0", 404), ("x", 400), ("1,", 400), ("-1", 400)):
        assert get(client, address(image, "frames", frames)).status_code == status, frames


def test_spans_of_bulk_data_are_sent(client, image):
    raw, path = pixels(image).tobytes(), address(image, "bulkdata", "7FE00010")

    def span(asked):
        answer = client.get(path, headers={"Accept": "application/octet-stream", "Range": asked})
        return answer, b"".join(answer.streaming_content) if answer.streaming else answer.content

    size = len(raw)
    for asked, first, end in (("0-9", 0, 10), ("100-", 100, size), ("-7", size - 7, size), ("5-999999", 5, size)):
        answer, body = span(f"bytes={asked}")
        assert (answer.status_code, body) == (206, raw[first:end]), asked
        assert answer["Content-Range"] == f"bytes {first}-{end - 1}/{size}"
        assert int(answer["Content-Length"]) == len(body)
    assert span(f"bytes={size}-")[0].status_code == 416
    for asked in ("bytes=-", "bytes=1-2,4-5", "lines=1-2"):
        assert span(asked)[1] == raw


def test_what_a_client_has_is_not_sent_again(client, image):
    for path in ("frames/1", "bulkdata/7FE00010", "rendered", "thumbnail"):
        first = get(client, address(image, path))
        again = client.get(address(image, path), headers={"If-None-Match": first["ETag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b""), path
    other = client.get(
        address(image, "rendered"),
        {"viewport": "9,9"},
        headers={"If-None-Match": get(client, address(image, "rendered"))["ETag"]},
    )
    assert other.status_code == 200


def test_heads_come_without_bodies(client, image):
    for path in ("", "metadata", "frames/1", "rendered"):
        answer, whole = client.head(address(image, path)), get(client, address(image, path))
        assert (answer.status_code, b"".join(answer)) == (200, b""), path
        assert answer["Content-Type"].split("; boundary")[0] == whole["Content-Type"].split("; boundary")[0]
    assert client.options(address(image)).status_code == 200


def test_pictures_are_windowed_cut_and_scaled(client, image):
    shown = Image.open(io.BytesIO(get(client, address(image, "rendered"), "image/png").body))
    grey = radiographs.frame_of(image.radiograph).grey()
    assert np.abs(np.asarray(shown, int) - grey / 257).max() <= 1
    dark = get(client, address(image, "rendered"), "image/png", window="60000,10,linear")
    assert np.asarray(Image.open(io.BytesIO(dark.body))).mean() < np.asarray(shown).mean()
    small = get(client, address(image, "frames", "1", "rendered"), "image/jpeg", viewport="16,16")
    assert Image.open(io.BytesIO(small.body)).size == (16, 12)
    part = get(client, address(image, "rendered"), "image/png", viewport="10,10,0,0,20,20")
    assert np.array_equal(
        np.asarray(Image.open(io.BytesIO(part.body))),
        np.asarray(shown.crop((0, 0, 20, 20)).resize((10, 10), 1, reducing_gap=3)),
    )
    for parameters in (
        {"window": "1"},
        {"window": "1,0,linear"},
        {"viewport": "0,1"},
        {"quality": "500"},
        {"annotation": "patient"},
    ):
        assert get(client, address(image, "rendered"), **parameters).status_code == 400, parameters
    for path in (address(image, "thumbnail"), address(image).rpartition("/series")[0] + "/thumbnail/"):
        assert Image.open(io.BytesIO(get(client, path).body)).format == "JPEG"


def test_one_opening_is_recorded_once(client, reader, image):
    for path in ("", "metadata", "frames/1", "rendered"):
        assert get(client, address(image, path)).status_code == 200
    opened = AuditEvent.objects.filter(actor=reader, verb="study_opened", target_id=str(image.study_id))
    assert opened.count() == 1


def test_lost_pixels_are_nothing_not_half_an_answer(client, image):
    FRAMES.remove(image.radiograph.frame)
    for path in ("", "metadata", "frames/1", "rendered"):
        assert get(client, address(image, path)).status_code == 404, path
