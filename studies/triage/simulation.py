"""Lets readers take studies one after another by an order, and tells how long each study waited.

A reader who is free takes the next study at once; nobody puts a reading down. Readers read day and night: what a night
without readers leaves behind is the same under every order, and is over the ceiling in the morning.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

from studies.triage.orders import Order
from studies.triage.streams import Arrival


def waits(arrivals: Sequence[Arrival], order: Order, *, readers: int) -> list[float]:
    """Return how many minutes each arrival waited until its reading began.

    Args:
        arrivals: By their times.
        order: Who is taken next.
        readers: How many read at the same time.
    """
    queue, found = order.queue(), [math.nan] * len(arrivals)
    free = [0.0] * readers
    coming, now = 0, 0.0
    while coming < len(arrivals) or len(queue):
        now = max(free[0], now if len(queue) else arrivals[coming].minute)
        while coming < len(arrivals) and arrivals[coming].minute <= now:
            queue.put(coming, arrivals[coming])
            coming += 1
        taken = queue.take(now)
        found[taken] = now - arrivals[taken].minute
        heapq.heapreplace(free, now + arrivals[taken].reading)
    return found
