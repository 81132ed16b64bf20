"""Real radiographs in nine encodings, where they lie beside the project."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest

from tests import factories_intake as files
from training.frames import decode_dicom, open_dicom

LOSSLESS = ("RLE", "JPLL", "JLSL", "J2KR")
LOSSY = ("JLSN", "J2KI", "JPLY")

pytestmark = pytest.mark.shared_data


def frame(folder, name):
    path = folder / "dicom_xray" / f"{name}.dcm"
    return decode_dicom(open_dicom(path.read_bytes())) if path.exists() else None


@pytest.mark.parametrize("picture", ["RG2", "RG3"])
def test_every_encoding_shows_the_uncompressed_picture(shared_data, picture):
    plain = frame(shared_data, f"{picture}_UNC")
    for encoding in LOSSLESS:
        assert frame(shared_data, f"{picture}_{encoding}").digest() == plain.digest()
    shown = plain.grey().astype(np.float64) / 257
    for encoding in LOSSY:
        other = frame(shared_data, f"{picture}_{encoding}").grey().astype(np.float64) / 257
        assert np.abs(other - shown).mean() < 1.5


def test_monochrome1_is_bright_where_bone_is(shared_data):
    tibia = frame(shared_data, "RG3_UNC")
    assert tibia.is_inverted
    stored = pydicom.dcmread(shared_data / "dicom_xray" / "RG3_UNC.dcm").pixel_array
    assert np.corrcoef(stored.ravel()[::97], tibia.grey().ravel()[::97])[0, 1] < -0.9


def test_every_file_is_accepted_and_names_nobody(shared_data, uploader, site):
    contents = [(path.name, path.read_bytes()) for path in sorted((shared_data / "dicom_xray").glob("*.dcm"))]
    rows = files.hand_in(uploader, site, *contents)
    words = {(row.status, row.code) for row in rows}
    assert words <= {("ACCEPTED", ""), ("DUPLICATE", "duplicate"), ("REFUSED", "same_instance")}
    assert sum(row.status == "ACCEPTED" for row in rows) >= 8
    for row in rows:
        if row.study_image:
            held = str(row.study_image.header)
            assert "FUJI" not in held
            assert "1964" not in held
