"""Arrivals of studies: a Poisson stream of a stated kind, or a log that somebody kept.

A log is a CSV file with a header: ``arrived_at`` (ISO 8601), ``priority`` (``urgent`` or anything else), ``truth``
(``fracture`` or anything else), ``ai_state`` (positive, doubt, negative; anything else is unknown) and
``reading_minutes``, empty where it is not known. Times are minutes from the first arrival.
"""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

_DAY: Final = 24 * 60.0
COLUMNS: Final = ("arrived_at", "priority", "truth", "ai_state", "reading_minutes")


class LogError(ValueError):
    """A log cannot be read; the message says which line and why."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One study that comes to be read.

    Attributes:
        minute: When it comes.
        is_urgent: Whether people said so.
        has_fracture: What is true of it.
        ai_state: positive, doubt, negative, or anything else where the AI says nothing.
        reading: Minutes that its reading takes.
    """

    minute: float
    is_urgent: bool
    has_fracture: bool
    ai_state: str
    reading: float

    @property
    def is_missed(self) -> bool:
        """Whether it is a fracture of which the AI says that nothing is suspected."""
        return self.has_fracture and self.ai_state == "negative"


@dataclass(frozen=True, slots=True)
class Model:
    """How often a model says what: of fractures and of everything else, the rest being negative.

    The default is the shipped fracture model, out of fold (3,416 radiographs, 608 fractured).
    """

    positive_of_fractures: float = 0.648
    doubt_of_fractures: float = 0.303
    positive_of_others: float = 0.050
    doubt_of_others: float = 0.370

    @classmethod
    def of_counts(cls, states: Mapping[str, Mapping[str, int]]) -> Model:
        """Return the model of a report's counts: ``states`` of a split, by label and state."""
        fractured, others = states["fractured"], states["not_fractured"]
        sums = sum(fractured.values()), sum(others.values())
        if not all(sums):
            raise ValueError("expected counts of fractured radiographs and of others")
        return cls(
            fractured["positive"] / sums[0], fractured["doubt"] / sums[0],
            others["positive"] / sums[1], others["doubt"] / sums[1],
        )  # fmt: skip

    def with_sensitivity(self, share: float) -> Model:
        """Return a model that calls this share of the fractures positive; doubt keeps its part of the others."""
        left = 1 - self.positive_of_fractures
        doubt = self.doubt_of_fractures / left if left else 0.0
        return replace(self, positive_of_fractures=share, doubt_of_fractures=(1 - share) * doubt)

    def says(self, has_fracture: bool, chance: float) -> str:
        """Return what it says of a study by a number drawn evenly from 0 to 1."""
        positive = self.positive_of_fractures if has_fracture else self.positive_of_others
        doubt = self.doubt_of_fractures if has_fracture else self.doubt_of_others
        return "positive" if chance < positive else "doubt" if chance < positive + doubt else "negative"


@dataclass(frozen=True, slots=True)
class Stream:
    """A Poisson stream of studies and the readers that it keeps busy.

    Attributes:
        load: Reading time that arrives, as a share of what the readers have.
        readers: How many read at the same time.
        studies: How many arrive in one replication.
        prevalence: Share of studies with a fracture.
        urgent: Share that people call urgent, whatever is true of it.
        reading_minutes: Mean of a reading, lognormal.
        variation: Its standard deviation, as a share of the mean.
        model: What the AI says.
    """

    load: float = 0.9
    readers: int = 1
    studies: int = 2000
    prevalence: float = 0.18
    urgent: float = 0.03
    reading_minutes: float = 5.0
    variation: float = 0.7
    model: Model = Model()

    def draw(self, seed: int) -> list[Arrival]:
        """Return the arrivals of one replication; the same seed draws the same."""
        chance = random.Random(seed)  # noqa: S311 a stream that can be drawn again, no secret
        width = math.sqrt(math.log(1 + self.variation**2))
        middle = math.log(self.reading_minutes) - width**2 / 2
        rate = self.load * self.readers / self.reading_minutes
        now, arrivals = 0.0, []
        for _number in range(self.studies):
            now += chance.expovariate(rate)
            has_fracture = chance.random() < self.prevalence
            says = self.model.says(has_fracture, chance.random())
            is_urgent, reading = chance.random() < self.urgent, chance.lognormvariate(middle, width)
            arrivals.append(Arrival(now, is_urgent, has_fracture, says, reading))
        return arrivals


