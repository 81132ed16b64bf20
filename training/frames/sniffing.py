"""What a file is, by its first bytes; its name and its declared type are not asked."""

from __future__ import annotations

from typing import Final

#: So many bytes of a file's start are enough.
HEAD_BYTES: Final = 256
_JPEG: Final = b"\xff\xd8\xff"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_FIRST_GROUPS: Final = (0x0002, 0x0008)


def kind_of(head: bytes) -> str:
    """Return ``dicom``, ``jpeg``, ``png`` or ``unknown`` for the first bytes of a file.

    A DICOM data set without its preamble is known by a first element of group 0002 or 0008 whose length fits.
    """
    if head.startswith(_JPEG):
        return "jpeg"
    if head.startswith(_PNG):
        return "png"
    if head[128:132] == b"DICM" or _starts_like_a_data_set(head):
        return "dicom"
    return "unknown"


def _starts_like_a_data_set(head: bytes) -> bool:
    if len(head) < 12:
        return False
    group, element = int.from_bytes(head[:2], "little"), int.from_bytes(head[2:4], "little")
    if group not in _FIRST_GROUPS or element > 0x00FF:
        return False
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    length = int.from_bytes(head[6:8], "little") if explicit else int.from_bytes(head[4:8], "little")
    return length <= 1024
