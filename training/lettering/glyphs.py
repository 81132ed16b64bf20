"""Cuts marks out of a picture as the reader sees them: square, of one size, ink bright, upright."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE: Final = 16
_INNER: Final = 14
#: What the reader tells apart. Letters of either case are one; shapes that cannot be told apart are one: O and 0,
#: I, l and 1. ``?`` is a letter of another script or a sign, ``~`` no letter at all.
CLASSES: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ23456789/?~"
_SAME: Final = {"0": "O", "1": "I", "l": "I", "|": "I", "i": "I"}


def class_of(letter: str) -> int:
    """Return the class of a letter as it is drawn."""
    folded = _SAME.get(letter) or letter.upper()
    return CLASSES.index(folded if folded in CLASSES else "?")


def glyphs_of(ink: NDArray[np.uint8], boxes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return (marks, SIDE * SIDE) of 0..1 for boxes (left, top, right, bottom, ...) in a picture of ink."""
    return np.stack([_glyph(ink[top:bottom, left:right]) for left, top, right, bottom in boxes[:, :4]])


def _glyph(cut: NDArray[np.uint8]) -> NDArray[np.float32]:
    rows, columns = cut.shape
    scale = _INNER / max(rows, columns)
    size = max(1, round(columns * scale)), max(1, round(rows * scale))
    inner = np.asarray(Image.fromarray(cut).resize(size, Image.Resampling.BILINEAR), np.float32)
    glyph = np.zeros((SIDE, SIDE), np.float32)
    top, left = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    glyph[top : top + size[1], left : left + size[0]] = inner / max(1.0, float(inner.max()))
    return glyph.ravel()
