"""What becomes of every kind of file: format by format, its verdict, its code, its three-part sentence."""

from __future__ import annotations

import io

import imagecodecs
import jpeg_ls
import numpy as np
import pydicom
import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from studies.models import Study
from tests import factories_intake as files

WIDE = files.values(12, seed=1)
NARROW = files.values(8, seed=2)


def rle():
    made = pydicom.dcmread(io.BytesIO(files.dicom(files.dataset(WIDE.copy()))))
    made.compress(RLELossless)
    return files.saved_dataset(made)


ACCEPTED = {
    "jpeg": lambda: files.jpeg(),
    "jpeg, progressive": lambda: files.jpeg(progressive=True),
    "jpeg, three equal components": lambda: files.jpeg(np.repeat(NARROW[..., None], 3, axis=2)),
    "png": lambda: files.png(),
    "png, 16 bit": lambda: files.png(files.values(16)),
    "png, palette of greys": lambda: files.saved(files.Image.fromarray(NARROW).convert("P"), "PNG"),
    "dicom": lambda: files.dicom(bits=12),
    "dicom, implicit": lambda: files.dicom(syntax=ImplicitVRLittleEndian),
    "dicom, big endian": lambda: files.dicom(files.dataset(WIDE.astype(">u2")), syntax=ExplicitVRBigEndian),
    "dicom, deflated": lambda: files.dicom(syntax=DeflatedExplicitVRLittleEndian),
    "dicom, rle": rle,
    "dicom, jpeg baseline": lambda: files.encapsulated(files.jpeg(NARROW), JPEGBaseline8Bit, NARROW, bits=8),
    "dicom, jpeg lossless": lambda: files.encapsulated(
        imagecodecs.jpeg8_encode(WIDE, lossless=True, predictor=1, bitspersample=12), JPEGLosslessSV1, WIDE
    ),
    "dicom, jpeg-ls": lambda: files.encapsulated(bytes(jpeg_ls.encode_array(WIDE)), JPEGLSLossless, WIDE),
    "dicom, jpeg 2000": lambda: files.encapsulated(
        imagecodecs.jpeg2k_encode(WIDE, reversible=True, codecformat="J2K", level=0), JPEG2000Lossless, WIDE
    ),
    "dicom, no preamble": lambda: files.dicom(syntax=ImplicitVRLittleEndian)[132:],
}
REFUSED = {
    "nothing": ("empty", lambda: b""),
    "text": ("not_an_image", lambda: b"<html><script>alert(1)</script></html>"),
    "html named jpg": ("lying_type", lambda: ("photo.jpg", b"<html></html>")),
    "png named jpg": ("lying_type", lambda: ("photo.jpg", files.png())),
    "colour jpeg": ("not_a_radiograph", lambda: files.colour_photo()),
    "colour png": ("not_a_radiograph", lambda: files.colour_photo("PNG")),
    "png of 100,000 x 100,000": ("too_many_pixels", lambda: files.png_header(100_000, 100_000)),
    "png that says more than it holds": ("truncated", lambda: files.png_header(500, 500)),
    "dicom, half its pixels": ("truncated", lambda: files.dicom(bits=12)[:-3000]),
    "dicom, pixels too short": ("truncated", lambda: files.dicom(files.dataset(PixelData=b"\0" * 100))),
    "dicom, no pixels": ("no_pixels", lambda: files.dicom(files.dataset(PixelData=None))),
    "dicom, no rows": ("no_pixels", lambda: files.dicom(files.dataset(Rows=0))),
    "dicom, absurd rows": ("too_many_pixels", lambda: files.dicom(files.dataset(Rows=65_535, Columns=65_535))),
    "dicom, ct": ("not_a_radiograph", lambda: files.dicom(files.dataset(Modality="CT"))),
    "dicom, two frames": ("multi_frame", lambda: files.dicom(files.dataset(NumberOfFrames=2))),
    "dicom, mpeg": (
        "unsupported_syntax", lambda: files.encapsulated(b"\0" * 20, files.ExplicitVRLittleEndian.__class__(
            "1.2.840.10008.1.2.4.100"), WIDE),
    ),
    "dicom, 32 bits": ("unsupported_depth", lambda: files.dicom(files.dataset(BitsAllocated=32, BitsStored=32))),
    "dicom, damaged jpeg-ls": (
        "damaged", lambda: files.encapsulated(b"\xff\xd8\xff\xf7garbage\xff\xd9", JPEGLSLossless, WIDE)
    ),
    "dicom, header of another size": (
        "damaged", lambda: files.encapsulated(bytes(jpeg_ls.encode_array(WIDE)), JPEGLSLossless, files.values(12)[:40])
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", ACCEPTED)
def test_accepts(kind, uploader, site):
    (file,) = files.hand_in(uploader, site, ACCEPTED[kind]())
    assert (file.status, file.code, file.sentence) == ("ACCEPTED", "", "")
    assert file.study.images.get() == file.study_image
    assert file.study_image.radiograph.renditions.exists()


@pytest.mark.parametrize("kind", REFUSED)
def test_refuses_with_a_code_and_three_parts_and_accepts_the_neighbour(kind, uploader, site):
    code, make = REFUSED[kind]
    broken, sound = files.hand_in(uploader, site, make(), files.png())
    assert (broken.status, broken.code) == ("REFUSED", code)
    assert broken.sentence.startswith("It was not accepted: ")
    assert "The other files are not affected." in broken.sentence
    assert broken.study is None
    assert sound.status == "ACCEPTED"
    assert Study.objects.count() == 1


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
