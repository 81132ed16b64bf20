"""What a rendition looks like as a surface: fineness, grey levels, layout, coarse picture, grain.

A network that was trained to find fractures keeps little of what tells a radiograph from a photograph, so these are
measured on the pixels that it reads. Responsible for numbers of one picture; not for what is usual. NumPy and Pillow.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Side of the square that is measured, px.
SIDE: Final = 192
#: Side of a cell in which a flat surround is looked for, px.
_CELL: Final = 4
_SCALES: Final = 5
_QUANTILES: Final = (0.25, 0.5, 0.75, 0.9, 0.98)
_GREYS: Final = 12
_COARSE: Final = 8
#: A surround is darker than this, or lighter: shutters, collimation, unexposed film.
_DARK: Final = 0.06
_LIGHT: Final = 0.9
#: Fewer pixels than this say nothing of a surface.
_ENOUGH: Final = 200
_EDGE: Final = SIDE // 12

#: Measures of fineness, grey levels, layout, coarse picture and grain.
BLOCKS: Final = (30, 12, 9, 64, 128)

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


def surface(rendition: NDArray[np.uint8]) -> Floats:
    """Return (243,) measures of a rendition (side, side) uint8, in the order of `BLOCKS`."""
    picture, shown = shuttered(rendition)
    blocks = (
        _fineness(picture, _inner(shown)),
        _greys(picture, shown),
        _layout(picture, shown),
        _coarse(picture),
        _grain(picture),
    )
    return np.concatenate(blocks)


def shown_share(measures: Floats) -> float:
    """Return the share of a picture that is no flat surround, of its measures: 0 of an even picture."""
    return float(measures[BLOCKS[0] + BLOCKS[1]])


def shuttered(rendition: NDArray[np.uint8]) -> tuple[Floats, Mask]:
    """Return the picture (192, 192) in 0..1 with its surround black, and where it is no surround.

    The surround is what is even, very dark or very light, and connected to the border: a white one is the same film
    without its shutter, as MONOCHROME1 detectors send it. The rest is stretched between its own percentiles.
    """
    small = Image.fromarray(rendition).resize((SIDE, SIDE), Image.Resampling.BOX)
    picture = np.asarray(small, np.float32) / np.float32(255)
    dark, light = (_cells(picture < _DARK), _cells(picture > _LIGHT))
    around = _connected_to_border(dark | light)
    shown = ~around.repeat(_CELL, 0).repeat(_CELL, 1)
    return _stretched(picture, shown), shown


def _cells(flat: Mask) -> Mask:
    """Return where every pixel of a cell is flat."""
    return _every_four(_every_four(flat))


def _connected_to_border(flat: Mask) -> Mask:
    """Return the cells that a walk over flat cells reaches from the border."""
    reached = np.zeros_like(flat)
    reached[[0, -1]] = flat[[0, -1]]
    reached[:, [0, -1]] = flat[:, [0, -1]]
    while True:
        grown = reached.copy()
        grown[1:] |= reached[:-1]
        grown[:-1] |= reached[1:]
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        grown &= flat
        if (grown == reached).all():
            return reached
        reached = grown


def _stretched(picture: Floats, shown: Mask) -> Floats:
    if shown.sum() <= _ENOUGH:
        return np.zeros_like(picture)
    low, high = np.quantile(picture[shown], (0.01, 0.99))
    scaled = np.clip((picture - low) / (high - low + 1e-3), 0, 1)
    return np.where(shown, scaled, 0).astype(np.float32)


def _fineness(picture: Floats, shown: Mask) -> Floats:
    """Return (30,) logarithms of what each scale loses to the next coarser one: quantiles and root mean square."""
    values: list[float] = []
    for _ in range(_SCALES):
        coarser = _halved(picture)
        lost = np.abs(picture - _doubled(coarser))
        inside = lost[shown] if shown.any() else lost.ravel()
        values += np.log(np.quantile(inside, _QUANTILES) + 2e-3).tolist()
        values.append(0.5 * float(np.log((inside**2).mean() + 1e-5)))
        picture = coarser
        shown = _every_four(shown)
    return np.array(values, np.float32)


def _greys(picture: Floats, shown: Mask) -> Floats:
    """Return (12,) square roots of the shares of grey levels inside the surround."""
    inside = picture[shown] if shown.any() else picture.ravel()
    return np.sqrt(np.histogram(inside, _GREYS, (0, 1))[0] / inside.size).astype(np.float32)


def _layout(picture: Floats, shown: Mask) -> Floats:
    """Return (9,): how much of the whole, of each edge and of the middle is shown; how unlike its mirrors it is."""
    third = SIDE // 3
    places = (
        shown,
        shown[:_EDGE],
        shown[-_EDGE:],
        shown[:, :_EDGE],
        shown[:, -_EDGE:],
        shown[third:-third, third:-third],
    )
    mirrors = (picture[:, ::-1], picture[::-1], picture.T)
    unlike = [np.abs(picture - mirror).mean() for mirror in mirrors]
    return np.array([*(place.mean() for place in places), *unlike], np.float32)


def _coarse(picture: Floats) -> Floats:
    """Return (64,) means of a grid of 8 × 8."""
    return _means(picture).ravel()


def _inner(shown: Mask) -> Mask:
    """Return what is shown without the cells next to the surround: that edge is a shutter's, not a body's."""
    cells = shown[::_CELL, ::_CELL]
    inner = cells.copy()
    inner[1:] &= cells[:-1]
    inner[:-1] &= cells[1:]
    inner[:, 1:] &= cells[:, :-1]
    inner[:, :-1] &= cells[:, 1:]
    return inner.repeat(_CELL, 0).repeat(_CELL, 1)


def _grain(picture: Floats) -> Floats:
    """Return (128,) logarithms of the root mean square of what two scales lose, each in a grid of 8 × 8."""
    values = []
    for _ in range(2):
        half = _halved(picture)
        values.append(0.5 * np.log(_means((picture - _doubled(half)) ** 2) + 1e-5).ravel())
        picture = _halved(half)
    return np.concatenate(values).astype(np.float32)


def _means(picture: Floats) -> Floats:
    """Return (8, 8) means of a square picture."""
    cell = picture.shape[0] // _COARSE
    rows = picture.reshape(_COARSE, cell, -1).mean(1)
    return np.asarray(rows.reshape(_COARSE, _COARSE, cell).mean(2))


# Four strided views are several times as fast as a reduction over two axes of length two.


def _halved(picture: Floats) -> Floats:
    """Return the means of 2 × 2 pixels."""
    total = picture[::2, ::2] + picture[::2, 1::2] + picture[1::2, ::2] + picture[1::2, 1::2]
    return np.asarray(total / np.float32(4))


def _every_four(flags: Mask) -> Mask:
    """Return whether all of 2 × 2 pixels are set."""
    return np.asarray(flags[::2, ::2] & flags[::2, 1::2] & flags[1::2, ::2] & flags[1::2, 1::2])


def _doubled(picture: Floats) -> Floats:
    """Return every pixel as 2 × 2."""
    return picture.repeat(2, 0).repeat(2, 1)
