"""Sides of a split and folds: whole groups, alike in labels and regions, never changed when data is added.

Responsible for dealing groups to sides; not for finding out what belongs together (`Sample.group` tells it from
patient keys and file names, and `training.inspection` finds copies). A group is dealt with all its images, so a
patient is never learnt from and measured on at once.

Groups are dealt greedily: the rarest class first, then the largest group, each to the side where it keeps the counts
of every label, of every region and of all images nearest to the sides' shares (sum of squared counts over shares,
each stratum relative to its own total). That is balanced to a group or so, where sides drawn by a hash of the group's
name would vary like a binomial draw and could leave a rare class out. What a hash gives for nothing, that a side never
changes, comes from the table of sides (`Sides`): what stands in it is kept, and only it can tell which of two images
came later and has to be left out where both sides claim it.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from training.dataset import SPLITS, DatasetError, Sample
from training.inspection import Copies, regrouped
from training.predictions import group_digest

#: Regions weigh less than labels: a label that is rare on one side cannot be measured there.
_REGION_WEIGHT: Final = 0.25
#: Shares of the sides where nobody says otherwise.
FRACTIONS: Final[Mapping[str, float]] = MappingProxyType({"train": 0.7, "val": 0.15, "test": 0.15})
#: What stands for a side where an image would join two of them.
LEAK_CONFLICT: Final = "leak_conflict"
#: A kind (all, label, region) and which.
Stratum = tuple[str, str]
#: The name of a file with the table of sides.
SIDES: Final = "splits.csv"
_COLUMNS: Final = ("item", "group", "side")


class Side(NamedTuple):
    """Where one image lies: digest of its group (`predictions.group_digest`), and a side or `LEAK_CONFLICT`."""

    group: str
    name: str


@dataclass(frozen=True, slots=True)
class Sides:
    """The table of sides, `splits.csv`: what makes a split stable when data is added.

    Attributes:
        items: by SHA-256 (hex) of an image's file.
    """

    items: Mapping[str, Side]

    @classmethod
    def decoded(cls, data: bytes, where: str = SIDES) -> Self:
        """Return the table that `encoded` wrote; `where` it was found is named in a refusal.

        Raises:
            DatasetError: a column is missing, or a side is unknown.
        """
        reader = csv.DictReader(io.StringIO(data.decode()), restval="")
        if tuple(reader.fieldnames or ()) != _COLUMNS:
            received = ", ".join(reader.fieldnames or ())
            raise DatasetError(f"Expected the columns {', '.join(_COLUMNS)} in {where}. Received: {received}.")
        items = {row["item"]: Side(row["group"], row["side"]) for row in reader}
        for unknown in {side.name for side in items.values()} - {*SPLITS, LEAK_CONFLICT}:
            raise DatasetError(
                f"Expected a side of {', '.join(SPLITS)} or {LEAK_CONFLICT} in {where}. Received: {unknown!r}."
            )
        return cls(items)

    def encoded(self) -> bytes:
        """Return the table as CSV, in UTF-8."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows((item, *side) for item, side in sorted(self.items.items()))
        return buffer.getvalue().encode()


def folds(samples: Sequence[Sample], count: int, seed: int) -> tuple[int, ...]:
    """Return the number of the fold of each sample, 0 to count - 1; a group lies in one fold.

    Args:
        samples: those that are fitted on (train and val), never those of a test side.
        count: how many folds.
        seed: decides between groups that are alike; the order of the samples does not matter.

    Raises:
        DatasetError: there are fewer than two folds, or a class has fewer groups than there are folds.
    """
    if count < 2:
        raise DatasetError(f"Expected at least 2 folds. Received: {count}.")
    _require_groups(samples, count, "folds")
    dealt = _dealt(_strata(samples), np.full(count, 1 / count), seed, [Counter() for _ in range(count)])
    return tuple(dealt[sample.group] for sample in samples)


def split(
    samples: Sequence[Sample],
    found: Copies,
    *,
    fractions: Mapping[str, float] = FRACTIONS,
    seed: int = 1,
    previous: Sides | None = None,
) -> Sides:
    """Return the side of each image: what was dealt before stays, the rest is dealt by whole groups.

    Images of one group and copies of one radiograph go together. What is new and would join two sides is left out as
    `LEAK_CONFLICT`, once and for ever.

    Args:
        samples: whose groups count; their splits do not.
        found: the copies among them.
        fractions: share of each side.
        seed: decides between groups that are alike; the order of the samples does not matter.
        previous: sides that were dealt before, kept even for images that are no longer there.

    Raises:
        DatasetError: nothing was dealt before, and a class has fewer groups than there are sides.
    """
    names, known, merged = tuple(fractions), previous or Sides({}), regrouped(samples, found)
    claims = _claims(samples, merged, found.items, known)
    if previous is None:
        _require_groups(merged, len(names), "sides")
    held = [Counter[Stratum]() for _ in names]
    for group, counts in _strata(sample for sample in merged if claims.get(sample.group) in names).items():
        held[names.index(claims[group])].update(counts)
    free = _strata(sample for sample in merged if sample.group not in claims)
    dealt = _dealt(free, np.array([fractions[name] for name in names]), seed, held)
    rows = {
        item: Side(group_digest(sample.group), claims.get(whole.group) or names[dealt[whole.group]])
        for item, sample, whole in zip(found.items, samples, merged, strict=True)
    }
    return Sides({**rows, **known.items})


