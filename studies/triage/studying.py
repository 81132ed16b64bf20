"""Tries loads, sensitivities, prevalences and ceilings, with and without lifting negative studies: what holds where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from studies.triage.comparison import compare, usual_wait
from studies.triage.orders import LIFTED_AFTER, under
from studies.triage.streams import Arrival, Stream

REPLICATIONS: Final = 20
LOADS: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
SENSITIVITIES: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
PREVALENCES: Final = (0.05, 0.1, 0.2, 0.3)
MULTIPLES: Final = (1, 1.5, 2, 2.5, 3, 3.5, 4)
#: The ceiling of the tables, in mean waits by age alone.
USUAL: Final = 3.0


def lines(stream: Stream, seed: int) -> Iterator[str]:
    """Yield tables for people: ratios to the wait by age alone of AI positive, longest, and missed."""
    yield "Ratios to the wait by age alone: AI positive, mean (at most 0.60) / longest (1.25) / missed, mean (1.25)."
    seeds = range(seed, seed + REPLICATIONS)
    drawn = [stream.draw(one) for one in seeds]
    yield f"Ceiling in mean waits by age alone, load {stream.load:.0%}: lifted after a quarter of it / never"
    for multiple in MULTIPLES:
        yield f"  {multiple:<5} {_ratios(drawn, stream, multiple)}   {_ratios(drawn, stream, multiple, lifted=1.0)}"
    yield f"Ceiling of {USUAL} mean waits:"
    for word, streams in _variants(stream):
        for value, one in streams:
            yield f"  {word} {value:<5} {_ratios([one.draw(number) for number in seeds], one, USUAL)}"


def _variants(stream: Stream) -> Iterator[tuple[str, list[tuple[float, Stream]]]]:
    yield "load", [(load, replace(stream, load=load)) for load in LOADS]
    modelled = [(share, replace(stream, model=stream.model.with_sensitivity(share))) for share in SENSITIVITIES]
    yield "sensitivity", modelled
    yield "prevalence", [(share, replace(stream, prevalence=share)) for share in PREVALENCES]


def _ratios(
    drawn: Sequence[Sequence[Arrival]], stream: Stream, multiple: float, *, lifted: float = LIFTED_AFTER
) -> str:
    ceiling = multiple * usual_wait(drawn, readers=stream.readers)
    order = under(ceiling, lifted)
    found = compare(drawn, readers=stream.readers, ceiling=ceiling, order=order).promises(order)
    told = " / ".join(f"{kept.ratio.value:.2f}" for kept in found)
    return f"{told} {'kept  ' if all(kept.is_kept for kept in found) else 'broken'}"
