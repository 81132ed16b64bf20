"""A linear probe: logistic regression on standardised columns.

Responsible for a penalised maximum-likelihood fit in NumPy; used for the first head of a network and for the
baseline without pixels. Not responsible for features.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def logistic(
    columns: NDArray[np.floating], labels: NDArray[np.floating], *, penalty: float = 0.03, steps: int = 400
) -> tuple[NDArray[np.float64], float]:
    """Return weights (columns,) and bias of the logit, by accelerated gradient descent (Nesterov).

    Args:
        columns: (rows, columns).
        labels: (rows,), 0 or 1.
        penalty: L2 penalty on the weights of standardised columns, per row.
        steps: of gradient descent.
    """
    mean, deviation = columns.mean(axis=0), columns.std(axis=0)
    deviation = np.where(deviation > 1e-9, deviation, 1.0)
    inputs = np.column_stack([(columns - mean) / deviation, np.ones(len(columns))]).astype(np.float64)
    shrunk = np.append(np.full(columns.shape[1], penalty), 0.0)
    curvature = 0.25 * np.linalg.norm(inputs, 2) ** 2 / len(inputs) + penalty
    weights = ahead = np.zeros(inputs.shape[1])
    for step in range(steps):
        error = 1 / (1 + np.exp(-inputs @ ahead)) - labels
        moved = ahead - (inputs.T @ error / len(inputs) + shrunk * ahead) / curvature
        ahead = moved + step / (step + 3) * (moved - weights)
        weights = moved
    kernel = weights[:-1] / deviation
    return kernel, float(weights[-1] - kernel @ mean)
