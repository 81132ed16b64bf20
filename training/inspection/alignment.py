"""Whether two pictures are one radiograph, once the one is turned like the other: their fine structure decides.

Responsible for the correlation of two aligned pictures; not for which pairs are asked. Bones of two people look
alike when small; their trabeculae, edges and noise do not. So what is compared are band-passed grey levels, divided by
their local spread, which weighs faint structure like bright bone and makes exposure and black corners unimportant.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import fft, ndimage

from training.inspection.fingerprints import SIDE, band_passed

_FINE, _COARSE, _LOCAL = 0.8, 3.0, 6.0
#: Spread (of 255 grey levels) below which an area is even.
_EVEN: Final = 1.5
#: Px by which an aligned copy may still be displaced.
_ROOM: Final = 6
_CENTRE: Final = (SIDE - 1) / 2
_RADIUS: Final = np.hypot(*(np.mgrid[:SIDE, :SIDE] - _CENTRE)).astype(np.float32)
_WINDOW: Final = np.clip((SIDE / 2 * 0.95 - _RADIUS) / 6, 0, 1).astype(np.float32)


def likeness(first: NDArray[np.uint8], second: NDArray[np.uint8], degrees: float, *, mirrored: bool) -> float:
    """Return the correlation of fine structure, -1 to 1, of two squares (`fingerprints.square`).

    Args:
        first: stays as it is.
        second: is turned.
        degrees: by which the second is turned, as `candidates.turn` tells it.
        mirrored: whether the second is mirrored before.
    """
    upright = second[::-1] if mirrored else second
    turned = Image.fromarray(np.ascontiguousarray(upright)).rotate(-degrees, resample=Image.Resampling.BICUBIC)
    product = fft.rfft2(_structure(first)) * fft.rfft2(_structure(np.asarray(turned))).conj()
    correlation: NDArray[Any] = fft.irfft2(product, s=first.shape)
    near = np.r_[-_ROOM : _ROOM + 1]
    return float(correlation[np.ix_(near, near)].max())


def _structure(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the fine structure inside the circle, of mean 0 and length 1; all 0 where the picture is even."""
    band = band_passed(picture, _FINE, _COARSE)
    spread = np.sqrt(np.maximum(ndimage.gaussian_filter(band * band, _LOCAL, truncate=2.5), 0))
    structure = band / (spread + _EVEN) * _WINDOW
    structure -= structure.sum() / _WINDOW.sum() * _WINDOW
    length = float(np.linalg.norm(structure))
    return np.asarray(structure / length if length > 0 else structure, np.float32)
