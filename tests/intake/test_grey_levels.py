"""What decides grey levels, over all that show them: the model's input, lists, DICOMweb, served instances."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import ExplicitVRLittleEndian
from rest_framework.test import APIClient

from inference import radiographs
from studies.dicom import compose
from tests import factories_intake as files
from tests import factories_studies as make
from tests.intake import greys
from training.preprocessing import Preprocessing

#: A model that reads the board as it is: neither shrunk nor stretched.
READS = Preprocessing(size=greys.ACROSS * greys.SIDE, low=0.0, high=100.0)


def asked_for(image, reader):
    """The picture of DICOMweb."""
    api = APIClient()
    api.force_authenticate(reader)
    series = compose.series_uid(image.study.study_uid, image.sop_class_uid)
    address = f"/dicomweb/studies/{image.study.study_uid}/series/{series}/instances/{image.sop_instance_uid}/rendered"
    answer = api.get(address, headers={"accept": "image/png"})
    assert answer.status_code == 200
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def within(square, shape):
    """The picture out of the square that a model reads, without the bars beside it."""
    left, top, right, bottom = (round(fraction * READS.size) for fraction in READS.content_box(*shape))
    return square[top:bottom, left:right]


@pytest.mark.parametrize("name", greys.KINDS)
def test_all_that_show_a_radiograph_show_the_reference(name, uploader, site, tmp_path):
    kind = greys.KINDS[name]
    (file,) = files.hand_in(uploader, site, kind.content())
    assert file.status == "ACCEPTED", file.sentence
    image = file.study_image
    expected = kind.expected(tmp_path)
    listed = np.asarray(Image.open(io.BytesIO(radiographs.preview(image.radiograph))))
    shown = {"list": listed, "DICOMweb": asked_for(image, make.reader(site))}
    if kind.options:  # the instance, as another program shows it
        given = greys.TABLE if "VOILUTSequence" in kind.elements else greys.WINDOW
        content = b"".join(compose.stream(image, ExplicitVRLittleEndian).chunks)
        shown["instance"] = greys.rendered(content, tmp_path, *given, *kind.options[2:])
    shown["model"] = within(radiographs.rendition(image.radiograph, READS), expected.shape)
    wanted = dict.fromkeys(shown, greys.middles(expected))
    wanted["model"] = greys.middles(within(READS.rendition(np.rint(expected * 257).astype(np.uint16)), expected.shape))
    far = {face: np.abs(greys.middles(picture) - wanted[face]).max() for face, picture in shown.items()}
    if "PixelAspectRatio" in kind.elements:  # their ringing differs, and a model sees it stretched
        assert far.pop("model") <= 5
    assert max(far.values()) <= 1, far
    assert shown["DICOMweb"].shape == expected.shape
