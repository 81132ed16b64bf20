"""The table of the front door: every format, its verdict, its code and what its sentence says, as data.

Every face is driven with it. ``PICTURES`` and ``ARCHIVES`` go in by the page and the API, ``INSTANCES`` (DICOM) by each
face: those whose ``is_part10`` is true are whole enough for a client of STOW-RS or C-STORE to send them.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass

import imagecodecs
import jpeg_ls
import numpy as np
import pydicom
from pydicom import uid

from tests import factories_intake as files

WIDE = files.values(12, seed=1)
NARROW = files.values(8, seed=2)


@dataclass(frozen=True)
class Row:
    """One format and what becomes of it; every call of ``content`` makes the same or an equivalent file."""

    format: str
    content: Callable[[], bytes]
    status: str = "ACCEPTED"
    code: str = ""
    says: str = ""
    name: str = "file"
    is_part10: bool = False


def refused(format, code, says, content, name="file", *, is_part10=False):
    return Row(format, content, "REFUSED", code, says, name, is_part10)


def instance(format, content, *verdict):
    return Row(format, content, *verdict, name="image.dcm", is_part10=True)


def packed(content, syntax, **options):
    return files.encapsulated(content, syntax, WIDE, **options)


def rle():
    made = pydicom.dcmread(io.BytesIO(files.dicom(files.dataset(WIDE.copy()))))
    made.compress(uid.RLELossless)
    return files.saved_dataset(made)


def jpeg_2000(syntax=uid.JPEG2000Lossless, **options):
    coded = imagecodecs.jpeg2k_encode(WIDE, codecformat="J2K", **({"reversible": True, "level": 0} | options))
    return packed(coded, syntax)


def element(**elements):
    return lambda: files.dicom(files.dataset(**elements))


def longer(content):
    """The pixel data announce two gigabytes."""
    place = content.find(b"\xe0\x7f\x10\x00OW\0\0") + 8
    return content[:place] + (2_000_000_000).to_bytes(4, "little") + content[place + 4 :]


def without_meta(**options):
    """An implicit data set alone: no preamble, no file meta group."""
    whole = files.dicom(files.dataset(**options), syntax=uid.ImplicitVRLittleEndian)
    return whole[132 + 12 + int.from_bytes(whole[140:144], "little") :]


PICTURES = (
    Row("jpeg", lambda: files.jpeg(), name="a.jpg"),
    Row("jpeg, progressive", lambda: files.jpeg(progressive=True), name="a.jpeg"),
    Row("jpeg, three equal components", lambda: files.jpeg(np.repeat(NARROW[..., None], 3, axis=2))),
    Row("png", lambda: files.png(), name="a.png"),
    Row("png, 16 bit", lambda: files.png(files.values(16))),
    Row("tiff", lambda: files.picture("TIFF"), name="a.tif"),
    Row("tiff, 16 bit", lambda: files.picture("TIFF", 16), name="a.tiff"),
    Row("tiff, packed", lambda: files.picture("TIFF", 16, compression="tiff_lzw")),
    Row("tiff, white is zero", lambda: files.picture("TIFF", 16, tiffinfo={262: 0})),
    Row("bmp", lambda: files.picture("BMP"), name="a.bmp"),
    Row("webp", lambda: files.picture("WEBP"), name="a.webp"),
    Row("webp, lossless", lambda: files.picture("WEBP", lossless=True)),
    Row("jpeg with an archive behind it", lambda: files.jpeg() + files.zipped({"a.txt": b"text"})),
    Row("png, palette of greys", lambda: files.saved(files.Image.fromarray(NARROW).convert("P"), "PNG")),
    Row("photograph of a film", lambda: files.film_photo(), says="It is a photograph of a film"),
    Row("photograph of a film, yellow light", lambda: files.film_photo(2, (1.0, 0.93, 0.78)),
        says="the model does not assess it"),
    Row("jpeg of four inks", lambda: files.saved(files.inks(NARROW), "JPEG", quality=95), name="a.jpg"),
    Row("jpeg, lossless", lambda: imagecodecs.jpeg8_encode(NARROW, lossless=True, predictor=1), name="a.jpg"),
    Row("jpeg, turned", lambda: files.jpeg(exif=files.turned(6)), name="a.jpg"),
    Row("png, transparent", lambda: files.saved(files.Image.fromarray(NARROW).convert("RGBA"), "PNG"), name="a.png"),
    Row("png, grey and transparent", lambda: files.saved(files.Image.fromarray(NARROW).convert("LA"), "PNG")),
    Row("png, one bit", lambda: files.saved(files.Image.fromarray(NARROW).convert("1"), "PNG")),
    Row("tiff, three components", lambda: files.saved(files.Image.fromarray(NARROW).convert("RGB"), "TIFF")),
    Row("tiff of 64 bits", lambda: files.picture("TIFF", big_tiff=True)),
    Row("tiff, a jpeg in it", lambda: files.picture("TIFF", compression="jpeg")),
    Row("bmp, three components", lambda: files.saved(files.Image.fromarray(NARROW).convert("RGB"), "BMP")),
    refused("jpeg of 12 bits", "not_an_image", "begins like a JPEG", lambda: imagecodecs.jpeg8_encode(
        WIDE, level=95, bitspersample=12)),
    refused("jpeg-ls named jpg", "not_an_image", "begins like a JPEG", lambda: bytes(jpeg_ls.encode_array(NARROW)),
            "a.jpg"),
    refused("jpeg 2000 named jpg", "lying_type", "its name says JPEG", lambda: imagecodecs.jpeg2k_encode(NARROW),
            "a.jpg"),
    refused("png that moves", "multi_frame", "several pages or frames", lambda: files.picture(
        "PNG", save_all=True, append_images=[files.Image.fromarray(NARROW)])),
    refused("photograph of a film and much else", "not_a_radiograph", "it may be a photograph of a film",
            lambda: files.film_photo(far=0.04)),
    refused("nothing", "empty", "it has 0 bytes", lambda: b""),
    refused("html", "not_an_image", "it is no DICOM", lambda: b"<html><script>alert(1)</script></html>"),
    refused("html named jpg", "lying_type", "its name says JPEG", lambda: b"<html></html>", "photo.jpg"),
    refused("html named png", "lying_type", "its name says PNG", lambda: b"<html></html>", "photo.png"),
    refused("png named jpg", "lying_type", "its content is PNG", lambda: files.png(), "photo.jpg"),
    refused("colour jpeg", "not_a_radiograph", "it is a colour picture", lambda: files.colour_photo()),
    refused("colour png", "not_a_radiograph", "it is a colour picture", lambda: files.colour_photo("PNG")),
    refused("colour tiff", "not_a_radiograph", "it is a colour picture", lambda: files.colour_photo("TIFF")),
    refused("colour bmp", "not_a_radiograph", "it is a colour picture", lambda: files.colour_photo("BMP")),
    refused("colour webp", "not_a_radiograph", "it is a colour picture", lambda: files.colour_photo("WEBP")),
    refused("tiff of two pages", "multi_frame", "several pages", lambda: files.picture(
        "TIFF", save_all=True, append_images=[files.Image.fromarray(NARROW)])),
    refused("webp that moves", "multi_frame", "several pages or frames", lambda: files.picture(
        "WEBP", save_all=True, append_images=[files.Image.fromarray(NARROW)])),
    refused("tiff of 32 bits", "unsupported_depth", "8 and 16 bits", lambda: files.saved(
        files.Image.fromarray(NARROW.astype("f4")), "TIFF")),
    refused("tiff, half", "truncated", "end too early", lambda: files.picture("TIFF")[:-1500]),
    refused("webp, half", "not_an_image", "begins like a WEBP", lambda: files.picture("WEBP")[:200]),
    refused("bmp, half", "truncated", "end too early", lambda: files.picture("BMP")[:2000]),
    refused("gif", "not_an_image", "it is no DICOM", lambda: files.picture("GIF")),
    refused("png of 100,000 x 100,000", "too_many_pixels", "more pixels than are allowed",
            lambda: files.png_header(100_000, 100_000)),
    refused("png that says more than it holds", "truncated", "end too early", lambda: files.png_header(500, 500)),
)  # fmt: skip

INSTANCES = (
    instance("dicom", lambda: files.dicom(bits=12)),
    instance("dicom, 8 bit", lambda: files.dicom(bits=8)),
    instance("dicom, 10 in 16 bit", lambda: files.dicom(bits=10)),
    instance("dicom, 16 bit", lambda: files.dicom(bits=16)),
    instance("dicom, signed", lambda: files.dicom(files.dataset(files.values(12).astype(np.int16) - 2000, bits=13))),
    instance("dicom, MONOCHROME1", element(PhotometricInterpretation="MONOCHROME1")),
    instance("dicom, DX", element(Modality="DX", SOPClassUID="1.2.840.10008.5.1.4.1.1.1.1")),
    instance("dicom, implicit", lambda: files.dicom(syntax=uid.ImplicitVRLittleEndian)),
    instance("dicom, big endian", lambda: files.dicom(files.dataset(files.values(12).astype(">u2")),
                                                      syntax=uid.ExplicitVRBigEndian)),
    instance("dicom, deflated", lambda: files.dicom(syntax=uid.DeflatedExplicitVRLittleEndian)),
    instance("dicom, rle", rle),
    instance("dicom, jpeg baseline", lambda: files.encapsulated(files.jpeg(NARROW), uid.JPEGBaseline8Bit, NARROW,
                                                                bits=8)),
    instance("dicom, jpeg extended", lambda: packed(imagecodecs.jpeg8_encode(WIDE, level=95, bitspersample=12),
                                                    uid.JPEGExtended12Bit)),
    instance("dicom, jpeg lossless", lambda: packed(
        imagecodecs.jpeg8_encode(WIDE, lossless=True, predictor=4, bitspersample=12), uid.JPEGLossless)),
    instance("dicom, jpeg lossless, first order", lambda: packed(
        imagecodecs.jpeg8_encode(WIDE, lossless=True, predictor=1, bitspersample=12), uid.JPEGLosslessSV1)),
    instance("dicom, jpeg-ls", lambda: packed(bytes(jpeg_ls.encode_array(WIDE)), uid.JPEGLSLossless)),
    instance("dicom, jpeg-ls near lossless", lambda: packed(bytes(jpeg_ls.encode_array(WIDE, lossy_error=3)),
                                                            uid.JPEGLSNearLossless)),
    instance("dicom, jpeg 2000", jpeg_2000),
    instance("dicom, jpeg 2000 lossy", lambda: jpeg_2000(uid.JPEG2000, reversible=False, level=60)),
    instance("dicom, htj2k", lambda: packed(imagecodecs.htj2k_encode(WIDE, reversible=True), uid.HTJ2KLossless)),
    instance("dicom, htj2k, rpcl", lambda: packed(imagecodecs.htj2k_encode(WIDE, reversible=True),
                                                  uid.HTJ2KLosslessRPCL)),
    instance("dicom, htj2k lossy", lambda: packed(imagecodecs.htj2k_encode(WIDE, reversible=False), uid.HTJ2K)),
    Row("dicom, no preamble", lambda: files.dicom(syntax=uid.ImplicitVRLittleEndian)[132:]),
    Row("dicom, no preamble and no file meta", without_meta),
    Row("dicom, a program in its preamble", lambda: (b"MZ" + b"\x90" * 126) + files.dicom()[128:]),
    Row("dicom, a tiff in its preamble", lambda: b"II*\0" + b"\0" * 124 + files.dicom()[128:]),
    Row("dicom, a script in its preamble", lambda: b"<script>alert(1)</script>".ljust(128) + files.dicom()[128:]),
    refused("png that is dicom too", "not_an_image", "begins like a PNG", lambda: files.png()[:8].ljust(128, b"\0")
            + files.dicom()[128:]),
    refused("dicom, a length that lies", "truncated", "", lambda: longer(files.dicom(bits=12))),
    refused("html named dcm", "lying_type", "its name says DICOM", lambda: b"<html></html>", "image.dcm"),
    refused("dicom, half its pixels", "truncated", "", lambda: files.dicom(bits=12)[:-3000]),
    instance("dicom, pixels too short", element(PixelData=b"\0" * 100), "REFUSED", "truncated", "end after"),
    instance("dicom, no pixels", element(PixelData=None), "REFUSED", "no_pixels", "it holds no pixel data"),
    instance("dicom, no rows", element(Rows=0), "REFUSED", "no_pixels", "it has no pixels"),
    instance("dicom, absurd rows", element(Rows=65_535, Columns=65_535), "REFUSED", "too_many_pixels",
             "4,295 megapixels"),
    instance("dicom, ct", element(Modality="CT"), "REFUSED", "not_a_radiograph", "computed tomography"),
    instance("dicom, mr", element(Modality="MR"), "REFUSED", "not_a_radiograph", "magnetic resonance"),
    instance("dicom, two frames", element(NumberOfFrames=2), "REFUSED", "multi_frame", "it holds 2 frames"),
    instance("dicom, mpeg", lambda: packed(b"\0" * 20, uid.MPEG2MPML), "REFUSED", "unsupported_syntax",
             "not supported"),
    instance("dicom, 32 bits", element(BitsAllocated=32, BitsStored=32), "REFUSED", "unsupported_depth", "32 bits"),
    instance("dicom, damaged jpeg-ls", lambda: packed(b"\xff\xd8\xff\xf7garbage\xff\xd9", uid.JPEGLSLossless),
             "REFUSED", "damaged", "cannot be decoded"),
    instance("dicom, header of another size", lambda: files.encapsulated(
        bytes(jpeg_ls.encode_array(WIDE)), uid.JPEGLSLossless, files.values(12)[:40]),
        "REFUSED", "damaged", "another size"),
)  # fmt: skip


def one_of_each():
    """Files in folders, among what a desktop leaves there; one of them is refused."""
    junk = dict.fromkeys(("__MACOSX/wrist/._a.png", "wrist/Thumbs.db", ".DS_Store"), b"x")
    sound = {"wrist/a.png": files.png(), "wrist/b.png": files.png(), "knee/deep/c.dcm": files.dicom()}
    return sound | {"notes.txt": b"nothing"} | junk


def opened(format, content, says, name="file"):
    return Row(format, content, "ACCEPTED", "archive_opened", says, name)


ARCHIVES = (
    opened("zip", lambda: files.zipped(one_of_each()), "verdict of its own: 3.", "a.zip"),
    opened("zip, not compressed", lambda: files.zipped(one_of_each(), packing=zipfile.ZIP_STORED), "disc: 3."),
    opened("tar", lambda: files.tarred(one_of_each()), "Not accepted: 1.", "a.tar"),
    opened("tar.gz", lambda: files.tarred(one_of_each(), "w:gz"), "verdict of its own: 3.", "a.tar.gz"),
    opened("tar of GNU, long names", lambda: files.tarred({"x" * 90 + "/" + "y" * 90 + ".png": files.png()},
                                                          format=tarfile.GNU_FORMAT), "verdict of its own: 1."),
    opened("zip in a zip", lambda: files.zipped({"inner.zip": files.zipped({"a.png": files.png()})}),
           "verdict of its own: 1."),
    opened("zip, one name twice", lambda: files.zipped([("a.png", files.png()), ("a.png", files.png())]),
           "verdict of its own: 2."),
    opened("zip, a path that leaves it", lambda: files.zipped({"../../a.png": files.png(), "b.png": files.png()}),
           "Not accepted: 1."),
    opened("zip of 64 bits", lambda: files.zipped_large({"a.png": files.png()}), "verdict of its own: 1."),
    opened("zip as a stream", lambda: files.zipped_stream(one_of_each()), "verdict of its own: 3."),
    opened("zip of deep folders", lambda: files.zipped({"d/" * 200 + "a.png": files.png()}), "verdict of its own: 1."),
    opened("zip in a tar.gz", lambda: files.tarred({"a.zip": files.zipped({"a.png": files.png()})}, "w:gz"),
           "verdict of its own: 1."),
    opened("a patient's disc", lambda: files.zipped({"DICOMDIR": b"x", "IMAGES/IM1": files.dicom(),
                                                     "AUTORUN.INF": b"[autorun]"}), "Not accepted: 1. Skipped"),
    refused("zip, entries over each other", "damaged", "lie over each other",
            lambda: files.overlapping(files.zipped({"a.png": files.png()}), 50)),
    refused("gzip of one image", "unsupported_packing", "is no TAR archive", lambda: gzip.compress(
        files.png(files.values(16))), "a.png.gz"),
    refused("zip packed otherwise", "no_images", "none of its 1 entries", lambda: files.zipped(
        {"a.png": files.png()}, packing=zipfile.ZIP_LZMA)),
    refused("zip of nothing", "no_images", "the archive is empty", lambda: files.zipped({})),
    refused("zip without images", "no_images", "none of its 1 entries", lambda: files.zipped({"a.txt": b"text"})),
    refused("zip, encrypted", "encrypted", "the archive is encrypted",
            lambda: files.encrypted(files.zipped({"a.png": files.png()}))),
    refused("zip, cut", "truncated", "the archive ends too early", lambda: files.zipped(one_of_each())[:-40]),
    refused("tar.gz, cut", "truncated", "the archive ends too early",
            lambda: files.tarred(one_of_each(), "w:gz")[:-400]),
    refused("gzip of something else", "no_images", "", lambda: gzip.compress(b"\0" * 1024)),
    refused("zip bomb", "archive_too_large", "unpacks to more than", lambda: files.zipped(
        {f"{number}.png": b"\0" * 60_000_000 for number in range(2)})),
    refused("html named zip", "lying_type", "its name says ZIP", lambda: b"<html></html>", "a.zip"),
    refused("rar", "not_an_image", "it is a RAR archive", lambda: b"Rar!\x1a\7\1\0" + b"\0" * 600),
    refused("7z", "not_an_image", "it is a 7z archive", lambda: b"7z\xbc\xaf\x27\x1c" + b"\0" * 600),
)  # fmt: skip

ROWS = (*PICTURES, *INSTANCES, *ARCHIVES)
ACCEPTED = {row.format: row.content for row in ROWS if row.status == "ACCEPTED" and row not in ARCHIVES}
