"""Sides of a split and folds: whole groups, alike in labels and regions, never changed when data is added.

Responsible for dealing groups to sides; not for finding out what belongs together (`Sample.group` tells it, and
`training.inspection` finds copies). A group is dealt with all its images, so a patient is never learnt from and
measured on at once.

Groups are dealt greedily: the rarest class first, then the largest group, each to the side where it keeps the counts
of every label, of every region and of all images nearest to the sides' shares (sum of squared counts over shares,
each stratum relative to its own total). That is balanced to a group or so, where sides drawn by a hash of the group's
name would vary like a binomial draw and could leave a rare class out.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.dataset import DatasetError, Sample

#: Regions weigh less than labels: a label that is rare on one side cannot be measured there.
_REGION_WEIGHT: Final = 0.25


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
    for label, groups in sorted(_groups_by_label(samples).items()):
        if groups < count:
            raise DatasetError(f"Expected at least {count} groups of {label} for {count} folds. Received: {groups}.")
    dealt = _dealt(_strata(samples), np.full(count, 1 / count), seed)
    return tuple(dealt[sample.group] for sample in samples)


def _groups_by_label(samples: Sequence[Sample]) -> Counter[str]:
    """Return how many groups have an image of each label."""
    return Counter(label for label, _ in {(sample.label, sample.group) for sample in samples})


def _strata(samples: Sequence[Sample]) -> dict[str, Counter[tuple[str, str]]]:
    """Return, by group, how many images it has in each stratum: all, each label, each region within each label."""
    counted: dict[str, Counter[tuple[str, str]]] = {}
    for sample in samples:
        counts = counted.setdefault(sample.group, Counter())
        counts.update((("all", ""), ("label", sample.label), ("region", f"{sample.label} {sample.region}")))
    return counted


def _dealt(groups: Mapping[str, Counter[tuple[str, str]]], shares: NDArray[np.float64], seed: int) -> dict[str, int]:
    """Return the number of the side of each group."""
    strata = sorted({stratum for counts in groups.values() for stratum in counts})
    labels = [index for index, stratum in enumerate(strata) if stratum[0] == "label"]
    table = {group: np.array([counts[stratum] for stratum in strata], np.float64) for group, counts in groups.items()}
    matrix = np.array(list(table.values())).reshape(len(table), len(strata))
    weights = np.array([_REGION_WEIGHT if kind == "region" else 1.0 for kind, _ in strata])
    weights = weights / np.maximum(matrix.sum(axis=0), 1) ** 2
    rarest_first = sorted(labels, key=lambda index: (np.count_nonzero(matrix[:, index]), index))
    held = np.zeros((len(shares), len(strata)))
    sides: dict[str, int] = {}
    for group in sorted(table, key=lambda name: _turn(name, table[name], rarest_first, seed)):
        sides[group] = _side(table[group], held, shares, weights, rarest_first)
        held[sides[group]] += table[group]
    return sides


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
