"""The frame: one radiograph's stored pixels with everything that decides its grey levels."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.frames.greys import GreyScale

#: Raised whenever equal pixels would get another digest.
DIGEST_ALGORITHM: Final = 1
_REDUCING_GAP: Final = 3.0
#: So many rows are looked up at once: NumPy makes eight bytes of each index.
_STRIP: Final = 256


@dataclass(frozen=True, slots=True)
class Encoded:
    """One encoded frame and the DICOM transfer syntax that it is in."""

    content: bytes
    transfer_syntax: str


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One radiograph's pixels as stored, and how bright they are shown.

    Attributes:
        pixels: (rows, columns), uint8, uint16 or int16, as stored; unused high bits are cleared.
        photometric_interpretation: MONOCHROME1 (small is bright) or MONOCHROME2.
        bits_allocated: 8 or 16.
        bits_stored: bits that a value uses, the high bit is the last of them.
        is_signed: two's complement.
        grey_scale: rescale, window, tables and pixel aspect.
        decoder: name of the decoder that made the pixels.
        is_exact: whether every decoder makes these pixels of the same file.
        source: the encoding in which the frame came, where it may be kept so.
        is_film_photo: whether it was photographed from a film.
    """

    pixels: NDArray[Any]
    photometric_interpretation: str = "MONOCHROME2"
    bits_allocated: int = 8
    bits_stored: int = 8
    is_signed: bool = False
    grey_scale: GreyScale = field(default_factory=GreyScale)
    decoder: str = "exact"
    is_exact: bool = True
    source: Encoded | None = None
    is_film_photo: bool = False

    @property
    def rows(self) -> int:
        """Height in stored pixels."""
        return int(self.pixels.shape[0])

    @property
    def columns(self) -> int:
        """Width in stored pixels."""
        return int(self.pixels.shape[1])

    @property
    def is_inverted(self) -> bool:
        """Whether small values are bright."""
        return self.photometric_interpretation == "MONOCHROME1"

    def digest(self) -> str:
        """Return the SHA-256 (hex) over values, shape and all that decides grey levels.

        Pixels of an encoding that decoders read differently are bound to their decoder's name, those of an exact one
        are not: the same radiograph, uncompressed or RLE, has one digest.
        """
        facts = {
            "algorithm": DIGEST_ALGORITHM,
            "shape": [self.rows, self.columns],
            "photometric_interpretation": self.photometric_interpretation,
            "bits_stored": self.bits_stored,
            "is_signed": self.is_signed,
            "grey_scale": self.grey_scale.to_dict(),
            "decoder": "exact" if self.is_exact else self.decoder,
            "itemsize": self.pixels.dtype.itemsize,
        }
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode())
        little = self.pixels.astype(self.pixels.dtype.newbyteorder("<"), copy=False)
        digest.update(np.ascontiguousarray(little).data)
        return digest.hexdigest()

    @property
    def is_plain(self) -> bool:
        """Whether the stored values, or their complement, are 8-bit display grey already."""
        return self.bits_stored <= 8 and not self.is_signed and self.grey_scale.is_plain

    def shown_range(self) -> tuple[float, float]:
        """Return the modality values shown as darkest and brightest where neither window nor table says so.

        Eight bits and less: all that the bits can hold. More: the smallest and largest that occur, as viewers do.
        """
        known = known_range(self.bits_stored, is_signed=self.is_signed, grey_scale=self.grey_scale)
        return known or _ends(int(self.pixels.min()), int(self.pixels.max()), self.grey_scale)

    def grey(self, max_side: int | None = None) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """Return display grey, larger is brighter, with square pixels.

        Args:
            max_side: the longest side in px of what is returned; never enlarged. None: full size.

        Returns:
            (rows, columns) uint8 where the stored values are 8-bit display values already, else uint16 over 0..65535.
        """
        shown = self._shown()
        rows, columns = self.grey_scale.square_shape(self.rows, self.columns)
        if max_side and max(rows, columns) > max_side:
            scale = max_side / max(rows, columns)
            rows, columns = max(1, round(rows * scale)), max(1, round(columns * scale))
        return shown if shown.shape == (rows, columns) else _resized(shown, rows, columns)

    def _shown(self) -> NDArray[Any]:
        if self.is_plain:
            full = np.uint8(2**self.bits_stored - 1)
            pixels = full - self.pixels if self.is_inverted else self.pixels
            if full == 255:
                return np.ascontiguousarray(pixels)
            levels = np.rint(np.arange(int(full) + 1) * (255 / int(full))).astype(np.uint8)
            return np.asarray(levels[pixels])
        table = self._table()
        unsigned: NDArray[np.unsignedinteger] = self.pixels.view(f"u{self.pixels.dtype.itemsize}")
        shown = np.empty(unsigned.shape, table.dtype)
        for start in range(0, self.rows, _STRIP):
            strip = unsigned[start : start + _STRIP]
            np.take(table, strip & (len(table) - 1), out=shown[start : start + _STRIP], mode="clip")
        return shown

    def _table(self) -> NDArray[np.uint16]:
        """Return display grey by the low ``bits_stored`` bits of a stored value."""
        stored = np.arange(2**self.bits_stored, dtype=np.float64)
        if self.is_signed:
            stored[len(stored) // 2 :] -= len(stored)
        shown = self.grey_scale.display(stored, self.shown_range())
        return np.rint((1 - shown if self.is_inverted else shown) * 65535).astype(np.uint16)


def known_range(bits_stored: int, *, is_signed: bool, grey_scale: GreyScale) -> tuple[float, float] | None:
    """Return a frame's ``shown_range`` where no pixel is needed to say it, else None."""
    if bits_stored > 8:
        return None
    half = 2 ** (bits_stored - 1)
    low, high = (-half, half - 1) if is_signed else (0, 2 * half - 1)
    return _ends(low, high, grey_scale)


def _ends(low: int, high: int, grey_scale: GreyScale) -> tuple[float, float]:
    """Return the smallest and largest modality value of the stored values from low to high."""
    ends = grey_scale.modality(np.arange(low, high + 1, dtype=np.float64))
    return float(ends.min()), float(ends.max())


def _resized(grey: NDArray[Any], rows: int, columns: int) -> NDArray[Any]:
    """Return grey levels of the same type at another size, antialiased."""
    image = Image.fromarray(grey if grey.dtype == np.uint8 else grey.astype(np.float32))
    resized = np.asarray(image.resize((columns, rows), Image.Resampling.LANCZOS, reducing_gap=_REDUCING_GAP))
    if grey.dtype == np.uint8:
        return resized
    return np.asarray(np.clip(np.rint(resized), 0, 65535).astype(np.uint16))
