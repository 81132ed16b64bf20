"""Removes what people may have written into the marker segments of JPEG streams: comments, EXIF, thumbnails."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_J2K_CODESTREAM: Final = b"\xff\x4f\xff\x51"
_J2K_COMMENT: Final = 0x64
_J2K_START_OF_TILE: Final = 0x90
_J2K_START_OF_DATA: Final = b"\xff\x93"
_J2K_TILE_HEADER: Final = 12
_START_OF_SCAN: Final = 0xDA
_END: Final = b"\xff\xd9"
#: The first marker after a scan's data; restart markers and stuffed bytes belong to the data (T.81 B.1.1.2, T.87 C.1).
_AFTER_SCAN: Final = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")


def stripped(content: bytes) -> bytes | None:
    """Return a JPEG, JPEG-LS or JPEG 2000 stream of one scan without APPn and COM segments or anything after its end.

    None where that cannot be done by leaving segments out: the header does not fit together, or something other than
    the end follows the scan.
    """
    if content.startswith(_J2K_CODESTREAM):
        start = _header_without(content, _J2K_START_OF_TILE, lambda code: code == _J2K_COMMENT)
        tiles = _tiles_of(start.pop()) if start else None
        return b"".join([*start, tiles]) if tiles else None
    parts = _header_without(content, _START_OF_SCAN, _is_personal)
    if not parts:
        return None
    scan = parts.pop()
    after = _AFTER_SCAN.search(scan, 2 + int.from_bytes(scan[2:4], "big"))
    if not after or after.group() != _END:
        return None
    return b"".join([*parts, scan[: after.end()]])


def _tiles_of(content: bytes) -> bytes | None:
    """Return tile-parts and the end of a JPEG 2000 stream (T.800 A.4.2); None where one has a comment or is broken."""
    position = 0
    while content[position : position + 2] == b"\xff\x90":
        length = int.from_bytes(content[position + 6 : position + 10], "big")
        if length == 0:  # the last one, up to the end of the stream
            length = content.rfind(_END) - position
        data = content.find(_J2K_START_OF_DATA, position, position + length)
        if length < _J2K_TILE_HEADER or data < 0 or not _is_without_comment(content[position:data]):
            return None
        position += length
    return content[: position + 2] if content[position : position + 2] == _END else None


def _is_without_comment(header: bytes) -> bool:
    position = _J2K_TILE_HEADER
    while position + 4 <= len(header):
        if header[position + 1] == _J2K_COMMENT:
            return False
        position += 2 + int.from_bytes(header[position + 2 : position + 4], "big")
    return position == len(header)


def has_spare_room(content: bytes) -> bool:
    """Return whether an RLE frame's header (PS3.5 annex G) holds anything beyond its segments' offsets."""
    count = int.from_bytes(content[:4], "little")
    return any(content[4 + 4 * count : 64])


def _is_personal(code: int) -> bool:
    return code == 0xFE or 0xE0 <= code <= 0xEF


def _header_without(content: bytes, stop: int, drop: Callable[[int], bool]) -> list[bytes]:
    """Return the kept segments and, last, all from the marker ``stop`` on; nothing where the header is broken."""
    kept, position = [content[:2]], 2
    while position + 4 <= len(content) and content[position] == 0xFF:
        code = content[position + 1]
        if code == stop:
            return [*kept, content[position:]]
        end = (
            position + 1 if code == 0xFF else position + 2 + int.from_bytes(content[position + 2 : position + 4], "big")
        )
        if code != 0xFF and not drop(code):
            kept.append(content[position:end])
        position = end
    return []
