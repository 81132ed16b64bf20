"""Figures of a binary score: discrimination, operating characteristics, intervals.

Responsible for the numbers; not for where scores come from or how they are shown.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def auroc(labels: NDArray[np.floating], scores: NDArray[np.floating]) -> float:
    """Return the area under the ROC curve as the Mann-Whitney statistic, ties counted half.

    Raises:
        ValueError: one of the two labels is missing.
    """
    positive = labels > 0.5
    count, others = int(positive.sum()), int((~positive).sum())
    if not count or not others:
        raise ValueError(f"Expected both labels. Received: {count} positive and {others} negative.")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * others))
