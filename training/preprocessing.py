"""From the grey levels of a radiograph to what a model reads, and back from its fractions.

Responsible for the one path that training and serving share: aspect kept, centred letterbox, antialiased, intensities
stretched between robust percentiles. Not responsible for decoding files or for photometric interpretation: grey
levels come in with larger meaning brighter (the sense of MONOCHROME2). Needs only NumPy and Pillow.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Raised whenever the same fields would give other pixels; part of the digest. 1 went to its size in one step.
ALGORITHM: Final = 2
_ALGORITHMS: Final = (1, ALGORITHM)
#: px. Algorithm 2 shrinks a larger picture to this longest side first, so that an original of 3,000 px and the small
#: copy that data sets hold of it become the same rendition: their noise was averaged away in the same step.
SMALL: Final = 512
#: So many rows go into floating point at once: the whole of a large picture would take as much again as all else.
_STRIP: Final = 256
#: Pillow shrinks by whole factors first as long as this much room is left for the antialiased step.
_REDUCING_GAP: Final = 3.0


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a radiograph becomes the square that a model reads.

    Attributes:
        size: side of the square, px.
        low: percentile of the picture's grey levels that becomes black.
        high: percentile that becomes white.
        algorithm: which pixels the same fields give; a model reads by the one that it was fitted with.
    """

    size: int
    low: float = 0.5
    high: float = 99.5
    algorithm: int = ALGORITHM

    def __post_init__(self) -> None:
        if not 16 <= self.size <= 4096:
            raise ValueError(f"Expected a size of 16 to 4096 px. Received: {self.size}.")
        if not 0 <= self.low < self.high <= 100:
            raise ValueError(f"Expected 0 <= low < high <= 100. Received: {self.low} and {self.high}.")
        if self.algorithm not in _ALGORITHMS:
            expected = " or ".join(map(str, _ALGORITHMS))
            raise ValueError(f"Expected preprocessing algorithm {expected}. Received: {self.algorithm!r}.")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the preprocessing that `to_dict` described.

        Raises:
            ValueError: no known algorithm wrote it, or a field is unknown or missing.
        """
        known = {field.name for field in fields(cls)}
        if set(data) != known:
            raise ValueError(f"Expected the fields {sorted(known)}. Received: {sorted(data)}.")
        return cls(
            size=int(data["size"]), low=float(data["low"]), high=float(data["high"]), algorithm=int(data["algorithm"])
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the canonical JSON: equal digests mean equal renditions."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def rendition(self, grey: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the square that the model reads.

        Args:
            grey: (rows, columns), uint8, uint16 or float32, larger is brighter.

        Returns:
            (size, size) uint8; outside the picture 0.

        Raises:
            ValueError: the array has another shape or type, or holds values that are not finite.
        """
        picture = self._resized(_checked(grey))
        square = np.zeros((self.size, self.size), np.uint8)
        top, left = self._offsets(*picture.shape)
        square[top : top + picture.shape[0], left : left + picture.shape[1]] = self._stretched(picture)
        return square

    def model_input(self, rendition: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return (1, size, size, 3) float32 in -1..1, three equal channels, of a (size, size) rendition.

        Raises:
            ValueError: the rendition has another size or type.
        """
        if rendition.shape != (self.size, self.size) or rendition.dtype != np.uint8:
            raise ValueError(
                f"Expected a rendition ({self.size}, {self.size}) of uint8. "
                f"Received: {rendition.shape} of {rendition.dtype}."
            )
        scaled = rendition.astype(np.float32) / np.float32(127.5) - np.float32(1)
        return np.repeat(scaled[np.newaxis, :, :, np.newaxis], 3, axis=3)

    def content_box(self, rows: int, columns: int) -> tuple[float, float, float, float]:
        """Return where a picture of rows × columns lies in its rendition: x0, y0, x1, y1 as fractions of the side."""
        height, width = self._fitted(rows, columns)
        top, left = self._offsets(height, width)
        return left / self.size, top / self.size, (left + width) / self.size, (top + height) / self.size

    @property
    def is_of_small_copy(self) -> bool:
        """Whether `small_copy(grey)` has the rendition of `grey`, so that one copy serves several models."""
        return self.algorithm > 1 and self.size <= SMALL

    @property
    def _side(self) -> int:
        """The longest side of the small copy, px; a model of many pixels is never given fewer."""
        return max(SMALL, self.size)

    def _fitted(self, rows: int, columns: int) -> tuple[int, int]:
        """Return height and width in px of the picture inside the square; rounded as often as it is shrunk."""
        if self.algorithm > 1:
            rows, columns = _small(self._side, rows, columns)
        return _within(self.size, rows, columns)

    def _offsets(self, height: int, width: int) -> tuple[int, int]:
        """Return the first row and column of a centred picture."""
        return (self.size - height) // 2, (self.size - width) // 2

    def _resized(self, grey: NDArray[Any]) -> NDArray[Any]:
        """Return the picture at its place's size, antialiased; more than 8 bits as float32."""
        height, width = self._fitted(*grey.shape)
        image = _image(small_copy(grey, self._side) if self.algorithm > 1 else grey)
        image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=_REDUCING_GAP)
        picture: NDArray[Any] = np.asarray(image)
        return picture

    def _stretched(self, picture: NDArray[Any]) -> NDArray[np.uint8]:
        """Return uint8 between the two percentiles; an even picture becomes black."""
        low, high = np.percentile(picture, (self.low, self.high))
        if high <= low:
            return np.zeros(picture.shape, np.uint8)
        scaled = (picture.astype(np.float32) - np.float32(low)) * np.float32(255.0 / (high - low))
        levels: NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
        return levels


