"""Grey levels and pixels against second decoders: DCMTK renders and unpacks the same files, within one grey level."""

from __future__ import annotations

import io
import subprocess

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image

from tests import factories_intake as files
from tests.intake.greys import program, rendered, table
from tests.intake.table import INSTANCES
from training.frames import decode_dicom, open_dicom

WIDE = files.values(12, seed=11, shape=(64, 96))


def shown(content):
    """Our picture of a file in 0..255."""
    grey = decode_dicom(open_dicom(content)).grey()
    return grey.astype(float) / (257 if grey.dtype == np.uint16 else 1)


SQUARES = np.linspace(0, 1, 4096) ** 2
RENDERINGS = {
    "window": (["+Wi", "1"], {"WindowCenter": 1800, "WindowWidth": 2100}),
    "first of several windows": (["+Wi", "1"], {"WindowCenter": [900, 40, 3000], "WindowWidth": [2100, 80, 1]}),
    "window of one": (["+Wi", "1"], {"WindowCenter": 1800, "WindowWidth": 1}),
    "window, MONOCHROME1": (
        ["+Wi", "1"], {"WindowCenter": 1800, "WindowWidth": 2100, "PhotometricInterpretation": "MONOCHROME1"}),
    "sigmoid": (
        ["+Wi", "1", "+Wfs"], {"WindowCenter": 1800, "WindowWidth": 900, "VOILUTFunction": "SIGMOID"}),
    "sigmoid, MONOCHROME1": (
        ["+Wi", "1", "+Wfs"], {"WindowCenter": 1800, "WindowWidth": 900, "VOILUTFunction": "SIGMOID",
                               "PhotometricInterpretation": "MONOCHROME1"}),
    "rescale and window": (
        ["+Wi", "1"], {"RescaleSlope": 2.5, "RescaleIntercept": -1000, "WindowCenter": 3000, "WindowWidth": 5000}),
    "rescale alone": (["+Wm"], {"RescaleSlope": 0.5, "RescaleIntercept": 12}),
    "nothing": (["+Wm"], {}),
    "nothing, MONOCHROME1": (["+Wm"], {"PhotometricInterpretation": "MONOCHROME1"}),
    "modality table and window": (
        ["+Wi", "1"], {"ModalityLUTSequence": [table(0, 16, SQUARES * 65535)], "WindowCenter": 20000,
                       "WindowWidth": 30000}),
    "modality table that begins late": (
        ["+Wm"], {"ModalityLUTSequence": [table(1000, 12, np.arange(2000) * 2)]}),
    "table of interest": (["+Wl", "1"], {"VOILUTSequence": [table(0, 12, SQUARES * 4095)]}),
    "table of interest, MONOCHROME1": (
        ["+Wl", "1"], {"VOILUTSequence": [table(0, 12, SQUARES * 4095)], "PhotometricInterpretation": "MONOCHROME1"}),
    "table of interest that begins late": (
        ["+Wl", "1"], {"VOILUTSequence": [table(700, 12, SQUARES[:2500:] * 4095)]}),
    "rescale and table of interest below zero": (
        ["+Wl", "1"], {"RescaleSlope": 1, "RescaleIntercept": -2000,
                       "VOILUTSequence": [table(-2000, 12, SQUARES * 4095, vr="SS")]}),
}  # fmt: skip


@pytest.mark.parametrize("kind", RENDERINGS)
def test_grey_levels_are_those_of_dcmtk(kind, tmp_path):
    options, elements = RENDERINGS[kind]
    content = files.dicom(files.dataset(WIDE, **elements))
    assert np.abs(shown(content) - rendered(content, tmp_path, *options)).max() <= 1


@pytest.mark.parametrize("bits", range(10, 17))
@pytest.mark.parametrize("is_signed", [False, True])
def test_ten_to_sixteen_bits_are_those_of_dcmtk(bits, is_signed, tmp_path):
    pixels = files.values(bits, seed=bits, shape=(64, 96))
    if is_signed:
        pixels = (pixels.astype(np.int32) - 2 ** (bits - 1)).astype(np.int16)
    centre = 0 if is_signed else 2 ** (bits - 1)
    content = files.dicom(files.dataset(pixels, bits=bits, WindowCenter=centre, WindowWidth=2**bits * 0.7))
    assert np.abs(shown(content) - rendered(content, tmp_path, "+Wi", "1")).max() <= 1


def test_values_that_lie_higher_in_their_word_are_those_of_dcmtk(tmp_path):
    content = files.dicom(files.dataset(WIDE << 4, HighBit=15, WindowCenter=1800, WindowWidth=2100))
    assert np.abs(shown(content) - rendered(content, tmp_path, "+Wi", "1")).max() <= 1


