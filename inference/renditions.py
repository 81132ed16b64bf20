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
from training.preprocessing import SMALL, Preprocessing, small_copy

#: Stands where a model's rendition has the digest of its preprocessing.
PREVIEW: Final = f"preview-{SMALL}"


def render(frame: Frame, preprocessings: Iterable[Mapping[str, Any]]) -> dict[str, bytes]:
    """Return PNG files by preprocessing digest: the preview, and one for each preprocessing.

    Args:
        frame: A decoded radiograph.
        preprocessings: What ``Preprocessing.to_dict`` returned, for each model that will read it.
    """
    grey = frame.grey()
    small = small_copy(grey)
    files = {PREVIEW: encode(_preview(small))}
    for described in preprocessings:
        preprocessing = Preprocessing.from_dict(described)
        # Most models read the copy that the preview shows: shrinking costs more than all that follows.
        source = small if preprocessing.is_of_small_copy else grey
        files[preprocessing.digest] = encode(preprocessing.rendition(source))
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


def _preview(small: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a small copy as (rows, columns) uint8: of 16 bits the upper eight."""
    return small if small.dtype == np.uint8 else np.clip(small / 256, 0, 255).astype(np.uint8)
