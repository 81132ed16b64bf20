"""Lets readers take studies one after another by an order, and tells how long each study waited.

A reader who is free takes the next study at once; nobody puts a reading down. Readers may keep hours: outside of them
no reading begins.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

from studies.triage.orders import Order
from studies.triage.streams import Arrival

_DAY = 24 * 60.0


@dataclass(frozen=True, slots=True)
class Hours:
    """When readings begin, in minutes of the day; the first arrival comes at ``first``."""

    opens: float = 0.0
    closes: float = _DAY
    first: float = 0.0

    def next_open(self, minute: float) -> float:
        """Return the earliest time from a minute on at which a reading may begin."""
        if self.closes - self.opens >= _DAY:
            return minute
        of_day = (minute + self.first) % _DAY
        if self.opens <= of_day < self.closes:
            return minute
        return minute + (self.opens - of_day) % _DAY


def waits(arrivals: Sequence[Arrival], order: Order, *, readers: int, hours: Hours | None = None) -> list[float]:
    """Return how many minutes each arrival waited until its reading began.

    Args:
        arrivals: By their times.
        order: Who is taken next.
        readers: How many read at the same time.
        hours: When readings begin; at any time where None.
    """
    opening = hours or Hours()
    queue, found = order.queue(), [math.nan] * len(arrivals)
    free = [0.0] * readers
    coming = 0
    while coming < len(arrivals) or len(queue):
        begins = free[0] if len(queue) else max(free[0], arrivals[coming].minute)
        begins = opening.next_open(begins)
        while coming < len(arrivals) and arrivals[coming].minute <= begins:
            queue.put(coming, arrivals[coming])
            coming += 1
        taken = queue.take(begins)
        found[taken] = begins - arrivals[taken].minute
        heapq.heapreplace(free, begins + arrivals[taken].reading)
    return found
