"""Where a logit comes from: the closed form for pooled features and one dense logit.

For features f (h, w, c), pooled by their mean, and a dense logit with kernel k (c,) and bias b,

    logit = mean over cells of (f · k) + b,

so f · k is what each cell contributes (class-activation map, Zhou et al. 2016), and Grad-CAM's weights on the *logit*
(Selvaraju et al. 2017) are k / (h·w): the two maps differ by that constant only. No gradient tape is needed. A map
on the probability would be another one. Responsible for the map, its stored form and its regions; not for colour or
opacity, which are the viewer's. Needs only NumPy and Pillow.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: x0, y0, x1, y1 as fractions.
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Head:
    """The dense layer after the pooling: `kernel` (channels,) float32 and `bias`."""

    kernel: NDArray[np.float32]
    bias: float

    def __post_init__(self) -> None:
        if self.kernel.ndim != 1:
            raise ValueError(f"Expected a kernel of shape (channels,). Received: {self.kernel.shape}.")


def activation_map(features: NDArray[np.floating], head: Head) -> NDArray[np.float32]:
    """Return what each cell contributes to the logit, (h, w) float32: its mean plus the bias is the logit.

    Args:
        features: (h, w, channels), as the model answered them.
        head: of the same model.

    Raises:
        ValueError: features and head do not belong together.
    """
    if features.ndim != 3 or features.shape[-1] != head.kernel.shape[0]:
        raise ValueError(f"Expected features (h, w, {head.kernel.shape[0]}) for this head. Received: {features.shape}.")
    contributions: NDArray[np.float32] = np.asarray(features, np.float32) @ head.kernel
    return contributions


def visible(contributions: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the positive part of a map divided by its largest value, 0..1; all 0 where nothing speaks for the finding.

    The scale is the picture's own: equal brightness in two pictures does not mean equal logits.
    """
    positive: NDArray[np.float32] = np.maximum(np.asarray(contributions, np.float32), np.float32(0))
    largest = float(positive.max(initial=0.0))
    return (positive / np.float32(largest)).astype(np.float32) if largest > 0 else positive


def encode_map(contributions: NDArray[np.floating]) -> bytes:
    """Return the visible map as an 8-bit grey PNG of h × w pixels, one a cell."""
    levels = np.rint(visible(contributions) * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, "PNG")
    return buffer.getvalue()


def regions(
    contributions: NDArray[np.floating], content: Box = (0.0, 0.0, 1.0, 1.0), *, threshold: float = 0.5, most: int = 3
) -> list[Box]:
    """Return boxes around the connected cells that contribute most, the strongest first.

    Args:
        contributions: (h, w), from `activation_map`.
        content: where the radiograph lies in the rendition, from `Preprocessing.content_box`.
        threshold: a cell belongs to a region from this share of the largest contribution on.
        most: at most so many boxes.

    Returns:
        x0, y0, x1, y1 as fractions of the radiograph; cells outside of it are cut off.
    """
    shown = visible(contributions)
    strong = shown >= threshold if shown.any() else np.zeros(shown.shape, bool)
    found: list[tuple[float, Box]] = []
    while strong.any():
        cells = _taken_component(strong)
        box = _in_radiograph(cells, shown.shape, content)
        if box is not None:
            found.append((float(shown[tuple(cells.T)].max()), box))
    found.sort(key=lambda pair: -pair[0])
    return [box for _, box in found[:most]]


def _taken_component(strong: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the cells (n, 2) of one 4-connected component and clear them in `strong`."""
    rows, columns = strong.shape
    first = np.argwhere(strong)[0]
    waiting = [(int(first[0]), int(first[1]))]
    strong[waiting[0]] = False
    cells = []
    while waiting:
        row, column = waiting.pop()
        cells.append((row, column))
        for next_row, next_column in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            if 0 <= next_row < rows and 0 <= next_column < columns and strong[next_row, next_column]:
                strong[next_row, next_column] = False
                waiting.append((next_row, next_column))
    return np.array(cells, np.int64)


def _in_radiograph(cells: NDArray[np.int64], shape: tuple[int, ...], content: Box) -> Box | None:
    """Return the box of the cells in fractions of the radiograph, or None where they lie beside it."""
    top, left = cells.min(axis=0)
    bottom, right = cells.max(axis=0) + 1
    width, height = content[2] - content[0], content[3] - content[1]
    x0, x1 = (min(1.0, max(0.0, (value / shape[1] - content[0]) / width)) for value in (left, right))
    y0, y1 = (min(1.0, max(0.0, (value / shape[0] - content[1]) / height)) for value in (top, bottom))
    return (float(x0), float(y0), float(x1), float(y1)) if x1 > x0 and y1 > y0 else None
