"""Statistics of a score under many weightings at once: what a bootstrap asks for, a thousand rounds in one pass.

Responsible for the arithmetic of one binary label. Each function takes labels (n,), scores or probabilities (n,) and
weights (rounds, n), how often each image counts in each round, and returns (rounds,) float64; NaN where a round says
nothing of the statistic, because it lacks one of the labels or nothing was predicted. A weight of one for every image
gives the plain statistic. Not responsible for drawing weights (`training.evaluation.intervals`). NumPy only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
#: Rounding of sums must not turn a false positive rate of 0.15 into one above 0.15.
_ROOM = 1e-9


def auroc(labels: NDArray[np.floating], scores: NDArray[np.floating], weights: Array) -> Array:
    """Return the areas under the ROC curve as the Mann-Whitney statistic, ties counted half."""
    positive, other = _by_score(labels, scores, weights)
    above = np.cumsum(positive, axis=1) - positive / 2
    return ratio((above * other).sum(axis=1), positive.sum(axis=1) * other.sum(axis=1))


def area(labels: NDArray[np.floating], scores: NDArray[np.floating]) -> float:
    """Return the area under the ROC curve of one set, NaN where it lacks a label."""
    return float(auroc(labels, scores, np.ones((1, len(labels))))[0])


def average_precision(labels: NDArray[np.floating], scores: NDArray[np.floating], weights: Array) -> Array:
    """Return the mean precision over the recalls gained, walking down the scores; ties are taken together."""
    positive, other = _by_score(labels, scores, weights)
    hits = np.cumsum(positive, axis=1)
    precision = hits / np.maximum(hits + np.cumsum(other, axis=1), 1e-300)
    return ratio((positive * precision).sum(axis=1), positive.sum(axis=1))


def sensitivity_at_specificity(
    labels: NDArray[np.floating], scores: NDArray[np.floating], weights: Array, wanted: float
) -> Array:
    """Return the largest sensitivity of any threshold that keeps the wanted specificity."""
    positive, other = _by_score(labels, scores, weights)
    false_positive = ratio(np.cumsum(other, axis=1), other.sum(axis=1, keepdims=True))
    reached = ratio(np.cumsum(positive, axis=1), positive.sum(axis=1, keepdims=True))
    best = np.where(false_positive <= 1 - wanted + _ROOM, reached, 0.0).max(axis=1)
    return np.where(np.isnan(reached[:, 0]) | np.isnan(false_positive[:, 0]), np.nan, best)


def share(chosen: NDArray[np.bool_], among: NDArray[np.bool_], weights: Array) -> Array:
    """Return the share of the chosen among some: of sensitivity, specificity, accuracy, precision and recall."""
    return ratio(weights @ (chosen & among).astype(np.float64), weights @ among.astype(np.float64))


def mean(values: NDArray[np.floating], weights: Array) -> Array:
    """Return the weighted mean of a value of each image: of the Brier score, of a hit rate."""
    return ratio(weights @ np.asarray(values, np.float64), weights.sum(axis=1))


def calibration_error(
    labels: NDArray[np.floating], probabilities: NDArray[np.floating], weights: Array, bins: int = 10
) -> Array:
    """Return the mean distance between probability and frequency over bins, weighted by what lies in them.

    The bins hold equally many images under equal weights and stay the same in every round, so that an interval tells
    how the distance varies and not how the bins do.
    """
    parts = np.array_split(np.argsort(probabilities, kind="stable"), bins)
    gap = np.asarray(probabilities, np.float64) - np.asarray(labels, np.float64)
    distances = [np.abs(weights[:, part] @ gap[part]) for part in parts if len(part)]
    return ratio(np.sum(distances, axis=0), weights.sum(axis=1))


def ratio(part: Array, whole: Array) -> Array:
    """Return part / whole, NaN where the whole is nothing."""
    nothing = whole <= 0
    quotient: Array = np.where(nothing, np.nan, part / np.where(nothing, 1.0, whole))
    return quotient


def _by_score(labels: NDArray[np.floating], scores: NDArray[np.floating], weights: Array) -> tuple[Array, Array]:
    """Return the weight of positives and of others at each distinct score, falling: two (rounds, distinct)."""
    order = np.argsort(-scores, kind="stable")
    first = np.flatnonzero(np.append(True, np.diff(scores[order]) != 0))
    positive = (labels[order] > 0.5).astype(np.float64)
    sorted_weights = weights[:, order]
    return (
        np.add.reduceat(sorted_weights * positive, first, axis=1),
        np.add.reduceat(sorted_weights * (1 - positive), first, axis=1),
    )
