"""What a radiograph looks like from its centre: a fingerprint that a rotation only shifts in phase.

Responsible for the grey levels inside the largest centred circle, sampled on rings and turned into angular
frequencies; not for comparing two of them (`training.inspection.candidates`). A rotated copy keeps that circle and
loses its corners, so nothing outside of it is looked at. A copy on a canvas that grew with it shows its picture
smaller; where even corners give that away, the picture has a second fingerprint of the circle inside its content.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import fft, ndimage, spatial

#: Side of the square that is looked at, px; rings, samples of a ring, and angular frequencies that are kept.
SIDE: Final = 160
RINGS: Final = 28
ANGLES: Final = 128
FREQUENCIES: Final = 48
#: What the frequencies weigh in a product over all samples of a ring: both signs of each, zero once.
WEIGHTS: Final = np.array([1.0] + [2.0] * (FREQUENCIES - 1), np.float32) / ANGLES


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One picture, as it is compared.

    Attributes:
        square: (SIDE, SIDE) uint8, see `square`.
        fingerprint: (RINGS, FREQUENCIES) complex64 of length 1 under `WEIGHTS`.
    """

    square: NDArray[np.uint8]
    fingerprint: NDArray[np.complex64]


_FINE, _COARSE = 1.0, 6.0
_CENTRE: Final = (SIDE - 1) / 2
#: Below this spread of band-passed grey (of 255) a picture is even and looks like nothing.
_LEAST_SPREAD: Final = 0.15
#: Grey levels that a filled corner may differ by, and how convex its content is.
_FILL_TOLERANCE: Final = 6
_CONVEX: Final = 0.97
_LOOK: Final = 200


def square(grey: NDArray[Any], fraction: float = 1.0) -> NDArray[np.uint8]:
    """Return the centred square of a picture, (SIDE, SIDE) uint8, 0 to 255 between robust percentiles of its disc.

    Args:
        grey: (rows, columns), larger is brighter.
        fraction: side of the square as a fraction of the picture's shorter side.
    """
    rows, columns = grey.shape
    half = min(rows, columns) * fraction / 2
    box = (columns / 2 - half, rows / 2 - half, columns / 2 + half, rows / 2 + half)
    image = Image.fromarray(grey if grey.dtype == np.uint8 else grey.astype(np.float32))
    resized = image.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    picture = np.asarray(resized, np.float32)
    low, high = np.percentile(picture[_DISC], (0.5, 99.5))
    return np.asarray(np.clip(np.rint((picture - low) * (255 / max(high - low, 1e-6))), 0, 255), np.uint8)


def looks(grey: NDArray[Any]) -> tuple[Look, ...]:
    """Return how a picture looks: once as a rule; twice where its content is a smaller rectangle on an even canvas.

    Nothing where the picture is even: it looks like no other.
    """
    found = []
    for fraction in dict.fromkeys((1.0, content_fraction(grey))):
        picture = square(grey, fraction)
        fingerprint = _fingerprint(picture)
        if fingerprint is not None:
            found.append(Look(picture, fingerprint))
    return tuple(found)


def content_fraction(grey: NDArray[Any]) -> float:
    """Return the largest centred circle inside a picture's content, as a fraction of the largest in the picture.

    1.0 where the corners are not filled evenly, or what they enclose is not convex (bones on a black ground).
    """
    step = max(1, max(grey.shape) // _LOOK)
    small = grey[::step, ::step].astype(np.float32)
    small *= 255 / max(float(small.max()), 1.0)
    content = _content(small)
    if content is None or content.sum() < content.size / 5:
        return 1.0
    edge = np.argwhere(content & ~ndimage.binary_erosion(content))
    hull = spatial.ConvexHull(edge)
    if content.sum() < _CONVEX * hull.volume:
        return 1.0
    centre = (np.array(small.shape) - 1) / 2
    inside = float(-(hull.equations[:, :2] @ centre + hull.equations[:, 2]).max()) + 0.5
    fraction = inside / (min(small.shape) / 2)
    return round(fraction, 4) if 0.5 <= fraction <= 0.97 else 1.0


def _content(small: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """Return where a picture is not the even ground of its four corners; None where these differ."""
    corners = small[[0, 0, -1, -1], [0, -1, 0, -1]]
    if np.ptp(corners) > _FILL_TOLERANCE:
        return None
    even, _ = ndimage.label(np.abs(small - corners.mean()) <= _FILL_TOLERANCE)
    ground = np.isin(even, even[[0, 0, -1, -1], [0, -1, 0, -1]]) & (even > 0)
    content: NDArray[np.bool_] = ndimage.binary_opening(~ground, iterations=2)
    return content


def _fingerprint(picture: NDArray[np.uint8]) -> NDArray[np.complex64] | None:
    """Return angular frequencies of band-passed rings, of length 1 under `WEIGHTS`; None where the picture is even."""
    band = band_passed(picture, _FINE, _COARSE)
    rings = ndimage.map_coordinates(band, _PLACES, order=1)
    rings -= rings.mean()
    if rings.std() < _LEAST_SPREAD:
        return None
    frequencies = fft.rfft(rings, axis=1)[:, :FREQUENCIES].astype(np.complex64)
    length = np.sqrt((np.abs(frequencies) ** 2 * WEIGHTS).sum())
    return np.asarray(frequencies / length, np.complex64)


def band_passed(picture: NDArray[np.uint8], fine: float, coarse: float) -> NDArray[np.float32]:
    """Return what a Gaussian of `fine` px leaves and one of `coarse` px takes away, float32."""
    values = picture.astype(np.float32)
    left = ndimage.gaussian_filter(values, fine, truncate=3.0)
    return np.asarray(left - ndimage.gaussian_filter(values, coarse, truncate=3.0), np.float32)


def _places() -> NDArray[np.float64]:
    """Return rows and columns (2, RINGS, ANGLES) of the samples: rings of equal area out to the circle's rim."""
    radius = np.sqrt((np.arange(RINGS) + 0.5) / RINGS * 0.98 + 0.02)[:, np.newaxis] * (SIDE / 2 * 0.97)
    angle = np.arange(ANGLES) * (2 * np.pi / ANGLES)
    return np.stack([_CENTRE + radius * np.sin(angle), _CENTRE + radius * np.cos(angle)])


_PLACES: Final = _places()
_DISC: Final = np.hypot(*(np.mgrid[:SIDE, :SIDE] - _CENTRE)) < SIDE / 2
