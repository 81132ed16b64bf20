"""Canaries in what surrounds the pixels: segments, chunks, tags, spare bits and bytes after the end; none stays."""

from __future__ import annotations

import io
import struct
import zlib

import imagecodecs
import jpeg_ls
import numpy as np
import pytest
from PIL import Image, PngImagePlugin, TiffImagePlugin
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless, RLELossless

from bonefrac.stores import FRAMES, INCOMING, ORIGINALS, RENDITIONS
from inference import radiographs
from studies.dicom import compose
from tests import factories_intake as files
from tests.intake.test_canaries import WORD, dump, found_in, stored

CANARY = WORD.encode() + b" "


def segment(mark, body):
    return mark + struct.pack(">H", len(body) + 2) + body


def spliced(stream, *segments, after=2):
    return stream[:after] + b"".join(segments) + stream[after:]


def encapsulated(stream, syntax, pixels, bits):
    made = files.dataset(pixels, bits=bits)
    made.add_new("PixelData", "OB", encapsulate([stream + b"\0" * (len(stream) % 2)]))
    made["PixelData"].is_undefined_length = True
    return files.dicom(made, syntax=syntax)


def jpeg():
    stream = spliced(
        files.jpeg(files.values(8)), segment(b"\xff\xe1", b"Exif\0\0" + CANARY), segment(b"\xff\xfe", CANARY)
    )
    return encapsulated(stream + CANARY, JPEGBaseline8Bit, files.values(8, seed=1), 8)


def jpeg_ls_stream():
    pixels = files.values(12)
    stream = spliced(bytes(jpeg_ls.encode_array(pixels)), segment(b"\xff\xe9", CANARY), segment(b"\xff\xfe", CANARY))
    return encapsulated(stream, JPEGLSLossless, pixels, 12)


def jpeg_2000():
    pixels = files.values(12)
    stream = imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", level=0, reversible=True, bitspersample=12)
    after = 4 + struct.unpack(">H", stream[4:6])[0]  # behind SIZ
    comment = segment(b"\xff\x64", b"\0\1" + CANARY)
    return encapsulated(spliced(stream, comment, after=after) + CANARY, JPEG2000Lossless, pixels, 12)


def rle():
    made = files.dataset(files.values(8), bits=8)
    files.dicom(made)
    made.compress(RLELossless)
    frame = made.PixelData[16:]
    stream = bytearray(frame[8 : 8 + struct.unpack("<I", frame[4:8])[0]])
    stream[64 - len(CANARY) : 64] = CANARY  # offsets of segments that are not there
    made.add_new("PixelData", "OB", encapsulate([bytes(stream)]))
    made["PixelData"].is_undefined_length = True
    return files.dicom(made, syntax=RLELossless)


def spare_bits():
    pixels = files.values(12)
    letters = np.resize(np.frombuffer(CANARY, np.uint8), pixels.shape).astype(np.uint16)
    return files.dicom(files.dataset(pixels | ((letters & 0xF) << 12), bits=12))


def longer_than_its_pixels():
    made = files.dataset(files.values(8), bits=8)
    made.PixelData += CANARY * 20
    made.add_new(0xFFFCFFFC, "OB", CANARY)
    return files.dicom(made)


def png():
    told = PngImagePlugin.PngInfo()
    told.add_text("Author", WORD)
    told.add_text("Comment", WORD * 9, zip=True)
    told.add_itxt("Title", WORD, zip=True)
    exif = Image.Exif()
    exif[0x010E] = WORD
    content = files.png(pnginfo=told, exif=exif)
    chunk = b"prIv" + CANARY
    private = struct.pack(">I", len(CANARY)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return content[:33] + private + content[33:] + CANARY


def tiff():
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag in (270, 305, 315, 33432, 65000):
        tags[tag] = WORD
        tags.tagtype[tag] = 2
    return files.picture("TIFF", tiffinfo=tags, compression="tiff_lzw") + CANARY


def webp():
    exif = Image.Exif()
    exif[0x010E] = WORD
    exif.get_ifd(0x8825)[29] = WORD
    return files.picture("WEBP", lossless=True, exif=exif, xmp=b"<x>" + CANARY + b"</x>")


def photo():
    exif = Image.Exif()
    exif.get_ifd(0x8825)[29] = WORD
    content = files.jpeg(exif=exif, icc_profile=CANARY * 8, xmp=CANARY)
    return spliced(content, segment(b"\xff\xed", b"Photoshop 3.0\0" + CANARY)) + CANARY


def bmp():
    return files.picture("BMP") + CANARY


MAKERS = (jpeg, jpeg_ls_stream, jpeg_2000, rle, spare_bits, longer_than_its_pixels, png, tiff, webp, photo, bmp)


def seen_in(content):
    """Canaries in bytes, plain or as UTF-16, and in the text chunks of a PNG."""
    wide = [WORD for code in ("utf-16-le", "utf-16-be") if WORD.encode(code) in content]
    return found_in(content) + wide


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_nothing_around_the_pixels_stays(make, uploader, site):
    content = make()
    (file,) = files.hand_in(uploader, site, content)
    if make is rle:  # the decoder does not take such a header; nothing of it is kept
        assert (file.status, stored(FRAMES), stored(INCOMING)) == ("REFUSED", b"", b"")
        return
    assert file.status == "ACCEPTED", file.sentence
    for store in (FRAMES, RENDITIONS, INCOMING):
        assert seen_in(stored(store)) == [], store.name
    assert seen_in(dump()) == []
    assert seen_in(compose.instance(file.study_image)) == []
    assert stored(ORIGINALS)
    for path in RENDITIONS.root.rglob("*"):
        if path.is_file():
            with Image.open(io.BytesIO(path.read_bytes())) as picture:
                assert picture.info.keys() <= {"transparency", "gamma"}, picture.info


def test_spare_bits_of_a_pixel_are_not_kept(uploader, site):
    (file,) = files.hand_in(uploader, site, spare_bits())
    assert radiographs.frame_of(file.study_image.radiograph).pixels.max() < 4096
    assert file.study_image.radiograph.transfer_syntax == JPEGLSLossless


def test_a_comment_in_a_tile_of_jpeg_2000_is_not_kept(uploader, site):
    pixels = files.values(12)
    stream = imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", level=0, reversible=True, bitspersample=12)
    at = stream.index(b"\xff\x90")
    comment = segment(b"\xff\x64", b"\0\1" + CANARY)
    length = struct.pack(">I", struct.unpack(">I", stream[at + 6 : at + 10])[0] + len(comment))
    tile = stream[at : at + 6] + length + stream[at + 10 : at + 12] + comment
    (file,) = files.hand_in(
        uploader, site, encapsulated(stream[:at] + tile + stream[at + 12 :], JPEG2000Lossless, pixels, 12)
    )
    assert file.status == "ACCEPTED", file.sentence
    assert seen_in(stored(FRAMES)) == []
    assert np.array_equal(radiographs.frame_of(file.study_image.radiograph).pixels, pixels)
