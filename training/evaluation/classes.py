"""Every figure of a task of more than two classes: which part, which type?

Responsible for which figures there are and what they are called in `report.json`; the most probable class is what the
model said.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation import weighted
from training.evaluation.answers import Answers
from training.evaluation.intervals import Draws, Statistic, plain
from training.evaluation.verdicts import ENOUGH_GROUPS, class_report
from training.evaluation.weighted import Array


def figures(answers: Answers, *, rounds: int = 1000) -> dict[str, Any]:
    """Return every figure of one set of images as plain values for the report."""
    draws = Draws.of(answers.groups, rounds=rounds)
    before = answers.at(1.0)
    statistics = _statistics(answers) | {
        "brier_before": partial(weighted.mean, _squared(before)),
        "calibration_error_before": _calibration_error(before),
    }
    said = answers.probabilities.argmax(axis=1)
    report = class_report(answers, said, draws)
    for number, entry in enumerate(report):
        entry.update(plain(draws.figures({"auroc": _one_against_rest(answers, number)})))
    return {
        **counts(answers),
        **plain(draws.figures(statistics)),
        "confusion": {"classes": list(answers.task.classes), "at": {"largest": confusion(answers)}},
        "per_class": report,
    }


def brief_figures(answers: Answers, *, rounds: int) -> dict[str, Any]:
    """Return the figures of a stratum: counts and intervals."""
    draws = Draws.of(answers.groups, rounds=rounds)
    return {**counts(answers), **plain(draws.figures(_statistics(answers)))}


def counts(answers: Answers) -> dict[str, Any]:
    """Return how many images and groups there are, and whether that is enough."""
    groups = len(set(answers.groups))
    return {"images": len(answers.rows), "groups": groups, "evaluated": groups >= ENOUGH_GROUPS}


def confusion(answers: Answers) -> list[list[int]]:
    """Return the confusion matrix: a row a label, a column what was said."""
    count = len(answers.task.classes)
    pairs = answers.targets * count + answers.probabilities.argmax(axis=1)
    table: list[list[int]] = np.bincount(pairs, minlength=count * count).reshape(count, count).tolist()
    return table


def macro_auroc(answers: Answers, weights: Array) -> Array:
    """Return the mean of the areas under the ROC curve of each class against the rest, of the classes that occur."""
    present = [number for number in range(len(answers.task.classes)) if _varies(answers.targets == number)]
    if not present:
        return np.full(len(weights), np.nan)
    areas: Array = np.mean([_one_against_rest(answers, number)(weights) for number in present], axis=0)
    return areas


def accuracy(answers: Answers) -> float:
    """Return the share of images of which the right class was said."""
    return float((answers.probabilities.argmax(axis=1) == answers.targets).mean())


def _statistics(answers: Answers) -> dict[str, Statistic]:
    """Return the statistics that every set has, by name."""
    right = answers.probabilities.argmax(axis=1) == answers.targets
    return {
        "accuracy": partial(weighted.mean, right.astype(np.float64)),
        "macro_auroc": partial(macro_auroc, answers),
        "brier": partial(weighted.mean, _squared(answers)),
        "calibration_error": _calibration_error(answers),
    }


def _one_against_rest(answers: Answers, number: int) -> Statistic:
    labels = (answers.targets == number).astype(np.float64)
    return partial(weighted.auroc, labels, answers.probabilities[:, number])


def _squared(answers: Answers) -> NDArray[np.float64]:
    """Return the squared distance of each image's probabilities to its label, summed over classes (Brier 1950)."""
    wanted = np.eye(len(answers.task.classes))[answers.targets]
    squared: NDArray[np.float64] = ((answers.probabilities - wanted) ** 2).sum(axis=1)
    return squared


def _calibration_error(answers: Answers) -> Statistic:
    """Return how far the largest probability lies from how often it is right."""
    right = (answers.probabilities.argmax(axis=1) == answers.targets).astype(np.float64)
    return partial(weighted.calibration_error, right, answers.probabilities.max(axis=1))


def _varies(chosen: NDArray[np.bool_]) -> bool:
    return bool(chosen.any() and not chosen.all())
