"""The pointing game: does the strongest cell of a map lie in a box, and would a map that never looks do as well?

Responsible for hits and for their comparison (Zhang et al. 2018); not for making maps. A hit is a point inside a box
that was widened by half a cell of the features on each side, the same room for every rival, so that no rival gains by
its grid. Points and boxes are fractions of the radiograph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.dataset import Box
from training.evaluation import weighted
from training.evaluation.intervals import Draws, Statistic, plain

#: Who points: the network's own map, the closed form from its features, the centre, the best constant point.
RIVALS: Final = ("map", "activation", "centre_prior", "constant")
Point = tuple[float, float]
CENTRE: Final[Point] = (0.5, 0.5)
#: Candidates of the constant point lie on a grid of so many points a side.
_GRID: Final = 33


@dataclass(frozen=True, slots=True)
class Target:
    """A radiograph with boxes.

    Attributes:
        boxes: of its fractures.
        room: by how much a box is widened on each side, in x and in y.
    """

    boxes: tuple[Box, ...]
    room: Point

    def is_hit(self, point: Point) -> bool:
        """Return whether a point lies in one of the widened boxes."""
        (x, y), (room_x, room_y) = point, self.room
        return any(x0 - room_x <= x <= x1 + room_x and y0 - room_y <= y <= y1 + room_y for x0, y0, x1, y1 in self.boxes)


@dataclass(frozen=True, slots=True)
class Game:
    """What each rival hit.

    Attributes:
        groups: of the radiographs with boxes.
        hits: (n,) 0 or 1 of each rival of `RIVALS` that took part.
    """

    groups: tuple[str, ...]
    hits: Mapping[str, NDArray[np.float64]]

    @property
    def drawn(self) -> str:
        """What should draw the map: the network's own where it hits at least as often as the closed form, else that.

        Empty where neither took part.
        """
        own, explained = self.hits.get("map"), self.hits.get("activation")
        if own is not None and (explained is None or own.sum() >= explained.sum()):
            return "map"
        return "" if explained is None else "activation"

    def figures(self, *, rounds: int = 1000) -> dict[str, Any]:
        """Return the section `pointing` of a split of the report."""
        statistics: dict[str, Statistic] = {name: partial(weighted.mean, hits) for name, hits in self.hits.items()} | {
            f"over_{name}": self._over(name) for name in ("activation", "centre_prior") if self._is_rival(name)
        }
        measured = plain(Draws.of(self.groups, rounds=rounds).figures(statistics))
        names = (*RIVALS, "over_activation", "over_centre_prior")
        return {
            "boxed": len(self.groups),
            "groups": len(set(self.groups)),
            "drawn": self.drawn,
            "tolerance": "half a cell of the features",
            **{name: measured.get(name) for name in names},
        }

    def _is_rival(self, name: str) -> bool:
        return bool(self.drawn) and name in self.hits and name != self.drawn

    def _over(self, name: str) -> Statistic:
        return partial(weighted.mean, self.hits[self.drawn] - self.hits[name])


def shows_regions(figures: Mapping[str, Any] | None) -> bool:
    """Return whether a network's own map is proven better than Grad-CAM and than the centre: both intervals above 0.

    Args:
        figures: the section `pointing` of a split that was not learnt from.
    """
    if figures is None or figures["drawn"] != "map":
        return False
    rivals = [figures[name] for name in ("over_activation", "over_centre_prior")]
    return all(rival is not None and rival["low"] > 0 for rival in rivals)


def strongest(contributions: NDArray[np.floating], content: Box) -> Point:
    """Return the centre of the strongest cell of a map (h, w) of the rendition, as fractions of the radiograph.

    Args:
        contributions: the map.
        content: where the radiograph lies in the rendition, from `Preprocessing.content_box`.
    """
    row, column = np.unravel_index(int(np.argmax(contributions)), contributions.shape)
    x, y = (float(column) + 0.5) / contributions.shape[1], (float(row) + 0.5) / contributions.shape[0]
    return (x - content[0]) / (content[2] - content[0]), (y - content[1]) / (content[3] - content[1])


def room(cells: tuple[int, int], content: Box) -> Point:
    """Return half a cell of a grid (rows, columns) over the rendition, as fractions of the radiograph."""
    return 0.5 / cells[1] / (content[2] - content[0]), 0.5 / cells[0] / (content[3] - content[1])


def best_constant(targets: Sequence[Target]) -> Point:
    """Return the point that hits most of these radiographs; the centre where there are none."""
    if not targets:
        return CENTRE
    axis = np.linspace(0, 1, _GRID)
    x, y = np.meshgrid(axis, axis)
    hits = np.zeros(x.shape)
    for target in targets:
        room_x, room_y = target.room
        inside = np.zeros(x.shape, bool)
        for x0, y0, x1, y1 in target.boxes:
            inside |= (x >= x0 - room_x) & (x <= x1 + room_x) & (y >= y0 - room_y) & (y <= y1 + room_y)
        hits += inside
    best = np.unravel_index(int(np.argmax(hits)), hits.shape)
    return float(x[best]), float(y[best])
