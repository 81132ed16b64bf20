"""Statistics of two models on the same images.

Responsible for the exact and closed forms: McNemar's test, Holm's correction and Tango's interval for the difference of
two paired proportions. Bootstrap intervals are those of `training.evaluation.intervals`. NumPy only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Final

#: Of the standard normal distribution, for a two-sided 95 % interval.
Z: Final = 1.959963984540054
_STEPS: Final = 60


def mcnemar(better: int, worse: int) -> float:
    """Return the two-sided exact p of McNemar's test (1947): how unlikely so uneven a pair of counts is by chance.

    Args:
        better: pairs in which only the one model was right.
        worse: pairs in which only the other was.
    """
    count = better + worse
    # Integers of any size: a float would lose them from a thousand pairs on.
    ways = tail = 1
    for number in range(min(better, worse)):
        ways = ways * (count - number) // (number + 1)
        tail += ways
    return min(1.0, 2 * tail / (1 << count))


def holm(values: Sequence[float]) -> list[float]:
    """Return p values corrected for their number by Holm's step-down procedure (1979), in their order."""
    order = sorted(range(len(values)), key=values.__getitem__)
    corrected, largest = [0.0] * len(values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(values) - rank) * values[index]))
        corrected[index] = largest
    return corrected


def tango(better: int, worse: int, count: int) -> tuple[float, float]:
    """Return the 95 % score interval for the difference of two paired proportions (Tango 1998).

    It stays honest where the models never differ: of n images without a difference it is about ± 3.84 / n.

    Args:
        better: images on which only the first model was right.
        worse: images on which only the second was.
        count: all images.
    """
    if count == 0:
        return -1.0, 1.0
    difference = (better - worse) / count
    low = _root(lambda delta: _score(better, worse, count, delta) - Z, -1.0, difference)
    high = _root(lambda delta: _score(better, worse, count, delta) + Z, difference, 1.0)
    return low, high


def _score(better: int, worse: int, count: int, delta: float) -> float:
    """Return Tango's statistic for a true difference delta: falls as delta rises."""
    distance = better - worse - count * delta
    middle = (2 * count - better + worse) * delta - better - worse
    root = sqrt(max(0.0, middle * middle + 8 * count * worse * delta * (1 - delta)))
    only_second = (root - middle) / (4 * count)
    variance = count * (2 * only_second + delta * (1 - delta))
    if variance <= 0:
        return 0.0 if distance == 0 else float("inf") * distance
    return distance / sqrt(variance)


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    """Return where a falling function passes zero, by bisection."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2
