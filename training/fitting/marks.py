"""How good a round was, and what follows from the rounds so far.

Responsible for the figures that choose a round, stop a phase or slow it down; not for those of a report.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss, roc_auc_score

from training.config import Phase
from training.tasks import Task


def of(logits: NDArray[np.floating], targets: NDArray[np.int64], task: Task) -> dict[str, float]:
    """Return `val_loss`, `val_accuracy` and `val_auroc`; of several classes the mean of each against the rest.

    Args:
        logits: (n, outputs).
        targets: (n,) the class of each.
        task: whose classes they are; each occurs.
    """
    probabilities = _probabilities(np.asarray(logits, np.float64))
    scores: Any = probabilities[:, 1] if task.outputs == 1 else probabilities
    return {
        "val_loss": float(log_loss(targets, probabilities, labels=range(len(task.classes)))),
        "val_accuracy": float((probabilities.argmax(axis=1) == targets).mean()),
        "val_auroc": float(roc_auc_score(targets, scores, multi_class="ovr")),
    }


def is_stalled(rounds: Sequence[Mapping[str, Any]], patience: int | None) -> bool:
    """Whether the validation loss has not become smaller for `patience` rounds; never where that is None."""
    if patience is None or not rounds:
        return False
    return _since_best(rounds) >= patience


def slow_down(optimizer: keras.optimizers.Optimizer, rounds: Sequence[Mapping[str, Any]], phase: Phase) -> None:
    """Multiply the learning rate by the phase's factor each time its patience is over."""
    patience = phase.reduce_on_plateau
    if patience and rounds and (since := _since_best(rounds)) and since % patience == 0:
        optimizer.learning_rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate)) * phase.factor


def _since_best(rounds: Sequence[Mapping[str, Any]]) -> int:
    """Return how many rounds ago the validation loss was smallest."""
    said = [one["val_loss"] for one in rounds if "val_loss" in one]
    return len(said) - 1 - int(np.argmin(said)) if said else 0


def _probabilities(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n, classes) of (n, outputs)."""
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities
