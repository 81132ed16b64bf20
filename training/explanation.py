"""Where a logit comes from: the closed form for pooled features and the dense layers behind them.

For features f (h, w, c), pooled by their mean, and one dense logit with kernel k (c,) and bias b,

    logit = mean over cells of (f · k) + b,

so f · k is what each cell contributes (class-activation map, Zhou et al. 2016), and Grad-CAM's weights on the *logit*
(Selvaraju et al. 2017) are k / (h·w): the two maps differ by that constant only. With hidden ReLU layers between, k is
the derivative of the logit with respect to the pooled features at that picture, which is a product of the kernels
without the units that are off. No gradient tape is needed. A map on the probability would be another one. A network
with a map of its own is not explained but read: `located`. Responsible for the map, its stored form and its regions;
not for colour or opacity, which are the viewer's. Needs only NumPy and Pillow.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: x0, y0, x1, y1 as fractions.
Box = tuple[float, float, float, float]
#: Names of a served model's layers: the pooling, the hidden layers `hidden_0`, `hidden_1`, ... and the logits.
POOLED: Final = "pooled"
HIDDEN: Final = "hidden_{}"
LOGITS: Final = "head"


@dataclass(frozen=True, slots=True)
class Dense:
    """One dense layer: `kernel` (inputs, outputs) and `bias` (outputs,), float32."""

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.kernel.ndim != 2 or self.bias.shape != self.kernel.shape[1:]:
            raise ValueError(
                "Expected a kernel of shape (inputs, outputs) and a bias of shape (outputs,). "
                f"Received: {self.kernel.shape} and {self.bias.shape}."
            )


@dataclass(frozen=True, slots=True)
class Head:
    """The dense layers from pooled features to logits, in order, with ReLU between two of them.

    A network that does not pool has none (`layers` is empty): no map follows from its features.
    """

    layers: tuple[Dense, ...]

    def __post_init__(self) -> None:
        for before, after in zip(self.layers, self.layers[1:], strict=False):
            if before.kernel.shape[1] != after.kernel.shape[0]:
                raise ValueError(
                    f"Expected a layer of {before.kernel.shape[1]} inputs after one of as many outputs. "
                    f"Received: {after.kernel.shape[0]} inputs."
                )

    @classmethod
    def linear(cls, kernel: NDArray[np.floating], bias: float) -> Self:
        """Return the head of one logit: `kernel` (channels,) and its bias.

        Raises:
            ValueError: the kernel has another shape.
        """
        if kernel.ndim != 1:
            raise ValueError(f"Expected a kernel of shape (channels,). Received: {kernel.shape}.")
        return cls((Dense(kernel[:, np.newaxis].astype(np.float32), np.array([bias], np.float32)),))

    @classmethod
    def load(cls, stored: Mapping[str, NDArray[Any]]) -> Self:
        """Return the head of `head.npz`: `kernel_0`, `bias_0`, `kernel_1`, ..., or `kernel` and `bias` of format 1.

        Raises:
            ValueError: the arrays do not belong together.
        """
        if "kernel" in stored:
            return cls.linear(stored["kernel"], float(stored["bias"]))
        count = sum(name.startswith("kernel_") for name in stored)
        expected = {f"{array}_{number}" for array in ("kernel", "bias") for number in range(count)}
        if set(stored) != expected:
            raise ValueError(f"Expected the arrays {sorted(expected)} in a head. Received: {sorted(stored)}.")
        pairs = ((stored[f"kernel_{number}"], stored[f"bias_{number}"]) for number in range(count))
        return cls(tuple(Dense(kernel.astype(np.float32), bias.astype(np.float32)) for kernel, bias in pairs))

    @classmethod
    def of(cls, model: Any) -> Self:
        """Return the head of a served Keras model, found by its layers' names; empty where it does not pool."""
        names = {layer.name for layer in model.layers}
        if POOLED not in names:
            return cls(())
        hidden = [HIDDEN.format(number) for number in range(len(names)) if HIDDEN.format(number) in names]
        weights = [model.get_layer(name).get_weights() for name in (*hidden, LOGITS)]
        return cls(tuple(Dense(*(np.asarray(array, np.float32) for array in pair)) for pair in weights))

    @property
    def channels(self) -> int:
        """How many pooled features it reads; 0 for a network that does not pool."""
        return int(self.layers[0].kernel.shape[0]) if self.layers else 0

    @property
    def outputs(self) -> int:
        """How many logits it answers; 0 for a network that does not pool."""
        return int(self.layers[-1].kernel.shape[1]) if self.layers else 0

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Return what `head.npz` holds."""
        found = {}
        for number, layer in enumerate(self.layers):
            found[f"kernel_{number}"], found[f"bias_{number}"] = layer.kernel, layer.bias
        return found

    def logits(self, pooled: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the logits (..., outputs) of pooled features (..., channels)."""
        value = np.asarray(pooled, np.float32)
        for layer in self.layers[:-1]:
            value = np.maximum(value @ layer.kernel + layer.bias, np.float32(0))
        answered: NDArray[np.float32] = value @ self.layers[-1].kernel + self.layers[-1].bias
        return answered

    def derivative(self, pooled: NDArray[np.floating], output: int = 0) -> NDArray[np.float32]:
        """Return the derivative (channels,) of one logit with respect to pooled features (channels,)."""
        value, slopes = np.asarray(pooled, np.float32), []
        for layer in self.layers[:-1]:
            value = np.maximum(value @ layer.kernel + layer.bias, np.float32(0))
            slopes.append(value > 0)
        derivative: NDArray[np.float32] = self.layers[-1].kernel[:, output]
        for layer, slope in zip(reversed(self.layers[:-1]), reversed(slopes), strict=True):
            derivative = layer.kernel @ (derivative * slope)
        return derivative


def activation_map(features: NDArray[np.floating], head: Head, output: int = 0) -> NDArray[np.float32]:
    """Return what each cell contributes to a logit, (h, w) float32: Grad-CAM on the logit times the number of cells.

    For a head of one layer its mean plus the bias is the logit.

    Args:
        features: (h, w, channels), as the model answered them.
        head: of the same model.
        output: which of the logits.

    Raises:
        ValueError: features and head do not belong together, or there is no such logit.
    """
    if not head.layers:
        raise ValueError("Expected the head of a network that pools its features. Received one without layers.")
    if features.ndim != 3 or features.shape[-1] != head.channels:
        raise ValueError(f"Expected features (h, w, {head.channels}) for this head. Received: {features.shape}.")
    if not 0 <= output < head.outputs:
        raise ValueError(f"Expected one of {head.outputs} outputs, counted from 0. Received: {output}.")
    values = np.asarray(features, np.float32)
    contributions: NDArray[np.float32] = values @ head.derivative(values.mean(axis=(0, 1)), output)
    return contributions


def located(map_logits: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the probability of a fracture in each cell, (h, w) float32, of a network's own map of logits (h, w).

    Raises:
        ValueError: the map has another number of axes.
    """
    if map_logits.ndim != 2:
        raise ValueError(f"Expected a map of logits (h, w). Received: {map_logits.shape}.")
    # 1 / (1 + exp(-z)) in a form that does not overflow
    probabilities: NDArray[np.float32] = (0.5 * (1 + np.tanh(0.5 * np.asarray(map_logits, np.float64)))).astype(
        np.float32
    )
    return probabilities


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
