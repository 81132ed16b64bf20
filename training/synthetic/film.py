"""From what attenuates to grey levels: texture, exposure, noise, collimation and the letter of the side.

Responsible for one film; not for bones or fractures. Needs only NumPy and Pillow.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont


def grain(size: tuple[int, int], random: np.random.Generator) -> NDArray[np.float32]:
    """Return the texture of spongy bone, about 0..1: noise of two scales."""
    rows, columns = size
    total = np.zeros(size, np.float32)
    for cell, weight in ((3, 0.5), (8, 0.5)):
        noise = random.random((rows // cell + 2, columns // cell + 2), np.float32)
        total += weight * np.asarray(Image.fromarray(noise).resize((columns, rows), Image.Resampling.BICUBIC))
    return total


def exposed(
    attenuation: NDArray[np.float32], size: tuple[int, int], random: np.random.Generator
) -> NDArray[np.float32]:
    """Return grey levels 0..1: saturation of the detector, uneven beam, quantum noise, collimation."""
    rows, columns = size
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    beam = 1 + 0.05 * ((x / columns - 0.5) * random.uniform(-1, 1) + (y / rows - 0.5) * random.uniform(-1, 1))
    grey = 1 - np.exp(-random.uniform(1.15, 1.4) * attenuation * beam)
    noise = random.normal(0, 1, size).astype(np.float32)
    grey = grey + 0.012 * (1.2 - grey) * noise + 0.035
    edge = [int(value) for value in random.uniform(0, 0.03, 4) * np.array([rows, rows, columns, columns])]
    mask = np.zeros(size, np.float32)
    mask[edge[0] : rows - edge[1], edge[2] : columns - edge[3]] = 1
    soft = smoothed(mask, 3)
    exposed: NDArray[np.float32] = np.clip(grey * soft, 0, 1).astype(np.float32)
    return exposed


def smoothed(layer: NDArray[np.float32], cell: float) -> NDArray[np.float32]:
    """Return a layer without detail finer than `cell` px: shrunk by its mean, enlarged again."""
    rows, columns = layer.shape
    small = (max(2, round(columns / cell)), max(2, round(rows / cell)))
    shrunk = Image.fromarray(layer).resize(small, Image.Resampling.BOX)
    return np.asarray(shrunk.resize((columns, rows), Image.Resampling.BICUBIC), np.float32)


def marked(grey: NDArray[np.float32], side: str, random: np.random.Generator) -> None:
    """Lay the letter of the side, as of lead, into a corner where nothing is."""
    rows, columns = grey.shape
    height = max(8, rows // 22)
    letter = Image.new("L", (height, height))
    ImageDraw.Draw(letter).text((height // 5, 0), side[0].upper(), fill=255, font=ImageFont.load_default(height))
    alpha = np.asarray(letter, np.float32) / 255
    corners = [(int(rows * y), int(columns * x)) for y in (0.07, 0.86) for x in (0.07, 0.86)]
    emptiness = [
        grey[top : top + height, left : left + height].mean() + 0.01 * random.random() for top, left in corners
    ]
    top, left = corners[int(np.argmin(emptiness))]
    patch = grey[top : top + height, left : left + height]
    np.maximum(patch, alpha[: patch.shape[0], : patch.shape[1]] * 0.97, out=patch)


def quantised(grey: NDArray[np.float32], bits: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return grey levels 0..1 as uint8, or as uint16 up to 4095."""
    if bits == 8:
        return np.rint(grey * 255).astype(np.uint8)
    return np.rint(grey * 4095).astype(np.uint16)
