"""Renditions: the small lossless pictures that models read and lists show, made where a frame is decoded.

Pure: it needs no database, so that the child process that decodes can make them too.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.frames import Frame
from training.preprocessing import Preprocessing

PREVIEW_SIDE: Final = 512
#: Whole factors are averaged away first as long as this much room is left for the antialiased step.
_REDUCING_GAP: Final = 2.0
#: Stands where a model's rendition has the digest of its preprocessing.
PREVIEW: Final = f"preview-{PREVIEW_SIDE}"


def render(frame: Frame, preprocessings: Iterable[Mapping[str, Any]]) -> dict[str, bytes]:
    """Return PNG files by preprocessing digest: the preview, and one for each preprocessing.

    Args:
        frame: A decoded radiograph.
        preprocessings: What ``Preprocessing.to_dict`` returned, for each model that will read it.
    """
    grey = frame.grey()
    files = {PREVIEW: encode(_preview(grey))}
    for described in preprocessings:
        preprocessing = Preprocessing.from_dict(described)
        files[preprocessing.digest] = encode(preprocessing.rendition(grey))
    return files


def encode(picture: NDArray[np.uint8]) -> bytes:
    """Return an 8-bit grey picture (rows, columns) as PNG, compressed lightly: noise hardly shrinks any further."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def decode(file: bytes) -> NDArray[np.uint8]:
    """Return the (rows, columns) uint8 picture of a rendition's file."""
    with Image.open(io.BytesIO(file), formats=["PNG"]) as image:
        return np.asarray(image.convert("L"), np.uint8)


def _preview(grey: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Return (rows, columns) uint8, the longest side at most 512 px, never enlarged."""
    eight_bits = grey if grey.dtype == np.uint8 else (grey >> 8).astype(np.uint8)
    image = Image.fromarray(eight_bits)
    scale = min(1.0, PREVIEW_SIDE / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS, reducing_gap=_REDUCING_GAP))
