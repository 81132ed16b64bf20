"""Letters burnt into a radiograph: which lines may name somebody, and how regions of it are made dark for good.

Side markers and position words are known words and pass; they are never masked by the platform. Regions are in pixels
of the picture as it is displayed, which has square pixels.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studies.dicom.deidentify.words import IN_PIXELS
from training import lettering
from training.frames import Frame

#: The part of an answer that is the picture of a file to be held, as PNG.
PICTURE: Final = "held picture"
_LONGEST: Final = 2048
_BURNED_IN_ANNOTATION: Final = "00280301"


def look_for(frame: Frame, header: Mapping[str, Any] | None) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return whether a frame is to be held, its lines that may name somebody, its displayed size, and its picture.

    A header that says itself that something is burnt in is believed, also where no line is found.
    """
    grey = _grey(frame)
    rows, columns = grey.shape
    lines = [asdict(_with_margin(line, rows, columns)) for line in lines_of(grey)]
    is_held = bool(lines) or _announces_text(header)
    head = {"is_held": is_held, "lettering": lines, "displayed": {"rows": rows, "columns": columns}}
    return head, {PICTURE: _picture(grey)} if is_held else {}


def _announces_text(header: Mapping[str, Any] | None) -> bool:
    said = (header or {}).get("kept", {}).get(_BURNED_IN_ANNOTATION, {}).get("Value", [])
    return "YES" in said


def lines_of(grey: NDArray[np.uint8]) -> list[lettering.Line]:
    """Return the lines of letters in a picture (rows, columns) of displayed grey levels that may name somebody."""
    return lettering.lines_of(grey, _vocabulary())


def _with_margin(line: lettering.Line, rows: int, columns: int) -> lettering.Line:
    """Return a line with room around it for what of its letters was not found: soft edges, accents, a comma."""
    room = max(3, min(line.width, line.height) // 2)
    left, top = max(0, line.left - room), max(0, line.top - room)
    right, bottom = min(columns, line.left + line.width + room), min(rows, line.top + line.height + room)
    return lettering.Line(left, top, right - left, bottom - top, line.marks)


def masked(frame: Frame, regions: Sequence[Sequence[int]]) -> Frame:
    """Return a frame whose regions (left, top, width, height) are as dark as its darkest value; it is encoded anew."""
    pixels = frame.pixels.copy()
    dark = pixels.max() if frame.is_inverted else pixels.min()
    rows, columns = frame.grey_scale.square_shape(frame.rows, frame.columns)
    for left, top, width, height in regions:
        across = _stored(left, left + width, frame.columns, columns)
        down = _stored(top, top + height, frame.rows, rows)
        pixels[down, across] = dark
    return replace(frame, pixels=pixels, source=None)


def _stored(first: int, last: int, stored: int, displayed: int) -> slice:
    """Return the stored rows or columns that a stretch of displayed ones touches."""
    return slice(max(0, first * stored // displayed), max(0, -(-last * stored // displayed)))


@functools.cache
def _vocabulary() -> lettering.Vocabulary:
    return lettering.Vocabulary.of(IN_PIXELS)


def _grey(frame: Frame) -> NDArray[np.uint8]:
    grey = frame.grey()
    return np.asarray(grey if grey.dtype == np.uint8 else grey >> 8, np.uint8)


def _picture(grey: NDArray[np.uint8]) -> bytes:
    image, buffer = Image.fromarray(grey), io.BytesIO()
    image.reduce(max(1, -(-max(grey.shape) // _LONGEST))).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
