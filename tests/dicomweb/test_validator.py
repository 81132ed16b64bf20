"""A served instance has no error in ``dciodvfy`` (dicom3tools) that its source had not."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from studies.dicom import compose
from tests import factories_intake as files

pytestmark = pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy of dicom3tools is not installed")
REAL = ("CR-MONO1-10-chest", "RG1_JLSN", "RG2_RLE", "RG3_JPLL")  # one of each picture, in several encodings
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


@pytest.mark.parametrize("words", [OF_CR, OF_DX, {}], ids=["CR", "DX", "bare"])
def test_a_made_instance_is_served_without_new_errors(words, uploader, site, tmp_path):
    source = files.dicom(files.dataset(**(WHOLE if words else {}) | words))
    (file,) = files.hand_in(uploader, site, source)
    assert file.status == "ACCEPTED", file.sentence
    served = errors(compose.instance(file.study_image), tmp_path, "served.dcm")
    assert served - errors(source, tmp_path, "source.dcm") == set()


@pytest.mark.parametrize("make", [files.png, files.jpeg, lambda: files.png(files.values(16))])
def test_a_picture_becomes_an_instance_without_errors(make, uploader, site, tmp_path):
    (file,) = files.hand_in(uploader, site, make())
    assert errors(compose.instance(file.study_image), tmp_path, "served.dcm") == set()


@pytest.mark.shared_data
def test_real_radiographs_are_served_without_new_errors(shared_data, uploader, site, tmp_path):
    new = {}
    for path in (shared_data / "dicom_xray" / f"{name}.dcm" for name in REAL):
        (file,) = files.hand_in(uploader, site, path.read_bytes())
        if file.status == "ACCEPTED":
            served = errors(compose.instance(file.study_image), tmp_path, "served.dcm")
            new[path.name] = served - errors(path.read_bytes(), tmp_path, "source.dcm")
    assert len(new) == len(REAL)
    assert {name: found for name, found in new.items() if found} == {}
