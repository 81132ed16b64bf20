"""Files that unpack to far more than they weigh, and files that are two things at once: bounded, refused, survived."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from studies.decoding.parent import Decoder
from tests import factories_intake as files
from training.frames import FrameError, decode_jpeg, encode

LARGEST_RESIDENT = 700_000_000


def deflated_bomb(megabytes):
    """A deflated data set of so many megabytes of nothing."""
    sound = files.dicom(syntax=DeflatedExplicitVRLittleEndian)
    start = 144 + int.from_bytes(sound[140:144], "little")
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = b"\x08\x00\x60\x00CS\x02\x00CR" + b"\x09\x00\x10\x00OB\0\0" + (megabytes * 1_000_000).to_bytes(4, "little")
    packed = [packer.compress(head), *(packer.compress(b"\0" * 1_000_000) for _megabyte in range(megabytes))]
    return sound[:start] + b"".join(packed) + packer.flush()


def most_resident(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1000


@pytest.mark.parametrize(
    ("make", "codes"),
    [
        (lambda: deflated_bomb(400), {"too_demanding"}),
        (lambda: files.png_header(100_000, 100_000), {"too_many_pixels"}),
        (lambda: files.dicom(files.dataset(Rows=65_535, Columns=65_535)), {"too_many_pixels"}),
        (lambda: files.dicom(files.dataset(Rows=8_000, Columns=8_000)), {"truncated"}),
    ],
    ids=["deflated dicom", "png of 100,000²", "absurd rows", "rows that lie"],
)
def test_a_bomb_is_refused_within_bounded_memory(make, codes, tmp_path):
    child, path = Decoder(seconds=30), tmp_path / "bomb"
    path.write_bytes(make())
    assert path.stat().st_size < 2_000_000
    with pytest.raises(FrameError) as refusal:
        child.decode(path, max_pixels=64_000_000, preprocessings=[])
    assert refusal.value.code in codes
    assert most_resident(child.pid) < LARGEST_RESIDENT
    child.stop()


def test_nothing_that_hangs_on_a_picture_is_kept():
    content = files.jpeg() + files.zipped({"secret.txt": b"secret" * 50}, packing=0)
    assert b"secret" in content
    assert b"secret" not in encode(decode_jpeg(content)).content
