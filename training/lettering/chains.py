"""Finds marks that stand in a line like letters: about as tall, on one base line, a letter's distance apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.lettering.marks import TALL

_MARKS = 6000


def chains_of(boxes: NDArray[np.int64], *, least: int) -> list[NDArray[np.int64]]:
    """Return lines as indices of boxes (left, top, right, bottom, ...), each from left to right.

    Args:
        boxes: Of marks; for lines that run upwards or downwards, with its axes swapped.
        least: Letters that a line has at least; a mark much wider than tall counts as several.
    """
    letters = letters_in(boxes)
    fitting = np.flatnonzero((boxes[:, 3] - boxes[:, 1] >= TALL[0]) & (boxes[:, 3] - boxes[:, 1] <= TALL[1]))
    usable = fitting[letters[fitting] > 0]
    if not 0 < len(usable) <= _MARKS:
        return []
    following = _following(boxes[usable])
    is_head = np.ones(len(usable), bool)
    is_head[following[following >= 0]] = False
    chains = (_walk(int(head), following) for head in np.flatnonzero(is_head))
    return [usable[chain] for chain in chains if letters[usable[chain]].sum() >= least]


def letters_in(boxes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many letters each mark may be: 1, or more where it is wide and has the runs of several; 0 for none."""
    wide, tall = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    runs = boxes[:, 5] / np.maximum(1, tall)
    several = np.minimum(np.rint(wide / (0.75 * tall)), np.rint(runs / 1.4)).astype(np.int64)
    filled = boxes[:, 4] / (wide * tall)
    one = (wide <= 1.6 * tall) & ((filled < 0.98) | (wide < 0.45 * tall))
    joined = (wide <= 12 * tall) & (several >= 2) & (filled > 0.2) & (filled < 0.75)
    return np.where(one, 1, np.where(joined, several, 0))


def _walk(head: int, following: NDArray[np.int64]) -> list[int]:
    chain = [head]
    while (after := int(following[chain[-1]])) >= 0:
        chain.append(after)
    return chain


def _following(boxes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each mark the one that stands next to its right on the same line, or -1."""
    first, second = _neighbours(boxes)
    left, top, right, bottom = (boxes[:, column] for column in range(4))
    tall = bottom - top
    gap = left[second] - right[first]
    taller, lower = np.maximum(tall[first], tall[second]), np.minimum(tall[first], tall[second])
    fits = (gap > -0.35 * taller) & (gap <= np.maximum(4, 1.3 * taller)) & (lower >= 0.55 * taller - 1)
    fits &= np.abs(bottom[first] - bottom[second]) <= 0.28 * taller + 1
    first, second, gap = first[fits], second[fits], gap[fits]
    order = np.lexsort((gap, first))
    heads, places = np.unique(first[order], return_index=True)
    following = np.full(len(boxes), -1)
    following[heads] = second[order][places]
    return following


def _neighbours(boxes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of marks whose lower edges lie close: the first further left than the second."""
    order = np.argsort(boxes[:, 3], kind="stable")
    bottoms = boxes[order, 3]
    reach = 0.28 * TALL[1] + 1
    first = np.arange(len(order))
    last = np.searchsorted(bottoms, bottoms + reach, side="right")
    counts = last - first - 1
    one = np.repeat(first, counts)
    other = one + 1 + np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    one, other = order[one], order[other]
    near = np.abs(boxes[one, 0] - boxes[other, 0]) <= 4 * TALL[1]
    one, other = one[near], other[near]
    swap = boxes[one, 0] > boxes[other, 0]
    return np.where(swap, other, one), np.where(swap, one, other)
