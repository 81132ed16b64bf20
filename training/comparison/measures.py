"""In what a model is right: a fracture found, another image left alone, a class named.

Responsible for what counts as right at which operating point; not for statistics of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.calibrate import OperatingPoints


@dataclass(frozen=True, slots=True)
class Measure:
    """One way of being right.

    Attributes:
        name: as people say it.
        among: (n,) the images that it is asked of.
        right: (n,) where the model was right.
    """

    name: str
    among: NDArray[np.bool_]
    right: NDArray[np.bool_]

    @property
    def rate(self) -> float | None:
        """The share of images on which it was right; None where there is no image."""
        return float(self.right[self.among].mean()) if self.among.any() else None


def of_two_classes(
    labels: NDArray[np.int64], probabilities: NDArray[np.float64], points: OperatingPoints
) -> list[Measure]:
    """Return sensitivity and specificity at both operating points.

    Below the lower point nothing is suspected, from the upper one a fracture is: a fracture below the lower is missed,
    another image above the upper is a false alarm, and what lies between costs a reader's attention.
    """
    found = []
    for name, threshold in (("lower", points.lower), ("upper", points.upper)):
        above = probabilities >= threshold
        found.append(Measure(f"sensitivity at the {name} operating point", labels == 1, above))
        found.append(Measure(f"specificity at the {name} operating point", labels == 0, ~above))
    return found


def classified(labels: NDArray[np.int64], probabilities: NDArray[np.float64]) -> list[Measure]:
    """Return whether the most probable class is the right one."""
    return [Measure("accuracy", np.ones(len(labels), bool), probabilities.argmax(axis=1) == labels)]