def read_log(lines: Iterable[str], *, otherwise: float = 5.0) -> list[Arrival]:
    """Return the arrivals of a CSV log, in the order of their times.

    Args:
        lines: Of the file.
        otherwise: Minutes of a reading where the log does not say and no other line does; else the median of those.

    Raises:
        LogError: A column is missing, a line cannot be read, or there is none.
    """
    reader = csv.DictReader(lines)
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise LogError(f"Expected the columns {', '.join(COLUMNS)}. Missing: {', '.join(missing)}.")
    rows = [_row(row, number) for number, row in enumerate(reader, start=2)]
    if not rows:
        raise LogError("Expected at least one study below the header. Received none.")
    return timed(rows, otherwise=otherwise)


def timed(rows: Sequence[tuple[datetime, Arrival]], *, otherwise: float = 5.0) -> list[Arrival]:
    """Return arrivals by their times, in minutes from the first; a reading of 0 takes the median of the others."""
    ordered = sorted(rows, key=lambda row: row[0])
    known = sorted(arrival.reading for _when, arrival in ordered if arrival.reading > 0)
    usual = known[len(known) // 2] if known else otherwise
    first = ordered[0][0] if ordered else None
    return [
        replace(arrival, minute=(when - first).total_seconds() / 60, reading=arrival.reading or usual)
        for when, arrival in ordered
        if first is not None
    ]


def at_load(arrivals: Sequence[Arrival], load: float, readers: int) -> list[Arrival]:
    """Return the same arrivals, closer together or farther apart, so that they keep the readers busy to this share.

    Raises:
        LogError: All came at the same moment.
    """
    stretch = load_of(arrivals, readers) / load
    if not math.isfinite(stretch):
        raise LogError("Expected arrivals at different times. Received all at one.")
    return [replace(arrival, minute=arrival.minute * stretch) for arrival in arrivals]


def drawn_again(arrivals: Sequence[Arrival], seed: int) -> list[Arrival]:
    """Return a log of as many days, each drawn from the days of this one: what the days could have been.

    Days keep their order within, their times of the day and what came on them.
    """
    chance = random.Random(seed)  # noqa: S311 days that can be drawn again, no secret
    days: dict[int, list[Arrival]] = {}
    for arrival in arrivals:
        days.setdefault(int(arrival.minute // _DAY), []).append(arrival)
    last = int(arrivals[-1].minute // _DAY)
    drawn = [chance.randint(0, last) for _day in range(last + 1)]
    return [
        replace(arrival, minute=arrival.minute + (number - day) * _DAY)
        for number, day in enumerate(drawn)
        for arrival in days.get(day, [])
    ]


def load_of(arrivals: Sequence[Arrival], readers: int) -> float:
    """Return the reading time that arrives, as a share of what the readers have between first and last arrival."""
    span = arrivals[-1].minute - arrivals[0].minute
    return sum(arrival.reading for arrival in arrivals) / (span * readers) if span > 0 else math.inf


def _row(row: Mapping[str, str | None], number: int) -> tuple[datetime, Arrival]:
    told = {name: (row.get(name) or "").strip() for name in COLUMNS}
    try:
        when = datetime.fromisoformat(told["arrived_at"])
        reading = float(told["reading_minutes"] or 0)
    except ValueError as error:
        raise LogError(f"Line {number}: {error}.") from error
    if not (math.isfinite(reading) and reading >= 0) or when.tzinfo is None:
        raise LogError(f"Line {number}: expected a time with its zone, and minutes of at least 0.")
    return when, Arrival(0.0, told["priority"] == "urgent", told["truth"] == "fracture", told["ai_state"], reading)
