"""How far two readers agree beyond chance: Cohen's kappa with an interval. Pure; reads and writes nothing.

Kappa: J. Cohen, Educational and Psychological Measurement 20 (1960) 37. Its large-sample standard error:
J. L. Fleiss, J. Cohen, B. S. Everitt, Psychological Bulletin 72 (1969) 323, equation 13 without weights. The interval
is kappa ± 1.96 standard errors, cut at ±1. Under 20 studies that both read it says nothing that one could rely on, and
none is given.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from studies.states import Verdict

FEWEST: Final = 20
_NORMAL: Final = 1.959963984540054
_VERDICTS: Final = tuple(Verdict)

#: How many studies one reader called the first and the other the second verdict.
Counts = Mapping[tuple[Verdict, Verdict], int]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two readers agree over the studies that both read; ``kappa`` is None where it cannot be said."""

    studies: int
    agreed: int
    kappa: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def is_too_few(self) -> bool:
        """Whether too few studies are shared for a kappa."""
        return self.studies < FEWEST

    @property
    def percent(self) -> int:
        """On how many studies of a hundred both gave the same verdict."""
        return round(100 * self.agreed / self.studies) if self.studies else 0


def agreement(counts: Counts) -> Agreement:
    """Return how two readers agree; without kappa where fewer than 20 studies are shared or all have one verdict."""
    total = sum(counts.values())
    agreed = sum(counts.get((verdict, verdict), 0) for verdict in _VERDICTS)
    kappa = kappa_of(counts) if total >= FEWEST else None
    if kappa is None:
        return Agreement(total, agreed)
    reach = _NORMAL * standard_error(counts)
    return Agreement(total, agreed, kappa, max(-1.0, kappa - reach), min(1.0, kappa + reach))


def kappa_of(counts: Counts) -> float | None:
    """Return Cohen's kappa, None where nothing is shared or chance alone would agree always."""
    total = sum(counts.values())
    if not total:
        return None
    rows, columns = _margins(counts, total)
    observed = sum(counts.get((verdict, verdict), 0) for verdict in _VERDICTS) / total
    expected = sum(rows[verdict] * columns[verdict] for verdict in _VERDICTS)
    return None if math.isclose(expected, 1.0) else (observed - expected) / (1 - expected)


def standard_error(counts: Counts) -> float:
    """Return the large-sample standard error of kappa; call it where ``kappa_of`` is not None."""
    total = sum(counts.values())
    kappa = kappa_of(counts) or 0.0
    rows, columns = _margins(counts, total)
    expected = sum(rows[verdict] * columns[verdict] for verdict in _VERDICTS)
    same = other = 0.0
    for (one, two), number in counts.items():
        share = number / total
        if one == two:
            same += share * (1 - (rows[one] + columns[one]) * (1 - kappa)) ** 2
        else:
            other += share * (columns[one] + rows[two]) ** 2
    variance = same + (1 - kappa) ** 2 * other - (kappa - expected * (1 - kappa)) ** 2
    return math.sqrt(max(0.0, variance) / total) / (1 - expected)


def _margins(counts: Counts, total: int) -> tuple[dict[Verdict, float], dict[Verdict, float]]:
    rows = {verdict: sum(n for (one, _), n in counts.items() if one == verdict) / total for verdict in _VERDICTS}
    columns = {verdict: sum(n for (_, two), n in counts.items() if two == verdict) / total for verdict in _VERDICTS}
    return rows, columns
