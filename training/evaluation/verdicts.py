"""Every figure of a task of two classes: is it fractured?

Responsible for which figures there are and what they are called in `report.json`; the arithmetic is that of
`training.evaluation.weighted`, the intervals those of `training.evaluation.intervals`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training import calibrate
from training.calibrate import OperatingPoints
from training.evaluation import weighted
from training.evaluation.answers import Answers
from training.evaluation.intervals import Draws, Statistic, plain
from training.evaluation.weighted import Array

#: A stratum, or a class, with fewer groups of either label is called not evaluated.
ENOUGH_GROUPS: Final = 50
#: The threshold that no data chose.
HALF: Final = 0.5
#: The specificity at which sensitivity is told, whatever the operating points are.
AT_SPECIFICITY: Final = 0.85
#: Shares of fractured images for which predictive values are told.
PREVALENCES: Final = (0.05, 0.10, 0.20, 0.30)


def figures(answers: Answers, points: OperatingPoints, *, rounds: int = 1000) -> dict[str, Any]:
    """Return every figure of one set of images as plain values for the report."""
    draws = Draws.of(answers.groups, rounds=rounds)
    labels, said = answers.labels, answers.positive
    statistics = _statistics(labels, said, points) | {
        "brier_before": _brier(labels, answers.at(1.0).positive),
        "calibration_error_before": partial(weighted.calibration_error, labels, answers.at(1.0).positive),
    }
    return {
        **counts(answers),
        **plain(draws.figures(statistics)),
        "states": states(labels, said, points),
        "confusion": {"classes": list(answers.task.classes), "at": confusions(labels, said, points)},
        "per_class": _per_class(answers, draws),
        "predictive": _predictive(labels, said, points, draws),
    }


def group_figures(answers: Answers, points: OperatingPoints, *, rounds: int = 1000) -> dict[str, Any]:
    """Return the figures of whole groups, the worst image of each speaking for it."""
    grouped = answers.by_group()
    draws = Draws.of(grouped.groups, rounds=rounds)
    return {
        **counts(grouped),
        **plain(draws.figures(_statistics(grouped.labels, grouped.positive, points))),
        "states": states(grouped.labels, grouped.positive, points),
        "confusion": {
            "classes": list(answers.task.classes),
            "at": confusions(grouped.labels, grouped.positive, points),
        },
    }


def brief_figures(answers: Answers, points: OperatingPoints, *, rounds: int) -> dict[str, Any]:
    """Return the figures of a stratum: counts, intervals and states."""
    draws = Draws.of(answers.groups, rounds=rounds)
    labels, said = answers.labels, answers.positive
    return {
        **counts(answers),
        **plain(draws.figures(_statistics(labels, said, points))),
        "states": states(labels, said, points),
    }


def counts(answers: Answers) -> dict[str, Any]:
    """Return how many images and groups there are, in all and with each label, and whether that is enough."""
    positive = answers.targets == 1
    names = np.asarray(answers.groups)
    fractured_groups, other_groups = len(np.unique(names[positive])), len(np.unique(names[~positive]))
    return {
        "images": len(positive),
        "fractured": int(positive.sum()),
        "groups": len(np.unique(names)),
        "fractured_groups": fractured_groups,
        "other_groups": other_groups,
        "evaluated": min(fractured_groups, other_groups) >= ENOUGH_GROUPS,
    }


def states(labels: NDArray[np.floating], said: NDArray[np.floating], points: OperatingPoints) -> dict[str, Any]:
    """Return how many images of each label are said to be positive, doubt or negative."""
    table = {}
    for name, chosen in (("fractured", labels > 0.5), ("not_fractured", labels <= 0.5)):
        found = [calibrate.state_of(float(value), points) for value in said[chosen]]
        table[name] = {state: found.count(state) for state in ("positive", "doubt", "negative")}
    return table


def confusions(
    labels: NDArray[np.floating], said: NDArray[np.floating], points: OperatingPoints
) -> dict[str, list[list[int]]]:
    """Return the confusion matrix at each threshold: a row a label, a column what was said, not fractured first."""
    tables = {}
    for name, threshold in thresholds(points).items():
        above = said >= threshold
        tables[name] = [
            [int((~above & chosen).sum()), int((above & chosen).sum())] for chosen in (labels <= 0.5, labels > 0.5)
        ]
    return tables


def thresholds(points: OperatingPoints) -> dict[str, float]:
    """Return the thresholds at which figures are told, by name."""
    return {"lower": points.lower, "half": HALF, "upper": points.upper}


def _statistics(
    labels: NDArray[np.floating], said: NDArray[np.floating], points: OperatingPoints
) -> dict[str, Statistic]:
    """Return the statistics that every set has, by name."""
    found: dict[str, Statistic] = {
        "auroc": partial(weighted.auroc, labels, said),
        "average_precision": partial(weighted.average_precision, labels, said),
        "brier": _brier(labels, said),
        "calibration_error": partial(weighted.calibration_error, labels, said),
        "mean_probability": partial(weighted.mean, said),
        "prevalence": partial(weighted.mean, labels),
        "doubt": partial(weighted.mean, ((said >= points.lower) & (said < points.upper)).astype(np.float64)),
        "sensitivity_at_specificity_85": partial(
            weighted.sensitivity_at_specificity, labels, said, wanted=AT_SPECIFICITY
        ),
    }
    everyone = np.ones(len(labels), bool)
    for name, threshold in thresholds(points).items():
        above, fractured = said >= threshold, labels > 0.5
        found[f"accuracy_at_{name}"] = partial(weighted.share, above == fractured, everyone)
        found[f"sensitivity_at_{name}"] = partial(weighted.share, above, fractured)
        found[f"specificity_at_{name}"] = partial(weighted.share, ~above, ~fractured)
    return found


def _brier(labels: NDArray[np.floating], said: NDArray[np.floating]) -> Statistic:
    return partial(weighted.mean, (said - labels) ** 2)


def _per_class(answers: Answers, draws: Draws) -> list[dict[str, Any]]:
    """Return precision, recall and F1 of both classes at the threshold that no data chose."""
    said = (answers.positive >= HALF).astype(np.int64)
    return class_report(answers, said, draws)


def class_report(answers: Answers, said: NDArray[np.int64], draws: Draws) -> list[dict[str, Any]]:
    """Return precision, recall, F1 and support of each class.

    Args:
        answers: of any task.
        said: (n,) number of the class that was said of each image.
        draws: of the same images.
    """
    names = np.asarray(answers.groups)
    report = []
    for number, name in enumerate(answers.task.classes):
        chosen, predicted = answers.targets == number, said == number
        statistics: dict[str, Statistic] = {
            "precision": partial(weighted.share, chosen, predicted),
            "recall": partial(weighted.share, predicted, chosen),
            "f1": partial(_f1, chosen, predicted),
        }
        groups, others = len(np.unique(names[chosen])), len(np.unique(names[~chosen]))
        report.append(
            {
                "class": name,
                "support": int(chosen.sum()),
                "groups": groups,
                "evaluated": min(groups, others) >= ENOUGH_GROUPS,
                **plain(draws.figures(statistics)),
            }
        )
    return report


def _f1(chosen: NDArray[np.bool_], predicted: NDArray[np.bool_], weights: Array) -> Array:
    """Return the harmonic mean of precision and recall: 2 TP / (2 TP + FP + FN)."""
    both, each = (chosen & predicted).astype(np.float64), chosen.astype(np.float64) + predicted
    return weighted.ratio(2 * (weights @ both), weights @ each)


def _predictive(
    labels: NDArray[np.floating], said: NDArray[np.floating], points: OperatingPoints, draws: Draws
) -> list[dict[str, Any]]:
    """Return the predictive values at each threshold and each prevalence: Bayes on sensitivity and specificity."""
    found = []
    for name, threshold in thresholds(points).items():
        above = said >= threshold
        for prevalence in PREVALENCES:
            statistics: Mapping[str, Statistic] = {
                "ppv": partial(_bayes, above, labels > 0.5, prevalence),
                "npv": partial(_bayes, ~above, labels <= 0.5, 1 - prevalence),
            }
            found.append({"at": name, "prevalence": prevalence, **plain(draws.figures(statistics))})
    return found


def _bayes(said: NDArray[np.bool_], true: NDArray[np.bool_], prevalence: float, weights: Array) -> Array:
    """Return how often what was said is true, if the truth had this prevalence."""
    right = weighted.share(said, true, weights) * prevalence
    wrong = weighted.share(said, ~true, weights) * (1 - prevalence)
    return weighted.ratio(right, right + wrong)
