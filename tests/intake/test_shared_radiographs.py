"""Real radiographs in nine encodings, where they lie beside the project."""

from __future__ import annotations

import re
import subprocess

import numpy as np
import pydicom
import pytest

from tests import factories_intake as files
from tests.training.test_frames_references import program, rendered
from training.frames import decode_dicom, open_dicom

LOSSLESS = ("RLE", "JPLL", "JLSL", "J2KR")
UNPACKERS = {"UNC": "dcmconv", "RLE": "dcmdrle", "JPL": "dcmdjpeg", "JLS": "dcmdjpls"}
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


@pytest.mark.parametrize("encoding", ["UNC", "RLE", "JPLL", "JPLY", "JLSL", "JLSN"])
@pytest.mark.parametrize("picture", ["RG1", "RG2", "RG3"])
def test_every_file_that_dcmtk_reads_is_rendered_as_dcmtk_does(shared_data, picture, encoding, tmp_path):
    path = shared_data / "dicom_xray" / f"{picture}_{encoding}.dcm"
    if not path.exists():
        pytest.skip(f"there is no {path.name}")
    plain = tmp_path / "plain.dcm"
    subprocess.run([program(UNPACKERS[encoding[:3]]), path, plain], check=True, timeout=60)
    option = ["+Wi", "1"] if "WindowCenter" in pydicom.dcmread(plain) else ["+Wm"]
    theirs, ours = rendered(plain.read_bytes(), tmp_path, *option), frame(shared_data, path.stem)
    # A lossy stream may overshoot its bits: we clip, DCMTK lets the value wrap around to the other end.
    is_within = ours.pixels < 2**ours.bits_stored - 1 if encoding == "JPLY" else np.ones_like(ours.pixels, bool)
    assert is_within.mean() > 0.99
    assert np.abs(ours.grey() / 257 - theirs)[is_within].max() <= 1


def test_the_headless_chest_is_rendered_as_dcmtk_does(shared_data, tmp_path):
    content = (shared_data / "dicom_xray" / "CR-MONO1-10-chest.dcm").read_bytes()
    option = ["+Wi", "1"] if "WindowCenter" in open_dicom(content) else ["+Wm"]
    theirs = rendered(content, tmp_path, "-f", "-ti", *option)
    assert np.abs(frame(shared_data, "CR-MONO1-10-chest").grey() / 257 - theirs).max() <= 1


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
            held = re.sub(r"2\.25\.\d+", "", str(row.study_image.header))  # a new UID has any digits by chance
            assert "1964" not in held