@pytest.mark.parametrize("elements", [{"PixelAspectRatio": [2, 1]}, {"PixelSpacing": [0.1, 0.2]},
                                      {"ImagerPixelSpacing": [0.3, 0.1]}])  # fmt: skip
def test_pixels_that_are_not_square_are_shown_square_as_dcmtk_does(elements, tmp_path):
    smooth = np.add.outer(np.arange(64) * 20, np.arange(96) * 20).astype(np.uint16)
    content = files.dicom(files.dataset(smooth, WindowCenter=1600, WindowWidth=3200, **elements))
    ours = shown(content)
    width = ["+Sxv", str(ours.shape[1])] if ours.shape[1] != 96 else ["+Syv", str(ours.shape[0])]
    theirs = rendered(content, tmp_path, "+Wi", "1", *width)
    assert ours.shape == theirs.shape
    inner = np.s_[8:-8, 8:-8]
    assert np.abs(ours - theirs)[inner].mean() < 1.5


def test_grey_levels_of_an_enhanced_object_of_one_frame_come_from_its_functional_groups():
    shared, frame, window, rescale = (pydicom.Dataset() for _ in range(4))
    window.WindowCenter, window.WindowWidth = 1800, 2100
    rescale.RescaleSlope, rescale.RescaleIntercept = 2, -100
    shared.PixelValueTransformationSequence, frame.FrameVOILUTSequence = [rescale], [window]
    flat = {"WindowCenter": 1800, "WindowWidth": 2100, "RescaleSlope": 2, "RescaleIntercept": -100}
    grouped = {"SharedFunctionalGroupsSequence": [shared], "PerFrameFunctionalGroupsSequence": [frame]}
    assert np.array_equal(*(shown(files.dicom(files.dataset(WIDE, **made))) for made in (flat, grouped)))


def by_dcmtk(name):
    def unpacked(content, folder):
        (folder / "packed.dcm").write_bytes(content)
        subprocess.run([program(name), "packed.dcm", "plain.dcm"], cwd=folder, check=True, timeout=60)
        return pydicom.dcmread(folder / "plain.dcm").pixel_array

    return unpacked


def by_pydicom(content, _folder):
    return pydicom.dcmread(io.BytesIO(content)).pixel_array


def by_openjpeg(content, _folder):
    """OpenJPEG reads the high-throughput streams that we give to OpenJPH."""
    return imagecodecs.jpeg2k_decode(_stream(content))


def by_pillow(content, _folder):
    with Image.open(io.BytesIO(_stream(content))) as image:
        return np.asarray(image)


def _stream(content):
    made = pydicom.dcmread(io.BytesIO(content))
    return next(pydicom.encaps.generate_frames(made.PixelData, number_of_frames=1))


#: Who reads each syntax the second time.
SECOND = {
    "1.2.840.10008.1.2": by_dcmtk("dcmconv"),
    "1.2.840.10008.1.2.1": by_dcmtk("dcmconv"),
    "1.2.840.10008.1.2.1.99": by_pydicom,
    "1.2.840.10008.1.2.2": by_dcmtk("dcmconv"),
    "1.2.840.10008.1.2.4.50": by_dcmtk("dcmdjpeg"),
    "1.2.840.10008.1.2.4.51": by_dcmtk("dcmdjpeg"),
    "1.2.840.10008.1.2.4.57": by_dcmtk("dcmdjpeg"),
    "1.2.840.10008.1.2.4.70": by_dcmtk("dcmdjpeg"),
    "1.2.840.10008.1.2.4.80": by_dcmtk("dcmdjpls"),
    "1.2.840.10008.1.2.4.81": by_dcmtk("dcmdjpls"),
    "1.2.840.10008.1.2.4.90": by_pillow,
    "1.2.840.10008.1.2.4.91": by_pillow,
    "1.2.840.10008.1.2.4.201": by_openjpeg,
    "1.2.840.10008.1.2.4.202": by_openjpeg,
    "1.2.840.10008.1.2.4.203": by_openjpeg,
    "1.2.840.10008.1.2.5": by_dcmtk("dcmdrle"),
}
SOUND = [row for row in INSTANCES if row.status == "ACCEPTED" and row.is_part10]


def test_every_syntax_is_read_a_second_time():
    assert {str(pydicom.dcmread(io.BytesIO(row.content())).file_meta.TransferSyntaxUID) for row in SOUND} == set(SECOND)


@pytest.mark.parametrize("row", SOUND, ids=lambda row: row.format)
def test_stored_values_are_those_of_a_second_decoder(row, tmp_path):
    content = row.content()
    frame = decode_dicom(open_dicom(content))
    again = SECOND[str(pydicom.dcmread(io.BytesIO(content)).file_meta.TransferSyntaxUID)](content, tmp_path)
    level = 0 if frame.is_exact else 2 ** (frame.bits_stored - 8)
    assert np.abs(frame.pixels.astype(int) - again.astype(int)).max() <= level
