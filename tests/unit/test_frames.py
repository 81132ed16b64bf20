"""Frames: grey levels by DICOM's rules, digests, and the encoding in which they are kept."""

from __future__ import annotations

import io

import imagecodecs
import jpeg_ls
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.uid import JPEGBaseline8Bit, JPEGLSLossless

from tests import factories_intake as files
from training.frames import (
    FrameError,
    decode_dicom,
    decode_jpeg,
    decode_png,
    encode,
    kind_of,
    open_dicom,
    reopen,
)


def read(**elements):
    return decode_dicom(open_dicom(files.dicom(files.dataset(**elements))))


def again(frame):
    return reopen(
        encode(frame), rows=frame.rows, columns=frame.columns, bits_allocated=frame.bits_allocated,
        photometric_interpretation=frame.photometric_interpretation, bits_stored=frame.bits_stored,
        is_signed=frame.is_signed, grey=frame.grey_scale.to_dict(),
    )  # fmt: skip


def reference(made, full=4095.0):
    """Display grey in 0..1 by pydicom."""
    values = np.asarray(apply_voi_lut(apply_modality_lut(made.pixel_array, made), made), np.float64)
    return 1 - values / full if made.PhotometricInterpretation == "MONOCHROME1" else values / full


@pytest.mark.parametrize("photometric_interpretation", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_windows_are_those_of_a_reference(function, photometric_interpretation):
    content = files.dicom(
        files.dataset(
            files.values(12, seed=4), WindowCenter=[1800, 40], WindowWidth=[2100, 80], VOILUTFunction=function,
            PhotometricInterpretation=photometric_interpretation,
        )
    )  # fmt: skip
    ours = decode_dicom(open_dicom(content)).grey() / 65535
    assert np.abs(ours - reference(pydicom.dcmread(io.BytesIO(content)))).max() * 255 <= 1


def test_rescale_and_signed_pixels_are_those_of_a_reference():
    pixels = (files.values(12, seed=5).astype(np.int16) - 2048).astype(np.int16)
    content = files.dicom(
        files.dataset(pixels, RescaleSlope=2, RescaleIntercept=100, WindowCenter=0, WindowWidth=4000, bits=12)
    )
    made = pydicom.dcmread(io.BytesIO(content))
    expected = np.clip(((made.pixel_array * 2.0 + 100) + 0.5) / 3999 + 0.5, 0, 1)
    assert np.abs(decode_dicom(open_dicom(content)).grey() / 65535 - expected).max() * 255 <= 1


def test_without_a_window_the_range_that_occurs_is_shown():
    grey = decode_dicom(open_dicom(files.dicom(files.dataset(files.values(12) // 4 + 500)))).grey()
    assert (grey.min(), grey.max()) == (0, 65535)


def test_a_tall_pixel_makes_a_taller_picture():
    assert read(PixelAspectRatio=[2, 1]).grey().shape == (2 * files.ROWS, files.COLUMNS)
    assert read(PixelSpacing=[0.1, 0.2]).grey().shape == (files.ROWS, 2 * files.COLUMNS)
    assert read(PixelSpacing=[0.1, 0.1]).grey(32).shape == (24, 32)


def test_bits_above_the_high_bit_are_neither_shown_nor_kept():
    pixels = files.values(12, seed=6)
    drawn = pixels | 0x8000
    frame = read(pixels=drawn)
    assert np.array_equal(frame.pixels, pixels)
    assert frame.source is None
    assert np.array_equal(again(frame).pixels, pixels)
    assert frame.digest() == read(pixels=pixels).digest()


def test_the_digest_names_the_picture_not_its_encoding():
    pixels = files.values(12, seed=7)
    plain = read(pixels=pixels)
    packed = decode_dicom(open_dicom(files.encapsulated(bytes(jpeg_ls.encode_array(pixels)), JPEGLSLossless, pixels)))
    assert plain.digest() == packed.digest()
    assert plain.digest() != read(pixels=pixels, PhotometricInterpretation="MONOCHROME1").digest()
    assert plain.digest() != read(pixels=pixels, WindowCenter=1, WindowWidth=2).digest()
    assert plain.digest() != read(pixels=pixels.T.copy()).digest()


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_what_is_kept_opens_as_the_same_frame(bits):
    for frame in (read(pixels=files.values(bits), bits=bits), decode_png(files.png(files.values(max(8, bits))))):
        assert again(frame).digest() == frame.digest()


def test_a_grey_jpeg_is_kept_without_what_was_written_into_it():
    exif = Image.Exif()
    exif[0x010E] = "secret"
    content = files.jpeg(exif=exif, comment=b"secret")
    frame = decode_jpeg(content)
    kept = encode(frame)
    assert kept.transfer_syntax == JPEGBaseline8Bit
    assert b"secret" in content
    assert b"secret" not in kept.content
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(kept.content))), frame.pixels)
    assert again(frame).digest() == frame.digest()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_shown_upright(orientation):
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    content = files.jpeg(exif=exif)
    frame = decode_jpeg(content)
    assert np.array_equal(frame.pixels, np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content)))))
    assert (encode(frame).transfer_syntax == JPEGBaseline8Bit) is (orientation == 1)


def test_three_equal_components_are_grey_and_colours_are_not():
    pixels = files.values()
    grey = Image.fromarray(np.repeat(pixels[..., None], 3, axis=2))
    assert np.array_equal(decode_png(files.saved(grey, "PNG")).pixels, pixels)
    marked = np.repeat(files.values(shape=(200, 200))[..., None], 3, axis=2)
    marked[:10, :10, 0] = 255
    assert decode_png(files.saved(Image.fromarray(marked), "PNG")).pixels.shape == (200, 200)
    with pytest.raises(FrameError, match="not_a_radiograph"):
        decode_png(files.colour_photo("PNG"))


def test_sixteen_bits_stay_sixteen():
    pixels = files.values(16)
    frame = decode_png(files.png(pixels))
    assert frame.pixels.dtype == np.uint16
    assert np.array_equal(frame.pixels, pixels)
    assert np.array_equal(again(frame).pixels, pixels)


def test_a_jpeg_without_its_end_is_not_filled_with_grey():
    pixels = files.values(12)
    whole = imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=1, bitspersample=12)
    syntax = pydicom.uid.JPEGLosslessSV1
    decode_dicom(open_dicom(files.encapsulated(whole, syntax, pixels)))
    with pytest.raises(FrameError, match="truncated"):
        decode_dicom(open_dicom(files.encapsulated(whole[:-300], syntax, pixels)))


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "jpeg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"\0" * 128 + b"DICM", "dicom"),
        (b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100", "dicom"), (b"<html>", "unknown"), (b"", "unknown"),
        (b"PK\x03\x04" + b"\0" * 30, "zip"), (b"GIF89a" + b"\0" * 30, "unknown"),
    ],
)  # fmt: skip
def test_a_kind_is_told_by_the_first_bytes(head, kind):
    assert kind_of(head) == kind
