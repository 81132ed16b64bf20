"""A first glance at a file: what it is by its content, what its first bytes already condemn. No pixel is decoded."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Final

from PIL import Image
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian

from bonefrac.stores import INCOMING
from studies.intake.limits import Limits
from training.frames import FrameError, kind_of
from training.frames.dicom import refuse_other_modalities
from training.frames.pictures import refuse_size
from training.frames.sniffing import ARCHIVES, HEAD_BYTES

_ENDINGS: Final = {
    ".jpg": "jpeg", ".jpeg": "jpeg", ".jpe": "jpeg", ".jfif": "jpeg", ".png": "png", ".dcm": "dicom", ".dicom": "dicom",
    ".tif": "tiff", ".tiff": "tiff", ".bmp": "bmp", ".webp": "webp", ".zip": "zip", ".tar": "tar", ".tgz": "gzip",
    ".gz": "gzip",
}  # fmt: skip
#: Archives that are not opened, so that their sentence may say what they are.
_OTHER_ARCHIVES: Final = (
    (b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!", "RAR"), (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "XZ"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
)  # fmt: skip
_GLANCE_BYTES: Final = 65_536
_HEADER_TAGS: Final = ["Modality", "NumberOfFrames", "Rows", "Columns"]


def bounded(chunks: Iterable[bytes], *, allowed: Limits, size: int | None) -> Iterator[bytes]:
    """Return a file's bytes; an archive may have more of them than an image.

    Raises:
        FrameError: too_large: it has, or says that it has, more than are allowed.
    """
    limit, seen = 0, 0
    for chunk in chunks:
        limit = limit or (allowed.batch_bytes if kind_of(chunk[:HEAD_BYTES]) in ARCHIVES else allowed.file_bytes)
        seen += len(chunk)
        if max(seen, size or 0) > limit:
            raise FrameError("too_large", f"it is larger than the {limit / 1e6:,.0f} MB that are allowed")
        yield chunk


def kind_at(key: str, *, name: str, size: int, allowed: Limits) -> str:
    """Return what the incoming bytes of a key are.

    Raises:
        FrameError: empty, lying_type, not_an_image, too_many_pixels, no_pixels, not_a_radiograph, multi_frame.
    """
    if not size:
        raise FrameError("empty", "it has 0 bytes")
    with INCOMING.open(key) as handle:
        head = handle.read(_GLANCE_BYTES)
    kind = kind_of(head[:HEAD_BYTES])
    claimed = _ENDINGS.get(PurePath(name).suffix.lower(), "")
    if claimed and kind != claimed:
        found = kind.upper() if kind != "unknown" else "something else"
        raise FrameError("lying_type", f"its name says {claimed.upper()}, its content is {found}")
    if kind == "unknown":
        raise FrameError("not_an_image", _what_else(head))
    if kind not in ARCHIVES:
        _glance_at_header(kind, head, allowed.pixels)
    return kind


def _what_else(head: bytes) -> str:
    for mark, name in _OTHER_ARCHIVES:
        if head.startswith(mark):
            return f"it is a {name} archive; ZIP, TAR and TAR.GZ are opened"
    return "it is no DICOM, JPEG, PNG, TIFF, BMP or WebP file and no archive of them"


def _glance_at_header(kind: str, head: bytes, max_pixels: int) -> None:
    """Raise ``FrameError`` for what the first bytes of a known kind already tell; unreadable ones are the judge's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            rows, columns = _dicom_size(head) if kind == "dicom" else _picture_size(head, kind)
        except FrameError:
            raise
        except Exception:  # noqa: BLE001 a cut or hostile header fails in any way; the child will judge it
            return
    if rows and columns:
        refuse_size(rows, columns, max_pixels)


def _picture_size(head: bytes, kind: str) -> tuple[int, int]:
    with Image.open(io.BytesIO(head), formats=[kind]) as image:
        return image.height, image.width


def _dicom_size(head: bytes) -> tuple[int, int]:
    if DeflatedExplicitVRLittleEndian.encode() + b"\0" in head[:1024]:
        return 0, 0
    dataset = dcmread(io.BytesIO(head), stop_before_pixels=True, force=True, specific_tags=list(_HEADER_TAGS))
    refuse_other_modalities(dataset)
    return int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
