"""Instances that are served: complete, pseudonymous, and with the grey levels that the platform shows."""

from __future__ import annotations

import io

import jpeg_ls
import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_voi_lut
from pydicom.uid import JPEGLSLossless

from inference import radiographs
from studies.dicom import compose
from tests import factories_intake as files


def served(file):
    return pydicom.dcmread(io.BytesIO(b"".join(compose.stream(file.study_image).chunks)))


def shown(file):
    return np.asarray(radiographs.frame_of(file.study_image.radiograph).grey(), np.float64)


@pytest.mark.parametrize(
    "make",
    [
        lambda: files.png(), lambda: files.jpeg(), lambda: files.png(files.values(16)), lambda: files.dicom(bits=12),
        lambda: files.dicom(files.dataset(PhotometricInterpretation="MONOCHROME1", WindowCenter=2000, WindowWidth=999)),
        lambda: files.dicom(files.dataset(RescaleSlope=2, RescaleIntercept=-1000)),
        lambda: files.dicom(files.dataset((files.values(12).astype(np.int16) - 2000), bits=13)),
        lambda: files.encapsulated(bytes(jpeg_ls.encode_array(files.values(12, seed=9))), JPEGLSLossless,
                                   files.values(12, seed=9)),
    ],
)  # fmt: skip
def test_a_served_instance_shows_what_the_platform_shows(make, uploader, site):
    (file,) = files.hand_in(uploader, site, make())
    instance = served(file)
    values = instance.pixel_array
    if "RescaleSlope" in instance:
        values = values * float(instance.RescaleSlope) + float(instance.RescaleIntercept)
    centre, width = float(instance.WindowCenter), float(instance.WindowWidth)
    display = np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)
    if instance.PhotometricInterpretation == "MONOCHROME1":
        display = 1 - display
    ours = shown(file)
    assert np.abs(display * 255 - ours / (ours.dtype.type(65535) if ours.max() > 255 else 255) * 255).max() <= 1


def test_a_served_instance_is_whole_and_names_nobody(uploader, site):
    made = files.dataset(
        PatientName="Doe^Jane", PatientID="A1", PixelSpacing=[0.2, 0.2], BodyPartExamined="HAND", PatientAge="007Y"
    )
    (file,) = files.hand_in(uploader, site, files.dicom(made))
    instance = served(file)
    assert instance.file_meta.MediaStorageSOPInstanceUID == instance.SOPInstanceUID != made.SOPInstanceUID
    assert instance.StudyInstanceUID == file.study.study_uid
    assert instance.PatientID.startswith("P-")
    assert "A1" not in str(instance.PatientID)
    assert (instance.PatientAge, instance.Modality, instance.BodyPartExamined) == ("007Y", "CR", "HAND")
    assert list(instance.PixelSpacing) == [0.2, 0.2]
    assert instance.PatientIdentityRemoved == "YES"
    assert np.array_equal(instance.pixel_array, pydicom.dcmread(io.BytesIO(files.dicom(made))).pixel_array)


def test_a_voi_table_survives(uploader, site):
    item = pydicom.Dataset()
    table = (np.linspace(0, 1, 4096) ** 2 * 4095).astype("<u2")
    item.LUTDescriptor = [4096, 0, 12]
    item["LUTDescriptor"].VR = "US"
    item.add_new("LUTData", "OW", table.tobytes())
    (file,) = files.hand_in(uploader, site, files.dicom(files.dataset(VOILUTSequence=[item])))
    instance = served(file)
    reference = apply_voi_lut(instance.pixel_array, instance).astype(float) / 4095
    assert np.abs(reference - shown(file) / 65535).max() * 255 <= 1


def test_further_windows_are_kept_for_the_readers_choice_and_the_first_is_what_is_served(uploader, site):
    made = files.dataset(WindowCenter=[2000, 900], WindowWidth=[999, 400])
    (file,) = files.hand_in(uploader, site, files.dicom(made))
    kept = file.study_image.header
    assert (kept["00281050"]["Value"], kept["00281051"]["Value"]) == ([2000, 900], [999, 400])
    instance = served(file)
    assert (float(instance.WindowCenter), float(instance.WindowWidth)) == (2000, 999)
