"""Who is taken next: by age alone, by what the AI says alone, and by what the AI says under a ceiling.

``under`` a ceiling is the order of the worklist: what waits longer than the ceiling first, oldest first; then urgent,
positive, doubt and unknown, negative; then age. A negative study keeps the last place for a share of the ceiling only,
``LIFTED_AFTER``; from then on it is taken with the uncertain ones, by age. Without that the order cannot keep its
promises: a third of all studies is uncertain, and where they all go before the negative ones, a fracture that the AI
missed waits 1.4 times as long as by age alone at the very ceilings that let the positive ones wait 40 % less (figures:
``simulate_triage --study``). Disputed studies, which come before these for a lead, have been read already and are no
arrivals. None interrupts a reading that was begun.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from studies.states import Rank
from studies.triage.streams import Arrival

#: Share of the ceiling after which a study in which nothing is suspected no longer waits behind the uncertain ones.
LIFTED_AFTER: Final = 0.25
#: Of what the AI says of a study; anything else, a failure or silence too, is uncertain.
RANKS: Final = {"positive": Rank.POSITIVE, "doubt": Rank.UNCERTAIN, "negative": Rank.NEGATIVE}


def rank_of(arrival: Arrival) -> Rank:
    """Return the rank of a study, as the worklist has it where the AI has a part in it."""
    return Rank.URGENT if arrival.is_urgent else RANKS.get(arrival.ai_state, Rank.UNCERTAIN)


class Queue:
    """Studies that wait: taken by rank and age, from a ceiling on by age alone.

    Args:
        ceiling: Minutes of waiting from which on a study goes first, whatever its rank: infinite for plain priority, 0
            for first come, first read.
        lifted: Minutes of waiting from which on a negative study is taken with the uncertain ones.
    """

    def __init__(self, ceiling: float, lifted: float) -> None:
        self._ceiling, self._lifted = ceiling, lifted
        self._by_rank: dict[Rank, deque[tuple[float, int]]] = {rank: deque() for rank in Rank}

    def put(self, number: int, arrival: Arrival) -> None:
        """Let a study wait."""
        self._by_rank[rank_of(arrival)].append((arrival.minute, number))

    def take(self, now: float) -> int:
        """Return the oldest over the ceiling, else the oldest of the first place."""
        heads = {rank: waiting[0] for rank, waiting in self._by_rank.items() if waiting}
        first = min(heads, key=lambda rank: heads[rank])
        if now - heads[first][0] < self._ceiling:
            first = min(heads, key=lambda rank: (self._place(rank, now - heads[rank][0]), heads[rank]))
        return self._by_rank[first].popleft()[1]

    def _place(self, rank: Rank, waited: float) -> Rank:
        return Rank.UNCERTAIN if rank == Rank.NEGATIVE and waited >= self._lifted else rank

    def __len__(self) -> int:
        """Return how many wait."""
        return sum(map(len, self._by_rank.values()))


@dataclass(frozen=True, slots=True)
class Order:
    """An order with its name."""

    name: str
    ceiling: float = math.inf
    lifted: float = math.inf

    def queue(self) -> Queue:
        """Return a queue of this order in which nobody waits yet."""
        return Queue(self.ceiling, self.lifted)


FIFO: Final = Order("first come, first read", ceiling=0)
PLAIN: Final = Order("plain AI priority")


def under(ceiling: float, lifted_after: float = LIFTED_AFTER) -> Order:
    """Return the order of the worklist of a site with this ceiling in minutes."""
    return Order("AI priority under a ceiling", ceiling, lifted_after * ceiling)
