"""A served instance has no error in ``dciodvfy`` (dicom3tools) that its source had not."""

from __future__ import annotations

import io
import shutil
import subprocess

import pydicom
import pytest

from bonefrac.accounts.models import Role
from studies.dicom import compose
from studies.dimse import contexts
from tests import factories_intake as files
from tests import factories_studies as make
from tests.intake import table
from training.frames.codecs import EXPLICIT_LITTLE

pytestmark = pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy of dicom3tools is not installed")
REAL = ("CR-MONO1-10-chest", "RG3_JPLL")  # all of them in the long run
WHOLE = {
    "PatientName": "Doe^Jane", "PatientID": "A1", "PatientBirthDate": "19700101", "PatientSex": "F",
    "StudyDate": "20260101", "StudyTime": "101010", "ReferringPhysicianName": "Roe", "AccessionNumber": "7",
    "StudyID": "1", "SeriesNumber": 1, "InstanceNumber": 1, "Manufacturer": "Maker", "PatientOrientation": ["L", "F"],
    "ImageType": ["ORIGINAL", "PRIMARY"], "PixelIntensityRelationship": "LIN", "PixelIntensityRelationshipSign": 1,
    "BodyPartExamined": "HAND", "ViewPosition": "AP",
}  # fmt: skip
OF_CR = {"Modality": "CR", "Laterality": "L"}
OF_DX = {
    "Modality": "DX", "SOPClassUID": compose.DIGITAL_X_RAY, "ImageLaterality": "L", "LossyImageCompression": "00",
    "PresentationIntentType": "FOR PRESENTATION", "PresentationLUTShape": "IDENTITY", "BurnedInAnnotation": "NO",
    "RescaleSlope": 1, "RescaleIntercept": 0, "RescaleType": "US", "ImagerPixelSpacing": [0.1, 0.1],
    "WindowCenter": 2000, "WindowWidth": 4000, "DetectorType": "DIRECT", "AcquisitionContextSequence": [],
    "AnatomicRegionSequence": [], "ImageType": ["ORIGINAL", "PRIMARY", ""], "PatientOrientation": ["L", "F"],
}  # fmt: skip


def errors(content, folder, name):
    """The kinds of error that the validator sees; where and in which words is no matter."""
    path = folder / name
    path.write_bytes(content)
    told = subprocess.run(["dciodvfy", "-new", path], capture_output=True, text=True, errors="replace", timeout=60)
    return {line.strip() for line in (told.stderr + told.stdout).splitlines() if line.startswith("Error")}


CLASSES = {name: uid for uid, name in contexts.STORAGE_CLASSES.items()}
ENCODINGS = {row.format: row for row in table.INSTANCES if row.status == "ACCEPTED"}
PICTURES = {row.format: row for row in table.PICTURES if row.status == "ACCEPTED"}
SYNTAXES = ("", EXPLICIT_LITTLE)  # as stored, and decoded


def new_errors(actor, at, content, folder):
    """What the validator sees in an instance, as stored or decoded, and did not see in its source."""
    (file,) = files.hand_in(actor, at, content)
    assert file.status == "ACCEPTED", file.sentence
    known = errors(content, folder, "source.dcm") if file.kind == "dicom" else set()
    served = (b"".join(compose.stream(file.study_image, syntax).chunks) for syntax in SYNTAXES)
    return set().union(*(errors(one, folder, "served.dcm") for one in served)) - known


@pytest.mark.parametrize("words", [{}, WHOLE, WHOLE | OF_CR, WHOLE | OF_DX], ids=["bare", "whole", "CR", "DX"])
@pytest.mark.parametrize("name", CLASSES)
def test_every_class_is_served_without_new_errors(name, words, uploader, site, tmp_path):
    source = files.dicom(files.dataset(**words | {"SOPClassUID": CLASSES[name]}))
    assert new_errors(uploader, site, source, tmp_path) == set()


def test_the_viewer_is_told_a_window_even_where_the_class_names_none(uploader, site):
    words = {"SOPClassUID": compose.DIGITAL_X_RAY_FOR_PROCESSING, "Modality": "DX", "WindowCenter": 900}
    (file,) = files.hand_in(uploader, site, files.dicom(files.dataset(**words, WindowWidth=700)))
    assert "WindowCenter" not in compose.header(file.study_image)
    shown = pydicom.dcmread(io.BytesIO(compose.instance(file.study_image)))
    assert (shown.WindowCenter, shown.WindowWidth) == (900, 700)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_is_served_without_new_errors(encoding, uploader, site, tmp_path):
    assert new_errors(uploader, site, ENCODINGS[encoding].content(), tmp_path) == set()


@pytest.mark.parametrize("picture", PICTURES)
def test_a_picture_becomes_an_instance_without_errors(picture, uploader, site, tmp_path):
    assert new_errors(uploader, site, PICTURES[picture].content(), tmp_path) == set()


@pytest.mark.shared_data
@pytest.mark.parametrize("name", REAL)
def test_real_radiographs_are_served_without_new_errors(name, shared_data, uploader, site, tmp_path):
    assert new_errors(uploader, site, (shared_data / "dicom_xray" / f"{name}.dcm").read_bytes(), tmp_path) == set()


@pytest.mark.long
@pytest.mark.shared_data
@pytest.mark.timeout(600)
def test_every_real_radiograph_is_served_without_new_errors(shared_data, uploader, tmp_path):
    paths = sorted((shared_data / "dicom_xray").glob("*.dcm"))
    found = {}
    for path in paths:  # each at a site of its own, where no other encoding of the picture is known
        at = make.site()
        make.people.grant(None, person=uploader, site=at, role=Role.UPLOADER)
        found[path.name] = new_errors(uploader, at, path.read_bytes(), tmp_path)
    assert len(found) >= 19
    assert {name: errors for name, errors in found.items() if errors} == {}
