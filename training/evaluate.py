"""Figures of a binary score: discrimination, calibration, what the operating points do, and intervals by group.

Responsible for the numbers; not for where scores come from (`training.measurement`) or how they are shown
(`training.report`). Needs only NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.calibrate import OperatingPoints

Statistic = Callable[[NDArray[np.floating], NDArray[np.floating]], float]


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return it as people read it."""
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def auroc(labels: NDArray[np.floating], scores: NDArray[np.floating]) -> float:
    """Return the area under the ROC curve as the Mann-Whitney statistic, ties counted half.

    Raises:
        ValueError: one of the two labels is missing.
    """
    positive = labels > 0.5
    count, others = int(positive.sum()), int((~positive).sum())
    if not count or not others:
        raise ValueError(f"Expected both labels. Received: {count} positive and {others} negative.")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * others))


def average_precision(labels: NDArray[np.floating], scores: NDArray[np.floating]) -> float:
    """Return the mean precision over the recalls gained, walking down the scores; ties are taken together."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(labels[order] > 0.5)
    last_of_tie = np.append(np.diff(scores[order]) != 0, True)
    hits, taken = hits[last_of_tie], (np.arange(len(scores)) + 1)[last_of_tie]
    gained = np.diff(hits, prepend=0)
    return float((gained * hits / taken).sum() / hits[-1])


def brier(labels: NDArray[np.floating], calibrated: NDArray[np.floating]) -> float:
    """Return the mean squared difference between probability and label."""
    return float(np.mean((calibrated - labels) ** 2))


def calibration_error(labels: NDArray[np.floating], calibrated: NDArray[np.floating], bins: int = 10) -> float:
    """Return the mean distance between probability and frequency over bins of equal count, weighted by count."""
    parts = np.array_split(np.argsort(calibrated, kind="stable"), bins)
    gaps = [len(part) * abs(calibrated[part].mean() - labels[part].mean()) for part in parts if len(part)]
    return float(sum(gaps) / len(labels))


def sensitivity(labels: NDArray[np.floating], calibrated: NDArray[np.floating], threshold: float) -> float:
    """Return the share of the fractured at or above a threshold."""
    return float(np.mean(calibrated[labels > 0.5] >= threshold))


def specificity(labels: NDArray[np.floating], calibrated: NDArray[np.floating], threshold: float) -> float:
    """Return the share of the others below a threshold."""
    return float(np.mean(calibrated[labels <= 0.5] < threshold))


def roc(labels: NDArray[np.floating], scores: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return false positive rates and sensitivities, from (0, 0) to (1, 1)."""
    order = np.argsort(-scores, kind="stable")
    positive = labels[order] > 0.5
    last_of_tie = np.append(np.diff(scores[order]) != 0, True)
    hits, misses = np.cumsum(positive)[last_of_tie], np.cumsum(~positive)[last_of_tie]
    return np.append(0.0, misses / misses[-1]), np.append(0.0, hits / hits[-1])


def bootstrap(
    statistic: Statistic,
    labels: NDArray[np.floating],
    scores: NDArray[np.floating],
    groups: Sequence[str],
    *,
    rounds: int = 1000,
    seed: int = 0,
) -> Figure:
    """Return a statistic with its 95 % percentile interval over resampled groups.

    Images of one patient are no independent evidence, so whole groups are drawn with replacement. Draws that lack
    one of the labels say nothing of the statistic and are drawn again.

    Raises:
        ValueError: one of the two labels is missing.
    """
    value = statistic(labels, scores)
    _, numbers = np.unique(np.asarray(groups), return_inverse=True)
    members = [np.flatnonzero(numbers == number) for number in range(numbers.max() + 1)]
    random = np.random.default_rng(seed)
    drawn: list[float] = []
    while len(drawn) < rounds:
        chosen = np.concatenate([members[index] for index in random.integers(0, len(members), len(members))])
        if 0 < labels[chosen].sum() < len(chosen):
            drawn.append(statistic(labels[chosen], scores[chosen]))
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Figure(value, float(low), float(high))


def figures(
    labels: NDArray[np.floating],
    calibrated: NDArray[np.floating],
    groups: Sequence[str],
    points: OperatingPoints,
    *,
    rounds: int = 1000,
) -> dict[str, Any]:
    """Return every figure of one set of images as plain values for the report."""
    statistics: dict[str, Statistic] = {
        "auroc": auroc,
        "average_precision": average_precision,
        "brier": brier,
        "calibration_error": calibration_error,
        "sensitivity_at_lower": lambda known, said: sensitivity(known, said, points.lower),
        "specificity_at_lower": lambda known, said: specificity(known, said, points.lower),
        "sensitivity_at_upper": lambda known, said: sensitivity(known, said, points.upper),
        "specificity_at_upper": lambda known, said: specificity(known, said, points.upper),
    }
    measured = {
        name: asdict(bootstrap(statistic, labels, calibrated, groups, rounds=rounds))
        for name, statistic in statistics.items()
    }
    return {**counts(labels, groups), **measured, "states": states(labels, calibrated, points)}


def counts(labels: NDArray[np.floating], groups: Sequence[str]) -> dict[str, int]:
    """Return how many images and groups there are, in all and with each label."""
    positive = labels > 0.5
    names = np.asarray(groups)
    return {
        "images": len(labels),
        "fractured": int(positive.sum()),
        "groups": len(np.unique(names)),
        "fractured_groups": len(np.unique(names[positive])),
        "other_groups": len(np.unique(names[~positive])),
    }


def states(
    labels: NDArray[np.floating], calibrated: NDArray[np.floating], points: OperatingPoints
) -> dict[str, dict[str, int]]:
    """Return how many images of each label are said to be positive, doubt or negative."""
    table = {}
    for name, chosen in (("fractured", labels > 0.5), ("not_fractured", labels <= 0.5)):
        said = calibrated[chosen]
        positive, negative = int((said >= points.upper).sum()), int((said < points.lower).sum())
        table[name] = {"positive": positive, "doubt": len(said) - positive - negative, "negative": negative}
    return table
