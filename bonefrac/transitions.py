"""A state machine as data: the table that the verbs obey is the table that draws the buttons.

It stores nothing and asks no permission; policies and guards belong to the verbs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from bonefrac.errors import Conflict

State = TypeVar("State", bound=str)
Event = TypeVar("Event", bound=str)


class TransitionTable(Generic[State, Event]):
    """What may happen in which state, and where it leads.

    Args:
        name: The thing whose states these are, for messages.
        rows: For each (state, event) the states to which it may lead; the first is the usual one.
    """

    def __init__(self, name: str, rows: Mapping[tuple[State, Event], tuple[State, ...]]) -> None:
        self.name = name
        self._rows = dict(rows)

    def targets(self, state: State, event: Event) -> tuple[State, ...]:
        """Return the states to which the event may lead; raise ``Conflict`` where the pair is unknown."""
        try:
            return self._rows[(state, event)]
        except KeyError:
            raise Conflict(
                f"This {self.name} is {state.lower()}: it cannot take '{event}' now.", code="wrong_state"
            ) from None

    def move(self, state: State, event: Event, to: State | None = None) -> State:
        """Return the next state.

        Args:
            state: The state that is left.
            event: What happens.
            to: The target where the event may lead to several; otherwise the only one.

        Raises:
            Conflict: The pair is unknown, or ``to`` is not among its targets.
        """
        allowed = self.targets(state, event)
        if to is None:
            return allowed[0]
        if to not in allowed:
            raise Conflict(f"'{event}' cannot turn this {self.name} from {state} to {to}.", code="wrong_state")
        return to

    def available(self, state: State) -> tuple[Event, ...]:
        """Return the events that are possible in a state, in the table's order."""
        return tuple(event for (left, event) in self._rows if left == state)

    @property
    def pairs(self) -> frozenset[tuple[State, Event]]:
        """Every known (state, event) pair."""
        return frozenset(self._rows)
