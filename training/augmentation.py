"""Views of a rendition that keep its label: mirrored, turned, scaled, shifted, lighter, darker.

Responsible for one picture and the map of its boxes, moved by the same affine map; not for batches. Sharpness is
never changed: in radiograph collections resolution goes with the label, and a model that was taught to look at it
would cheat.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from training.dataset import Box


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far a view may go.

    Attributes:
        degrees: largest turn to either side.
        scale: largest relative change of size.
        shift: largest shift as a fraction of the side.
        contrast: largest relative change of contrast; brightness and gamma follow it.
        mirror: whether every other view is mirrored.
    """

    degrees: float = 15.0
    scale: float = 0.15
    shift: float = 0.06
    contrast: float = 0.25
    mirror: bool = True

    def view(
        self, rendition: NDArray[np.uint8], coverage: NDArray[np.uint8], random: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return a random view of a (size, size) rendition and of its coverage map of the same size."""
        matrix = self._matrix(rendition.shape[0], random)
        moved = _moved(rendition, matrix)
        levels = np.clip(self._levels(random), 0, 255).astype(np.uint8)
        return levels[moved], _moved(coverage, matrix) if coverage.any() else coverage

    def _matrix(self, size: int, random: np.random.Generator) -> tuple[float, ...]:
        """Return Pillow's six numbers: where a pixel of the view comes from."""
        angle = math.radians(random.uniform(-self.degrees, self.degrees))
        factor = 1.0 / math.exp(random.uniform(-self.scale, self.scale))
        mirror = random.choice((-1.0, 1.0)) if self.mirror else 1.0
        a, b = factor * math.cos(angle) * mirror, factor * math.sin(angle) * mirror
        d, e = -factor * math.sin(angle), factor * math.cos(angle)
        centre = size / 2
        x, y = (centre + random.uniform(-self.shift, self.shift) * size for _ in range(2))
        return a, b, x - a * centre - b * centre, d, e, y - d * centre - e * centre

    def _levels(self, random: np.random.Generator) -> NDArray[np.float64]:
        """Return the new grey level of each of the 256."""
        gamma = math.exp(random.uniform(-self.contrast, self.contrast))
        contrast = math.exp(random.uniform(-self.contrast, self.contrast))
        brightness = random.uniform(-self.contrast, self.contrast) * 64
        grey = (np.arange(256) / 255.0) ** gamma * 255
        levels: NDArray[np.float64] = (grey - 128) * contrast + 128 + brightness
        levels[0] = 0
        return levels


def as_input(squares: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (n, size, size, 3) float32 of n renditions, as `Preprocessing.model_input` does for one."""
    scaled = squares.astype(np.float32) / np.float32(127.5) - np.float32(1)
    return np.repeat(scaled[..., np.newaxis], 3, axis=-1)


def coverage(size: int, boxes: Sequence[Box], content: Box) -> NDArray[np.uint8]:
    """Return (size, size) uint8: 255 inside the boxes of a radiograph that lies at `content` in its rendition."""
    image = Image.new("L", (size, size))
    draw = ImageDraw.Draw(image)
    width, height = content[2] - content[0], content[3] - content[1]
    for x0, y0, x1, y1 in boxes:
        corners = [content[0] + x0 * width, content[1] + y0 * height, content[0] + x1 * width, content[1] + y1 * height]
        draw.rectangle([round(value * (size - 1)) for value in corners], fill=255)
    return np.asarray(image)


def cells(covered: NDArray[np.uint8], stride: int) -> NDArray[np.float32]:
    """Return (size/stride, size/stride) float32: the share of each cell of a feature map that is covered."""
    side = covered.shape[0] // stride
    blocks = covered.reshape(side, stride, side, stride)
    shares: NDArray[np.float32] = (blocks.mean(axis=(1, 3)) / 255).astype(np.float32)
    return shares


def _moved(picture: NDArray[np.uint8], matrix: tuple[float, ...]) -> NDArray[np.uint8]:
    image = Image.fromarray(picture)
    return np.asarray(image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR))
