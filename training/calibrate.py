"""From logits to probabilities that mean what they say, and from those to a state.

Responsible for temperature scaling (one logit or one a class), for the two operating points of a task of two classes
and for the state they give; NumPy only, since serving uses it. Not responsible for words: a face says "fracture
suspected", "unsure" and "nothing suspected".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

State = Literal["positive", "doubt", "negative"]
#: How the two points are fitted: so that these images reach the promise, or so that the next one is likely to.
Way = Literal["quantile", "conformal"]
#: The bounds within which a temperature is sought; outside of them something else is wrong.
_TEMPERATURES: Final = (0.05, 20.0)
_GOLDEN: Final = (5**0.5 - 1) / 2


@dataclass(frozen=True, slots=True)
class OperatingPoints:
    """Two calibrated probabilities: below `lower` nothing is suspected, from `upper` on a fracture is."""

    lower: float
    upper: float

    def __post_init__(self) -> None:
        if not 0 <= self.lower <= self.upper <= 1:
            raise ValueError(f"Expected 0 <= lower <= upper <= 1. Received: {self.lower} and {self.upper}.")


def probability(logit: float, temperature: float) -> float:
    """Return the calibrated probability of a logit: 1 / (1 + exp(-logit / temperature))."""
    return float(probabilities(np.array([logit]), temperature)[0])


def probabilities(logits: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Return the calibrated probabilities of logits, any shape; the tanh form does not overflow."""
    scaled: NDArray[np.float64] = 0.5 * (1.0 + np.tanh(0.5 * np.asarray(logits, np.float64) / temperature))
    return scaled


def class_probabilities(logits: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Return the calibrated probability of each class, (..., classes), rows summing to one.

    Args:
        logits: (..., outputs): one output is the logit of the second of two classes, more are one a class.
        temperature: that they are divided by.
    """
    if logits.shape[-1] == 1:
        positive = probabilities(logits, temperature)
        return np.concatenate([1.0 - positive, positive], axis=-1)
    return np.exp(_log_softmax(np.asarray(logits, np.float64) / temperature))


def state_of(probability: float, points: OperatingPoints) -> State:
    """Return what a calibrated probability says: positive from `upper` on, negative below `lower`, else doubt.

    Raises:
        ValueError: the probability lies outside 0..1 or is not a number.
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"Expected a probability in 0..1. Received: {probability}.")
    if probability >= points.upper:
        return "positive"
    return "negative" if probability < points.lower else "doubt"


def negative_log_likelihood(labels: NDArray[np.number], logits: NDArray[np.floating]) -> float:
    """Return the mean of -log(probability of the label).

    Args:
        labels: (n,) 0 or 1, or the number of the class.
        logits: (n,) of the positive label, or (n, classes).
    """
    if logits.ndim == 2:
        chosen = np.asarray(labels, np.int64)[:, np.newaxis]
        return float(-np.take_along_axis(_log_softmax(np.asarray(logits, np.float64)), chosen, axis=1).mean())
    signed = np.where(labels > 0.5, -1.0, 1.0) * np.asarray(logits, np.float64)
    return float(np.logaddexp(0.0, signed).mean())


def temperature(labels: NDArray[np.number], logits: NDArray[np.floating]) -> float:
    """Return the temperature of least negative log-likelihood (Guo et al. 2017), by golden-section search.

    Args:
        labels: (n,) 0 or 1, or the number of the class.
        logits: (n,) of the positive label, or (n, classes).
    """
    low, high = np.log(_TEMPERATURES[0]), np.log(_TEMPERATURES[1])
    while high - low > 1e-6:
        left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        if _loss(labels, logits, left) < _loss(labels, logits, right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2))


def centred(labels: NDArray[np.floating], logits: NDArray[np.floating]) -> float:
    """Return the shift of the logit that, with a slope, fits these labels best (Platt 1999), in units of the logit.

    Training on balanced batches moves the logit's zero away from the prevalence; adding the shift to the head's bias
    puts it back, so that a temperature is enough afterwards. Newton's method on slope and intercept, with Platt's
    prior on the labels.
    """
    positives, others = float((labels > 0.5).sum()), float((labels <= 0.5).sum())
    target = np.where(labels > 0.5, (positives + 1) / (positives + 2), 1 / (others + 2))
    inputs = np.column_stack([np.asarray(logits, np.float64), np.ones(len(logits))])
    solution = np.array([1.0, 0.0])
    for _ in range(50):
        fitted = probabilities(inputs @ solution, 1.0)
        gradient = inputs.T @ (fitted - target) + 1e-9 * solution
        hessian = (inputs * (fitted * (1 - fitted))[:, None]).T @ inputs + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        solution -= step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
    if solution[0] <= 0:
        raise ValueError(f"Expected logits that rise with the label. Received a slope of {solution[0]:.3g}.")
    return float(solution[1] / solution[0])


def operating_points(
    labels: NDArray[np.floating],
    calibrated: NDArray[np.floating],
    *,
    sensitivity: float = 0.95,
    specificity: float = 0.95,
    way: Way = "quantile",
) -> OperatingPoints:
    """Return the points for a wanted sensitivity (at `lower`) and specificity (at `upper`).

    By `quantile`, `lower` is the largest probability that still keeps `sensitivity` of these fractured images at or
    above it, `upper` the smallest that leaves `specificity` of the others below it. By `conformal` (split-conformal,
    Vovk 2005; Lei et al. 2018) both are the quantiles with the finite-sample correction (n + 1), so that the next
    exchangeable image of each label keeps the promise with at least that probability; with too few images the points
    are 0 and 1, and everything is doubt. Where a model is so good that the points cross, both are the lower one.
    """
    fractured, others = np.sort(calibrated[labels > 0.5]), np.sort(calibrated[labels <= 0.5])
    more = int(way == "conformal")
    missed = int(np.floor((1 - sensitivity) * (len(fractured) + more) + 1e-9)) - more
    lower = float(fractured[missed]) if missed >= 0 else 0.0
    above = int(np.floor((1 - specificity) * (len(others) + more) + 1e-9)) - more
    upper = float(np.nextafter(others[len(others) - 1 - above], 1.0)) if above >= 0 else 1.0
    return OperatingPoints(lower, max(lower, upper))


def _log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithms of the softmax over the last axis; the shift by the maximum does not overflow."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    normalised: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return normalised


def _loss(labels: NDArray[np.number], logits: NDArray[np.floating], log_temperature: float) -> float:
    return negative_log_likelihood(labels, np.asarray(logits, np.float64) / np.exp(log_temperature))
