"""Finds marks in a picture: connected, sharp, as large as letters, lighter or darker than what is around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

#: The longest side that is looked at, pixels; larger pictures are shrunk by a whole factor.
LONGEST: Final = 1600
#: Grey levels, of 255, between a mark and the mean around it. At the low one faint letters are whole, at the high one
#: bright letters that stand close are apart.
CONTRASTS: Final = (20, 80)
_RADIUS: Final = 12
TALL: Final = (6, 64)
_RUNS: Final = 400_000


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks of one polarity.

    ``boxes`` is (marks, 6): left, top, right, bottom, pixels of ink, runs of ink over all rows. ``ink`` is how far each
    pixel of the shrunken picture stands out (rows, columns).
    """

    boxes: NDArray[np.int64]
    ink: NDArray[np.uint8]


def shrunk(grey: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int]:
    """Return a picture of at most ``LONGEST`` pixels a side and the whole factor by which it is smaller."""
    step = max(1, -(-max(grey.shape) // LONGEST))
    return (np.asarray(Image.fromarray(grey).reduce(step)) if step > 1 else np.ascontiguousarray(grey)), step


def marks_of(small: NDArray[np.uint8]) -> list[Marks]:
    """Return the light marks and the dark marks of a picture, at each contrast."""
    image = Image.fromarray(small)
    around = image.filter(ImageFilter.BoxBlur(_RADIUS))
    inks = [np.asarray(ImageChops.subtract(*pair)) for pair in ((image, around), (around, image))]
    return [_marks(ink, contrast) for ink in inks for contrast in CONTRASTS]


def _marks(ink: NDArray[np.uint8], contrast: int) -> Marks:
    rows, starts, ends = _runs_of(ink > contrast)
    if not 0 < len(rows) <= _RUNS:
        return Marks(np.zeros((0, 6), np.int64), ink)
    labels = _labelled(rows, starts, ends)
    order = np.argsort(labels, kind="stable")
    first = np.flatnonzero(np.diff(labels[order], prepend=-1))
    rows, starts, ends = rows[order], starts[order], ends[order]
    boxes = np.stack(
        [
            np.minimum.reduceat(starts, first),
            np.minimum.reduceat(rows, first),
            np.maximum.reduceat(ends, first),
            np.maximum.reduceat(rows, first) + 1,
            np.add.reduceat(ends - starts, first),
            np.diff(first, append=len(rows)),
        ],
        axis=1,
    )
    return Marks(boxes[_are_letters(boxes)], ink)


def _are_letters(boxes: NDArray[np.int64]) -> NDArray[np.bool_]:
    wide, tall = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    filled = boxes[:, 4] / (wide * tall)
    low, high = np.minimum(wide, tall), np.maximum(wide, tall)
    are: NDArray[np.bool_] = (high >= TALL[0]) & (low <= TALL[1]) & (high <= 8 * TALL[1]) & (low >= 2) & (filled > 0.12)
    return are


def _runs_of(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return row, first and past-the-last column of every horizontal run."""
    columns = mask.shape[1] + 1
    padded = np.zeros((mask.shape[0], columns + 1), np.bool_)
    padded[:, 1:-1] = mask
    changes = np.flatnonzero(padded[:, 1:] != padded[:, :-1])
    starts, ends = changes[::2], changes[1::2]
    rows = starts // columns
    return rows, starts - rows * columns, ends - rows * columns


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
