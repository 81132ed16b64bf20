"""Removes what people may have written into the marker segments of JPEG streams: comments, EXIF, thumbnails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from training.frames.errors import FrameError

_START_OF_SCAN: Final = 0xDA
_COMMENT: Final = 0xFE
_J2K_CODESTREAM: Final = b"\xff\x4f\xff\x51"
_J2K_COMMENT: Final = 0x64
_J2K_START_OF_TILE: Final = 0x90


def stripped(content: bytes) -> bytes:
    """Return a JPEG, JPEG-LS or JPEG 2000 stream without APPn and COM segments, and without what follows its end.

    Raises:
        FrameError: damaged: the segments before the pixels do not fit together.
    """
    if content.startswith(_J2K_CODESTREAM):
        return _without(content, stop=_J2K_START_OF_TILE, drop=lambda code: code == _J2K_COMMENT)
    clean = _without(content, stop=_START_OF_SCAN, drop=_is_personal)
    end = clean.rfind(b"\xff\xd9")
    return clean[: end + 2] if end > 0 else clean


def _is_personal(code: int) -> bool:
    return code == _COMMENT or 0xE0 <= code <= 0xEF


def _without(content: bytes, *, stop: int, drop: Callable[[int], bool]) -> bytes:
    kept, position = [content[:2]], 2
    while True:
        if position + 4 > len(content) or content[position] != 0xFF:
            raise FrameError("damaged", "its compressed pixel data have no readable header")
        code = content[position + 1]
        if code == 0xFF:
            position += 1
            continue
        if code == stop:
            kept.append(content[position:])
            return b"".join(kept)
        length = 2 + int.from_bytes(content[position + 2 : position + 4], "big")
        if not drop(code):
            kept.append(content[position : position + length])
        position += length