def _claims(samples: Sequence[Sample], merged: Sequence[Sample], items: Sequence[str], known: Sides) -> dict[str, str]:
    """Return, by merged group, the side that it lies on already, or `LEAK_CONFLICT` where it lies on two."""
    claims: dict[str, str] = {}
    by_group = {side.group: side.name for side in known.items.values() if side.name != LEAK_CONFLICT}
    for sample, whole, item in zip(samples, merged, items, strict=True):
        name = known.items[item].name if item in known.items else by_group.get(group_digest(sample.group))
        if name and name != LEAK_CONFLICT and claims.setdefault(whole.group, name) != name:
            claims[whole.group] = LEAK_CONFLICT
    return claims


def _require_groups(samples: Sequence[Sample], count: int, what: str) -> None:
    """Refuse classes that cannot be on every side."""
    for label, groups in sorted(_groups_by_label(samples).items()):
        if groups < count:
            raise DatasetError(f"Expected at least {count} groups of {label} for {count} {what}. Received: {groups}.")


def _groups_by_label(samples: Sequence[Sample]) -> Counter[str]:
    """Return how many groups have an image of each label."""
    return Counter(label for label, _ in {(sample.label, sample.group) for sample in samples})


def _strata(samples: Iterable[Sample]) -> dict[str, Counter[Stratum]]:
    """Return, by group, how many images it has in each stratum: all, each label, each region within each label."""
    counted: dict[str, Counter[Stratum]] = {}
    for sample in samples:
        counts = counted.setdefault(sample.group, Counter())
        counts.update((("all", ""), ("label", sample.label), ("region", f"{sample.label} {sample.region}")))
    return counted


def _dealt(
    groups: Mapping[str, Counter[Stratum]], shares: NDArray[np.float64], seed: int, begun: Sequence[Counter[Stratum]]
) -> dict[str, int]:
    """Return the number of the side of each group, given what each side holds already."""
    strata = sorted({stratum for counts in (*groups.values(), *begun) for stratum in counts})
    table = {group: _row(counts, strata) for group, counts in groups.items()}
    held = np.array([_row(counts, strata) for counts in begun])
    matrix = np.array([*table.values(), *held])
    weights = np.array([_REGION_WEIGHT if kind == "region" else 1.0 for kind, _ in strata])
    weights = weights / np.maximum(matrix.sum(axis=0), 1) ** 2
    labels = [index for index, stratum in enumerate(strata) if stratum[0] == "label"]
    rarest_first = sorted(labels, key=lambda index: (np.count_nonzero(matrix[:, index]), index))
    sides: dict[str, int] = {}
    for group in sorted(table, key=lambda name: _turn(name, table[name], rarest_first, seed)):
        sides[group] = _side(table[group], held, shares, weights, rarest_first)
        held[sides[group]] += table[group]
    return sides


def _row(counts: Counter[Stratum], strata: Sequence[Stratum]) -> NDArray[np.float64]:
    """Return counts in the order of the strata."""
    return np.array([counts[stratum] for stratum in strata], np.float64)


def _turn(
    group: str, counts: NDArray[np.float64], rarest_first: Sequence[int], seed: int
) -> tuple[int, float, str, str]:
    """Return what a group is sorted by: its rarest class, then size, then a keyed hash of its name."""
    place = next(place for place, index in enumerate(rarest_first) if counts[index])
    return place, -float(counts.sum()), hashlib.sha256(f"{seed} {group}".encode()).hexdigest(), group


def _side(
    counts: NDArray[np.float64],
    held: NDArray[np.float64],
    shares: NDArray[np.float64],
    weights: NDArray[np.float64],
    rarest_first: Sequence[int],
) -> int:
    """Return the side that lacks one of the group's classes, the rarest first, and else stays the most even."""
    costs = ((2 * held * counts + counts**2) * weights).sum(axis=1) / shares
    lacks = [tuple(not (counts[index] and not row[index]) for index in rarest_first) for row in held]
    return min(range(len(shares)), key=lambda side: (lacks[side], costs[side]))
