"""A value with its 95 % interval over resampled groups.

Responsible for drawing groups and for the interval; not for the statistics (`training.evaluation.weighted`). Images
of one patient are no independent evidence, so whole groups are drawn with replacement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.evaluation.weighted import Array

#: From weights (rounds, n) to a value a round.
Statistic = Callable[[Array], Array]
#: So many numbers of the weights at once, to bound the memory of a large set.
_AT_ONCE: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return it as people read it."""
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"

    def to_dict(self) -> dict[str, float]:
        """Return plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Draws:
    """How often each image counts in each round of a bootstrap by group: the same for every figure of one set.

    Attributes:
        groups: (n,) number of the group of each image.
        counts: (rounds, groups) how often each group was drawn.
    """

    groups: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, groups: Sequence[str], *, rounds: int = 1000, seed: int = 0) -> Draws:
        """Return as many draws of as many groups as there are, with replacement.

        Raises:
            ValueError: there is no group.
        """
        if not groups:
            raise ValueError("Expected images of at least one group. Received: none.")
        _, numbers = np.unique(np.asarray(groups), return_inverse=True)
        count = int(numbers.max()) + 1
        drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=rounds)
        return cls(numbers.astype(np.int64), drawn)

    def figures(self, statistics: Mapping[str, Statistic]) -> dict[str, Figure | None]:
        """Return each statistic of the set with its 95 % percentile interval; None where the set says nothing of it.

        Every statistic sees the same draws. Rounds that say nothing of one are left out of its interval.
        """
        plain = np.ones((1, len(self.groups)))
        values = {name: float(statistic(plain)[0]) for name, statistic in statistics.items()}
        drawn: dict[str, list[Array]] = {name: [] for name in statistics}
        for weights in self._weights():
            for name, statistic in statistics.items():
                drawn[name].append(statistic(weights))
        return {name: _figure(value, np.concatenate(drawn[name])) for name, value in values.items()}

    def figure(self, statistic: Statistic) -> Figure | None:
        """Return one statistic as `figures` does."""
        return self.figures({"": statistic})[""]

    def _weights(self) -> Iterator[Array]:
        """Return the weights of some rounds at a time."""
        step = max(1, _AT_ONCE // len(self.groups))
        for first in range(0, len(self.counts), step):
            yield self.counts[first : first + step][:, self.groups].astype(np.float64)


def plain(figures: Mapping[str, Figure | None]) -> dict[str, dict[str, float] | None]:
    """Return figures as plain values for JSON: `{"value", "low", "high"}`, or None where there is none."""
    return {name: None if figure is None else figure.to_dict() for name, figure in figures.items()}


def _figure(value: float, drawn: Array) -> Figure | None:
    if np.isnan(value):
        return None
    known = drawn[~np.isnan(drawn)]
    low, high = np.percentile(known, (2.5, 97.5)) if len(known) else (value, value)
    return Figure(value, float(low), float(high))
