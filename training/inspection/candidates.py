"""Which pictures may be copies of each other, at whatever angle: every pair is asked, in blocks.

Responsible for a bound that no rotation and no mirroring can beat; not for the decision (`training.inspection.copies`).
The correlation of two fingerprints, turned by an angle, is a sum over angular frequencies of products whose phase
turns with the angle: the sum of their absolute values is the most that any angle can reach, and copies reach it. So one
matrix product for each frequency asks all pairs, and no angle is tried.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from training.inspection.fingerprints import FREQUENCIES, WEIGHTS

_BLOCK: Final = 512
#: Angles that are told apart between two samples of a ring.
_TURNS: Final = 1440


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two fingerprints that may be of copies.

    Attributes:
        first: number of the one.
        second: number of the other, larger.
        bound: most that their correlation can be at any angle.
        mirrored: whether one of them has to be mirrored for that.
    """

    first: int
    second: int
    bound: float
    mirrored: bool


def candidates(found: NDArray[np.complex64], least: float) -> list[Candidate]:
    """Return the pairs of fingerprints (n, RINGS, FREQUENCIES) whose bound is at least `least`, the closest first."""
    weighted = np.ascontiguousarray((found * np.sqrt(WEIGHTS)).transpose(2, 0, 1))
    chosen = [pair for block in _blocks(len(found)) for pair in _in_block(weighted, *block, least)]
    return sorted(chosen, key=lambda pair: (-pair.bound, pair.first, pair.second))


def turn(first: NDArray[np.complex64], second: NDArray[np.complex64], *, mirrored: bool) -> tuple[float, float]:
    """Return the best correlation of two fingerprints and the angle in degrees by which the second is turned for it."""
    other = second if mirrored else second.conj()
    spectrum = np.zeros(_TURNS // 2 + 1, np.complex64)
    spectrum[:FREQUENCIES] = (first * other).sum(axis=0) * WEIGHTS
    # `WEIGHTS` count both signs of a frequency, as the inverse of a real transform does again
    spectrum[1:FREQUENCIES] /= 2
    correlation = fft.irfft(spectrum, n=_TURNS) * _TURNS
    best = int(correlation.argmax())
    return float(correlation[best]), best * 360 / _TURNS


def _blocks(count: int) -> Iterator[tuple[slice, slice]]:
    """Yield the blocks on and above the diagonal."""
    for top in range(0, count, _BLOCK):
        for left in range(top, count, _BLOCK):
            yield slice(top, top + _BLOCK), slice(left, left + _BLOCK)


def _in_block(weighted: NDArray[np.complex64], tops: slice, lefts: slice, least: float) -> Iterator[Candidate]:
    """Yield the pairs of one block, in either sense."""
    rows, columns = weighted[:, tops], weighted[:, lefts]
    straight = _bound(rows, columns.conj())
    mirrored = _bound(rows, columns)
    bound = np.maximum(straight, mirrored)
    for row, column in np.argwhere(bound >= least):
        first, second = int(row) + tops.start, int(column) + lefts.start
        if first < second:
            yield Candidate(
                first, second, float(bound[row, column]), bool(mirrored[row, column] > straight[row, column])
            )


def _bound(rows: NDArray[np.complex64], columns: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Return (rows, columns): the sum over frequencies of the absolute products of rings."""
    total = np.zeros((rows.shape[1], columns.shape[1]), np.float32)
    for one, other in zip(rows, columns, strict=True):
        total += np.abs(one @ other.T)
    return total
