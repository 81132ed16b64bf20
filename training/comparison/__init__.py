"""The gate between two models: may the one take the place of the other? Pass, fail, or not enough evidence.

Responsible for the statistics and for the sentences that tell them; not for who asks, for storing a verdict or for
what serves (`inference.registry`). NumPy only, since serving uses it.

    compare(candidate, active) -> Report       the same images, the same groups, learnt from by neither
    meets_floors(candidate) -> Report          where no model of the task serves yet
"""

from __future__ import annotations

from training.comparison.evidence import Witness
from training.comparison.report import Check, Outcome, Report
from training.comparison.verdicts import FEWEST_POSITIVES, MARGIN, compare, meets_floors

__all__ = ["FEWEST_POSITIVES", "MARGIN", "Check", "Outcome", "Report", "Witness", "compare", "meets_floors"]
