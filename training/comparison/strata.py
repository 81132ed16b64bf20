"""The parts of a set in which one model may be worse although it is better overall.

Responsible for the tests within region, view, hardware and size, corrected for their number; which strata there are is
said in `training.evaluation.strata`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.comparison.evidence import Evidence
from training.comparison.measures import Measure
from training.comparison.paired import holm, mcnemar
from training.comparison.report import Check
from training.evaluation.strata import named

#: Level of the tests of all strata together.
LEVEL: Final = 0.05


class _Test(NamedTuple):
    """One measure within one stratum: images, both rates, and in how many groups either model was the better."""

    name: str
    images: int
    candidate: float
    active: float
    better: int
    worse: int


def checks(evidence: Evidence, pairs: Sequence[tuple[Measure, Measure]]) -> list[Check]:
    """Return a check for each measure in each stratum: a fail where the candidate is significantly worse there.

    McNemar's exact test over groups: a group speaks once, for the model that was right more often in it, so that
    several images of one patient are no several witnesses. The p values are corrected by Holm's procedure.
    """
    tests = []
    for _, name, belongs in named(evidence.rows):
        inside = np.array([belongs(row) for row in evidence.rows])
        for candidate, active in pairs:
            chosen = inside & candidate.among
            if chosen.any():
                tests.append(_test(f"{candidate.name}, {name}", evidence.groups, candidate, active, chosen))
    values = [mcnemar(test.better, test.worse) for test in tests]
    return [_check(test, p, corrected) for test, p, corrected in zip(tests, values, holm(values), strict=True)]


def _test(name: str, groups: Sequence[str], candidate: Measure, active: Measure, chosen: NDArray[np.bool_]) -> _Test:
    gain = candidate.right.astype(np.int64) - active.right
    _, numbers = np.unique(np.asarray(groups)[chosen], return_inverse=True)
    sums = np.bincount(numbers, weights=gain[chosen])
    rates = [float(measure.right[chosen].mean()) for measure in (candidate, active)]
    return _Test(name, int(chosen.sum()), rates[0], rates[1], int((sums > 0).sum()), int((sums < 0).sum()))


def _check(test: _Test, p: float, corrected: float) -> Check:
    is_worse = corrected < LEVEL and test.worse > test.better
    words = "significantly worse" if is_worse else "not significantly worse"
    return Check(
        name=test.name,
        kind="stratum",
        outcome="fail" if is_worse else "pass",
        sentence=f"{test.name[0].upper()}{test.name[1:]}: {test.candidate:.3f} against {test.active:.3f} on "
        f"{test.images} images, better in {test.better} groups and worse in {test.worse}: {words} (p {corrected:.3g}).",
        images=test.images,
        candidate=test.candidate,
        active=test.active,
        estimate=test.candidate - test.active,
        limit=LEVEL,
        better=test.better,
        worse=test.worse,
        p=p,
        p_holm=corrected,
    )