def small_copy(grey: NDArray[Any], side: int = SMALL) -> NDArray[Any]:
    """Return (rows, columns) grey levels shrunk to a longest side in px, never enlarged; of more than 8 bits float32.

    Raises:
        ValueError: the array has another shape or type, or holds values that are not finite.
    """
    grey = _checked(grey)
    height, width = _small(side, *grey.shape)
    if (height, width) == grey.shape:
        return grey
    # Pillow goes across first and down second: strip by strip across gives the very same values.
    across = np.empty((grey.shape[0], width), np.uint8 if grey.dtype == np.uint8 else np.float32)
    for start in range(0, len(grey), _STRIP):
        strip = grey[start : start + _STRIP]
        across[start : start + _STRIP] = _image(strip).resize((width, len(strip)), Image.Resampling.LANCZOS)
    copy: NDArray[Any] = np.asarray(Image.fromarray(across).resize((width, height), Image.Resampling.LANCZOS))
    return copy


def _image(grey: NDArray[Any]) -> Image.Image:
    return Image.fromarray(grey if grey.dtype == np.uint8 else grey.astype(np.float32))


def _small(side: int, rows: int, columns: int) -> tuple[int, int]:
    return _within(side, rows, columns) if max(rows, columns) > side else (rows, columns)


def _within(side: int, rows: int, columns: int) -> tuple[int, int]:
    """Return height and width in px of a picture of rows × columns inside a square."""
    scale = side / max(rows, columns)
    return max(1, round(rows * scale)), max(1, round(columns * scale))


def _checked(grey: NDArray[Any]) -> NDArray[Any]:
    """Return a contiguous array, or say what is wrong with it."""
    if grey.ndim != 2 or not grey.size:
        raise ValueError(f"Expected grey levels of shape (rows, columns). Received: {grey.shape}.")
    if grey.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32)):
        raise ValueError(f"Expected uint8, uint16 or float32. Received: {grey.dtype}.")
    if grey.dtype == np.float32 and not np.isfinite(grey).all():
        raise ValueError("Expected finite grey levels. Received: NaN or infinity.")
    return np.ascontiguousarray(grey)
