"""Hangs a study: which image stands in which viewport when it is opened. Pure.

Frontal before lateral before oblique before other views, what has no view last; within a view right before left, as one
faces the patient; else in the order in which the images came. The tables below are the whole of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final

from studies.states import Side

VIEWPORTS: Final = 4
#: Place of a view position (PS3.3, (0018,5101)) in the order; decubitus views are frontal beams on a lying patient.
ORDER_OF_VIEWS: Final[Mapping[str, int]] = {
    view: place
    for place, views in enumerate(("AP PA", "LAT LL RL", "OBL LLO RLO", "AX TAN LLD RLD"))
    for view in views.split()
}
UNKNOWN_VIEW: Final = len(set(ORDER_OF_VIEWS.values()))
ORDER_OF_SIDES: Final[Mapping[str, int]] = {Side.RIGHT: 0, Side.LEFT: 2}
BETWEEN_SIDES: Final = 1


@dataclass(frozen=True, slots=True)
class Hung:
    """What decides where an image hangs."""

    id: uuid.UUID
    view: str
    side: str
    position: int

    @property
    def wall(self) -> tuple[int, int]:
        """Which images it belongs with: those of the same kind of view and side."""
        return ORDER_OF_VIEWS.get(self.view, UNKNOWN_VIEW), ORDER_OF_SIDES.get(self.side, BETWEEN_SIDES)


def hang(images: Iterable[Hung]) -> list[list[uuid.UUID]]:
    """Return the images of each viewport, at most four; the first of each is shown.

    Up to four images stand side by side. More of them share viewports: those of one view and side one, where that makes
    no more than four; else they are dealt out in order.
    """
    ordered = sorted(images, key=lambda image: (image.wall, image.position))
    if len(ordered) <= VIEWPORTS:
        return [[image.id] for image in ordered]
    walls = [[image.id for image in group] for _wall, group in groupby(ordered, key=lambda image: image.wall)]
    return walls if 1 < len(walls) <= VIEWPORTS else _dealt([image.id for image in ordered])


def _dealt(ids: Sequence[uuid.UUID]) -> list[list[uuid.UUID]]:
    """Return the images in four stacks of neighbours, none longer than another by more than one."""
    short, more = divmod(len(ids), VIEWPORTS)
    ends = [short * number + min(number, more) for number in range(VIEWPORTS + 1)]
    return [list(ids[start:end]) for start, end in pairwise(ends)]
