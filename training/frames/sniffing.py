"""What a file is, by its first bytes; its name and its declared type are not asked."""

from __future__ import annotations

from typing import Final

#: So many bytes of a file's start are enough: the mark of a TAR archive is the last that is asked for.
HEAD_BYTES: Final = 512
#: Kinds that hold one picture.
PICTURES: Final = frozenset({"jpeg", "png", "tiff", "bmp", "webp"})
#: Kinds that hold files.
ARCHIVES: Final = frozenset({"zip", "tar", "gzip"})
_FIRST: Final = ((b"\xff\xd8\xff", "jpeg"), (b"\x89PNG\r\n\x1a\n", "png"))
_LATER: Final = (
    (b"II*\0", "tiff"), (b"MM\0*", "tiff"), (b"II+\0", "tiff"), (b"MM\0+", "tiff"),
    (b"PK\3\4", "zip"), (b"PK\5\6", "zip"), (b"\x1f\x8b\x08", "gzip"),
)  # fmt: skip
_BMP_HEADERS: Final = frozenset({12, 40, 52, 56, 64, 108, 124})
_FIRST_GROUPS: Final = (0x0002, 0x0008)


def kind_of(head: bytes) -> str:
    """Return ``dicom``, a picture's or an archive's kind, or ``unknown`` for the first bytes of a file.

    A DICOM data set without its preamble is known by a first element of group 0002 or 0008 whose length fits. Whatever
    a DICOM file holds in its preamble, it is a DICOM file; a JPEG or PNG has no room for the mark of one.
    """
    for mark, kind in _FIRST:
        if head.startswith(mark):
            return kind
    if head[128:132] == b"DICM" or _starts_like_a_data_set(head):
        return "dicom"
    for mark, kind in _LATER:
        if head.startswith(mark):
            return kind
    return _by_two_marks(head)


def _by_two_marks(head: bytes) -> str:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    return "tar" if head[257:262] == b"ustar" else "unknown"


def _starts_like_a_data_set(head: bytes) -> bool:
    if len(head) < 12:
        return False
    group, element = int.from_bytes(head[:2], "little"), int.from_bytes(head[2:4], "little")
    if group not in _FIRST_GROUPS or element > 0x00FF:
        return False
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    length = int.from_bytes(head[6:8], "little") if explicit else int.from_bytes(head[4:8], "little")
    return length <= 1024
