"""Where fitted pictures lie, and how far others lie from them: one fit, without bounds.

Responsible for the two spaces, of surfaces and of features, and for the reading of body parts and traits in both; not
for how far is too far (`training.likeness.learned`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from training.likeness import reading
from training.likeness.space import Space, remoteness
from training.likeness.surface import BLOCKS

#: Names of the distances, in order.
DISTANCES: Final = ("neighbours", "centre", "features")
_SURFACE: Final = sum(BLOCKS)
_SURFACE_AXES: Final = 96
_FEATURE_AXES: Final = 64
#: Standard deviations beyond which a score no longer counts in a reading.
_FURTHEST: Final = 6

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Pictures:
    """Fitted pictures.

    Attributes:
        surfaces: space of their surfaces.
        features: space of their features.
        known: (n, axes) where they lie among surfaces.
        weights: (axes of both + 1, kinds) of the reading.
    """

    surfaces: Space
    features: Space
    known: Floats
    weights: Floats

    def __post_init__(self) -> None:
        axes = self.surfaces.axes.shape[1]
        if self.surfaces.axes.shape[0] != _SURFACE or self.known.ndim != 2 or self.known.shape[1] != axes:
            raise ValueError(
                f"Expected {_SURFACE} measures of surfaces and known pictures of shape (n, {axes}). "
                f"Received: {self.surfaces.axes.shape[0]} and {self.known.shape}."
            )
        expected = axes + self.features.axes.shape[1] + 1
        if self.weights.ndim != 2 or self.weights.shape[0] != expected:
            raise ValueError(f"Expected weights of shape ({expected}, kinds). Received: {self.weights.shape}.")

    @classmethod
    def fit(cls, rows: Floats, shows: NDArray[np.bool_]) -> Self:
        """Return the fit of descriptions (n, measures + channels), `shows` (n, kinds) saying what each shows."""
        surfaces, features = _halves(rows)
        of_surfaces = Space.fit(surfaces, BLOCKS, _SURFACE_AXES)
        # Half of few channels at most: what is left over must be able to tell something.
        axes = min(_FEATURE_AXES, max(1, features.shape[1] // 2))
        of_features = Space.fit(features, (features.shape[1],), axes)
        weights = reading.fit(_joined(of_surfaces.whitened(surfaces), of_features.whitened(features)), shows)
        return cls(of_surfaces, of_features, of_surfaces.scores(surfaces), weights)

    @classmethod
    def from_arrays(cls, stored: Mapping[str, NDArray[Any]]) -> Self:
        """Return what `arrays` described.

        Raises:
            ValueError: the arrays do not belong together.
        """
        spaces = (Space.from_arrays(stored, "surfaces"), Space.from_arrays(stored, "features"))
        return cls(*spaces, stored["known"].astype(np.float32), stored["weights"].astype(np.float32))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return plain arrays by name; known pictures in half precision, finer than a difference that matters."""
        return {
            **self.surfaces.arrays("surfaces"),
            **self.features.arrays("features"),
            "known": self.known.astype(np.float16),
            "weights": self.weights,
        }

    def distances(self, rows: Floats) -> Floats:
        """Return (n, 3): squared distances to the nearest pictures, from the centre, and from the axes of features."""
        surfaces, features = _halves(rows)
        found = (
            remoteness(self.surfaces.scores(surfaces), self.known),
            self.surfaces.spread(surfaces),
            self.features.residual(features),
        )
        return np.stack(found, axis=1)

    def kind_logits(self, rows: Floats) -> Floats:
        """Return (n, kinds): above 0 where a picture looks more like one of the kind than not."""
        surfaces, features = _halves(rows)
        scores = _joined(self.surfaces.whitened(surfaces), self.features.whitened(features))
        return reading.logits(scores, self.weights)


def _halves(rows: Floats) -> tuple[Floats, Floats]:
    """Return surfaces and features, the latter as signed roots: they are sparse and have heavy tails."""
    features = rows[:, _SURFACE:]
    return rows[:, :_SURFACE], np.asarray(np.sign(features) * np.sqrt(np.abs(features)), np.float32)


def _joined(surfaces: Floats, features: Floats) -> Floats:
    return np.asarray(np.clip(np.concatenate([surfaces, features], axis=1), -_FURTHEST, _FURTHEST))
