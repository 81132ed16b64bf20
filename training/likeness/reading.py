"""Linear readings of pictures: how much each looks like one of a kind, a body part or one with metal.

Responsible for a ridge-penalised logistic regression by Newton's steps (Hastie, Tibshirani, Friedman, *The Elements of
Statistical Learning*, 4.4.1), NumPy only; not for what follows from a reading.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_STEPS: Final = 12
_RIDGE: Final = 5.0

Floats = NDArray[np.float32]


def fit(rows: Floats, targets: NDArray[np.bool_]) -> Floats:
    """Return weights (measures + 1, kinds), the intercept last.

    Args:
        rows: (n, measures) of about unit spread.
        targets: (n, kinds) whether a picture is of a kind; it may be of several.
    """
    design = _with_one(rows).astype(np.float64)
    return np.stack([_newton(design, kind) for kind in targets.T], axis=1).astype(np.float32)


def logits(rows: Floats, weights: Floats) -> Floats:
    """Return (n, kinds): above 0 where a picture looks more like one of the kind than not."""
    return np.asarray(_with_one(rows) @ weights)


def _with_one(rows: Floats) -> Floats:
    return np.concatenate([rows, np.ones((len(rows), 1), rows.dtype)], axis=1)


def _newton(design: NDArray[np.float64], target: NDArray[np.bool_]) -> NDArray[np.float64]:
    penalty = np.full(design.shape[1], _RIDGE)
    penalty[-1] = 1e-3
    weights = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        said = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        slope = design.T @ (said - target) + penalty * weights
        curvature = (design * (said * (1 - said) + 1e-6)[:, np.newaxis]).T @ design + np.diag(penalty)
        weights = weights - np.linalg.solve(curvature, slope)
    return weights
