"""Holds the orders of a worklist against each other over many replications, and against what triage promises.

Three promises, of Baltruschat et al. (2021; triage cuts the mean wait and raises the longest, unless a ceiling holds)
and of the people who wait: AI positive studies wait at least 40 % less than by age alone, nobody waits longer than 1.25
times the longest wait by age alone, and the fractures in which the AI suspected nothing wait at most 1.25 times as long
on average. Each is judged by the unfavourable end of a 95 % interval over the replications, all orders on the same
arrivals. Where a promise cannot be judged it is not kept.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from studies.triage.orders import FIFO, PLAIN, Order, under
from studies.triage.simulation import waits
from studies.triage.streams import Arrival

GROUPS: Final[Mapping[str, Callable[[Arrival], bool]]] = {
    "everybody": lambda _arrival: True,
    "AI positive": lambda arrival: arrival.ai_state == "positive",
    "fractures": lambda arrival: arrival.has_fracture,
    "fractures that the AI missed": lambda arrival: arrival.is_missed,
}
MEASURES: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "mean": statistics.fmean,
    "median": statistics.median,
    "p95": lambda values: sorted(values)[math.ceil(0.95 * len(values)) - 1],
    "longest": max,
}
#: Of a normal distribution; replications are many.
_WIDTH: Final = 1.96
#: Fewer replications with a member of the group than this are evidence of nothing.
LEAST_REPLICATIONS: Final = 10


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval over the replications; all of it NaN where there were too few."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Promise:
    """What triage promises of a group, by the ratio of its wait to that by age alone."""

    group: str
    measure: str
    at_most: float
    words: str


PROMISES: Final = (
    Promise("AI positive", "mean", 0.60, "AI positive studies wait"),
    Promise("everybody", "longest", 1.25, "the longest wait is"),
    Promise("fractures that the AI missed", "mean", 1.25, "fractures that the AI missed wait"),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """Whether a promise is kept."""

    promise: Promise
    ratio: Estimate

    @property
    def is_kept(self) -> bool:
        """Whether even the unfavourable end of the interval keeps it."""
        return self.ratio.high <= self.promise.at_most

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        if math.isnan(self.ratio.value):
            return f"how long {self.promise.group} wait cannot be judged: not enough of them"
        figures = f"{self.ratio.value:.2f} ({self.ratio.low:.2f} to {self.ratio.high:.2f})"
        allowed = f"promised: {self.promise.at_most:.2f} at most"
        return f"{self.promise.words} {figures} times as long as by age alone; {allowed}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the orders did to the same arrivals.

    Attributes:
        figures: by order, group and measure: minutes, a value a replication, NaN without a member of the group.
        ceiling: of the worklist's order, in minutes.
    """

    figures: Mapping[str, Mapping[tuple[str, str], tuple[float, ...]]]
    ceiling: float

    def minutes(self, order: Order, group: str, measure: str) -> Estimate:
        """Return how long a group waited under an order."""
        return ratio(self.figures[order.name][group, measure])

    def promises(self, order: Order) -> tuple[Kept, ...]:
        """Return which promises an order keeps."""
        found, by_age = self.figures[order.name], self.figures[FIFO.name]
        keys = [(promise, (promise.group, promise.measure)) for promise in PROMISES]
        return tuple(Kept(promise, ratio(found[key], by_age[key])) for promise, key in keys)

    @property
    def broken(self) -> tuple[str, ...]:
        """Why triage is off: what the worklist's order does not keep; empty where it keeps all."""
        return tuple(kept.sentence for kept in self.promises(under(self.ceiling)) if not kept.is_kept)


def compare(
    replications: Sequence[Sequence[Arrival]],
    *,
    readers: int,
    ceiling: float,
    order: Order | None = None,
) -> Comparison:
    """Return what age alone, plain AI priority and the worklist's order, or another, do to the same arrivals."""
    orders = (FIFO, PLAIN, order or under(ceiling))
    return Comparison({one.name: _figures(replications, one, readers) for one in orders}, ceiling)


def keeping(replications: Sequence[Sequence[Arrival]], ceilings: Sequence[float], *, readers: int) -> list[float]:
    """Return under which of the ceilings the worklist's order keeps every promise."""
    by_age = _figures(replications, FIFO, readers)
    tried = (
        Comparison({FIFO.name: by_age, under(one).name: _figures(replications, under(one), readers)}, one)
        for one in ceilings
    )
    return [found.ceiling for found in tried if not found.broken]


def usual_wait(replications: Sequence[Sequence[Arrival]], *, readers: int) -> float:
    """Return the mean wait by age alone, in minutes."""
    return statistics.fmean(statistics.fmean(waits(one, FIFO, readers=readers)) for one in replications if one)


def ratio(above: Sequence[float], below: Sequence[float] | None = None) -> Estimate:
    """Return the mean of values, or the ratio of two means over the same replications, by the jackknife."""
    pairs = zip(above, below or [1.0] * len(above), strict=True)
    present = [pair for pair in pairs if not math.isnan(pair[0] + pair[1])]
    count, over, under_ = len(present), sum(pair[0] for pair in present), sum(pair[1] for pair in present)
    if count < LEAST_REPLICATIONS or under_ == 0:
        return Estimate(math.nan, math.nan, math.nan)
    without = [(over - a) / (under_ - b) if under_ > b else math.nan for a, b in present]
    middle, value = statistics.fmean(without), over / under_
    width = _WIDTH * math.sqrt((count - 1) / count * sum((one - middle) ** 2 for one in without))
    return Estimate(value, value - width, value + width)


def _figures(
    replications: Sequence[Sequence[Arrival]], order: Order, readers: int
) -> dict[tuple[str, str], tuple[float, ...]]:
    rows = [_measured(one, order, readers) for one in replications]
    return {key: tuple(row[key] for row in rows) for key in rows[0]}


def _measured(arrivals: Sequence[Arrival], order: Order, readers: int) -> dict[tuple[str, str], float]:
    waited = waits(arrivals, order, readers=readers)
    found = {}
    for group, belongs in GROUPS.items():
        of_group = [minutes for minutes, arrival in zip(waited, arrivals, strict=True) if belongs(arrival)]
        for measure, of in MEASURES.items():
            found[group, measure] = of(of_group) if of_group else math.nan
    return found
