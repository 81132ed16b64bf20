"""Distances from what a model was fitted on: principal axes, and the pictures that lie nearest.

Responsible for numbers, NumPy only; not for what they mean nor for the bounds. A row is one picture's measures, split
into blocks that weigh the same however many measures they hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

#: Share of a block's own spread that is added to each measure's, so that a constant one is not blown up.
_FLOOR: Final = 0.05
#: A picture is as near as its 4th to 6th nearest neighbour: the first ones may be copies.
_NEIGHBOURS: Final = slice(3, 6)
_AT_ONCE: Final = 256

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Space:
    """The principal axes of rows.

    Attributes:
        mean: (measures,) of the rows.
        scale: (measures,) each is divided by.
        axes: (measures, axes) orthonormal.
        variances: (axes,) of the rows along them.
    """

    mean: Floats
    scale: Floats
    axes: Floats
    variances: Floats

    def __post_init__(self) -> None:
        measures, axes = self.axes.shape
        received = self.mean.shape, self.scale.shape, self.variances.shape
        if received != ((measures,), (measures,), (axes,)):
            raise ValueError(f"Expected a space of {measures} measures and {axes} axes. Received: {received}.")
        if not ((self.scale > 0).all() and (self.variances > 0).all()):
            raise ValueError("Expected scales and variances above 0. Received: others.")

    @classmethod
    def fit(cls, rows: Floats, blocks: Sequence[int], axes: int) -> Self:
        """Return the space of rows (n, measures).

        Args:
            rows: what is usual.
            blocks: how many measures each block has, in order.
            axes: how many are kept at most.
        """
        mean, spread = rows.mean(0), rows.std(0)
        ends = np.cumsum(blocks)[:-1]
        scale = np.concatenate(
            [_scale(*pair) for pair in zip(np.split(spread, ends), np.split(rows, ends, 1), strict=True)]
        )
        standard = (rows - mean) / scale
        values, vectors = np.linalg.eigh((standard.T @ standard).astype(np.float64) / len(rows))
        kept = [place for place in np.argsort(-values)[:axes] if values[place] > 1e-6 * values[-1]]
        return cls(mean, scale, vectors[:, kept].astype(np.float32), values[kept].astype(np.float32))

    @classmethod
    def from_arrays(cls, stored: Mapping[str, NDArray[Any]], prefix: str) -> Self:
        """Return the space that `arrays` described."""
        return cls(*(stored[f"{prefix}_{name}"].astype(np.float32) for name in ("mean", "scale", "axes", "variances")))

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return plain arrays by name; axes in half precision, which moves a distance by less than a thousandth."""
        return {
            f"{prefix}_mean": self.mean,
            f"{prefix}_scale": self.scale,
            f"{prefix}_axes": self.axes.astype(np.float16),
            f"{prefix}_variances": self.variances,
        }

    def scores(self, rows: Floats) -> Floats:
        """Return (n, axes): where rows lie along the axes."""
        return np.asarray(((rows - self.mean) / self.scale) @ self.axes)

    def whitened(self, rows: Floats) -> Floats:
        """Return (n, axes): the same in standard deviations."""
        return np.asarray(self.scores(rows) / np.sqrt(self.variances))

    def spread(self, rows: Floats) -> Floats:
        """Return (n,) squared Mahalanobis distances from the mean, along the axes."""
        return np.asarray((self.whitened(rows) ** 2).sum(1))

    def residual(self, rows: Floats) -> Floats:
        """Return (n,) squared distances from the axes."""
        standard = (rows - self.mean) / self.scale
        return np.asarray(((standard - (standard @ self.axes) @ self.axes.T) ** 2).sum(1))


def remoteness(scores: Floats, known: Floats) -> Floats:
    """Return (n,) squared distances to the neighbours among known scores (m, axes), the copies left out."""
    found = np.empty(len(scores), np.float32)
    lengths = (known**2).sum(1)
    for start in range(0, len(scores), _AT_ONCE):
        part = scores[start : start + _AT_ONCE]
        squares = (part**2).sum(1)[:, np.newaxis] + lengths - 2 * part @ known.T
        nearest = np.partition(squares, min(_NEIGHBOURS.stop, len(known)) - 1, axis=1)[:, : _NEIGHBOURS.stop]
        found[start : start + _AT_ONCE] = np.maximum(np.sort(nearest, axis=1)[:, _NEIGHBOURS].mean(1), 0)
    return found


def _scale(spread: Floats, rows: Floats) -> Floats:
    """Return what a block's measures are divided by: then each adds its share to a block that weighs one."""
    return np.asarray((spread + _FLOOR * rows.std() + 1e-6) * np.sqrt(len(spread)), np.float32)
