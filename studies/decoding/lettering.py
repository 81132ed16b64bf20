"""Finds lines of letters burnt into a radiograph: rows of evenly tall, sharp, small marks. NumPy and Pillow only.

It does not read. A side marker (L, R) or a position word of few letters (AP, LAT, OBL) makes no line; a line of
``LETTERS`` or more is what a name, a number or a date would be, and is for a person to look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from training.frames import Frame

#: Marks of one line before it may be a name or a number; position words in use have at most four.
LETTERS: Final = 5
#: The longest side that is looked at, pixels; larger pictures are thinned.
LONGEST: Final = 1600
_CONTRAST: Final = 36
_RADIUS: Final = 12
_TALL: Final = (6, 64)
_RUNS: Final = 120_000
_MARKS: Final = 400


@dataclass(frozen=True, slots=True)
class Line:
    """Where a line of letters is, in pixels of the picture, and of how many marks it is made."""

    left: int
    top: int
    width: int
    height: int
    marks: int


def lines_of(grey: NDArray[np.uint8]) -> list[Line]:
    """Return the lines of letters in a picture (rows, columns) of displayed grey levels, light or dark ones."""
    step = max(1, -(-max(grey.shape) // LONGEST))
    small = np.ascontiguousarray(grey[::step, ::step])
    around = np.asarray(Image.fromarray(small).filter(ImageFilter.BoxBlur(_RADIUS)), np.int16)
    above = small.astype(np.int16) - around
    found = [line for mask in (above > _CONTRAST, above < -_CONTRAST) for line in _lines(_marks(mask))]
    return [
        Line(line.left * step, line.top * step, line.width * step, line.height * step, line.marks) for line in found
    ]


def masked(frame: Frame, regions: Sequence[Sequence[int]]) -> Frame:
    """Return a frame whose regions (left, top, width, height) are as dark as its darkest value; it is encoded anew."""
    pixels = frame.pixels.copy()
    dark = pixels.max() if frame.is_inverted else pixels.min()
    for left, top, width, height in regions:
        pixels[max(0, top) : max(0, top + height), max(0, left) : max(0, left + width)] = dark
    return replace(frame, pixels=pixels, source=None)


def lines_in(frame: Frame) -> list[dict[str, int]]:
    """Return the lines of letters in a frame as it is displayed, as plain values for JSON."""
    grey = frame.grey()
    shown = grey if grey.dtype == np.uint8 else grey >> 8
    return [asdict(line) for line in lines_of(shown.astype(np.uint8, copy=False))]


def _marks(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return boxes (left, top, right, bottom, pixels) of connected marks that are as tall and wide as letters."""
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    ends = np.nonzero(edges == -1)[1]
    if not 0 < len(rows) <= _RUNS:
        return np.zeros((0, 5), np.int64)
    labels = _labelled(rows, starts, ends)
    _, labels = np.unique(labels, return_inverse=True)
    count = int(labels.max()) + 1
    boxes = np.zeros((count, 5), np.int64)
    boxes[:, :2] = 1 << 30
    for column, values, reduce in ((0, starts, np.minimum), (1, rows, np.minimum), (2, ends, np.maximum),
                                   (3, rows + 1, np.maximum), (4, ends - starts, np.add)):  # fmt: skip
        reduce.at(boxes[:, column], labels, values)
    wide, tall = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    filled = boxes[:, 4] / (wide * tall)
    is_letter = (tall >= _TALL[0]) & (tall <= _TALL[1]) & (wide <= 1.6 * tall) & (filled > 0.12) & (filled < 0.98)
    return boxes[is_letter & (wide >= 2)]


def _labelled(rows: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return one label per connected component for runs of pixels: eight neighbours, smallest run's number."""
    upper, lower = _touching(rows, starts, ends)
    labels = np.arange(len(rows))
    while True:
        least = np.minimum(labels[upper], labels[lower])
        changed = labels.copy()
        np.minimum.at(changed, upper, least)
        np.minimum.at(changed, lower, least)
        changed = changed[changed]
        if np.array_equal(changed, labels):
            return labels
        labels = changed


def _touching(
    rows: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of runs in neighbouring rows that touch, also by a corner."""
    span = int(ends.max()) + 2
    key_of_end, key_of_start = rows * span + ends, rows * span + starts
    first = np.searchsorted(key_of_end, (rows - 1) * span + starts)
    last = np.searchsorted(key_of_start, (rows - 1) * span + ends, side="right")
    counts = np.maximum(0, last - first)
    lower = np.repeat(np.arange(len(rows)), counts)
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(first, counts) + offsets, lower


def _lines(marks: NDArray[np.int64]) -> list[Line]:
    if not LETTERS <= len(marks) <= _MARKS:
        return []
    left, top, right, bottom, _ = marks[np.argsort(marks[:, 0])].T
    taken = np.zeros(len(left), bool)
    found = []
    for first in range(len(left)):
        if taken[first]:
            continue
        chain = _chain(first, left, top, right, bottom)
        if len(chain) >= LETTERS:
            taken[chain] = True
            x, y = int(left[chain].min()), int(top[chain].min())
            found.append(Line(x, y, int(right[chain].max()) - x, int(bottom[chain].max()) - y, len(chain)))
    return found


def _chain(
    first: int, left: NDArray[np.int64], top: NDArray[np.int64], right: NDArray[np.int64], bottom: NDArray[np.int64]
) -> list[int]:
    """Follow marks to the right that stand on one line with the first, about as tall, at a letter's distance."""
    chain, last = [first], first
    tall = bottom - top
    while True:
        gap = left - right[last]
        allowed = max(4, int(1.3 * tall[last]))
        is_next = (gap > -2) & (gap <= allowed) & (np.abs(bottom - bottom[last]) <= 0.2 * tall[last] + 1)
        is_next &= (np.abs(tall - tall[first]) <= 0.35 * tall[first] + 1) & (np.arange(len(left)) > last)
        following = np.flatnonzero(is_next)
        if not len(following):
            return chain
        last = int(following[np.argmin(gap[following])])
        chain.append(last)
