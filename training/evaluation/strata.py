"""Figures of parts of a set: region, view, hardware and panels, size of the original; and what no pixel is needed for.

Responsible for which strata there are, for which of them count as evaluated, for the AUROC within regions and for the
baseline that sees no pixel; the figures themselves are those of `verdicts` and `classes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training import probe
from training.calibrate import OperatingPoints
from training.evaluation import classes, verdicts, weighted
from training.evaluation.answers import Answers
from training.evaluation.intervals import Draws, Statistic, plain
from training.evaluation.weighted import Array
from training.predictions import Row
from training.tasks import BODY_PART

Belongs = Callable[[Row], bool]
#: Originals with a longer side than this are more often fractured in FracAtlas: a model could cheat on sharpness.
LARGE_ORIGINAL: Final = 1000
#: The stratum without the two strongest shortcuts.
PLAIN: Final = "no hardware, one panel"
_VIEWS: Final = ("frontal", "lateral", "oblique")


def strata(answers: Answers, points: OperatingPoints | None, *, rounds: int = 500) -> list[dict[str, Any]]:
    """Return the figures of each stratum that the images name.

    A stratum with fewer than `verdicts.ENOUGH_GROUPS` groups of either label carries `"evaluated": False`; where a
    label is missing it has counts only.
    """
    found = []
    for kind, name, belongs in named(answers.rows):
        part = answers.where(belongs)
        if part is not None:
            found.append({"name": name, "kind": kind, **_figures(part, points, rounds)})
    return found


def parts_of(rows: Sequence[Row]) -> list[str]:
    """Return the parts of the body that rows name, sorted."""
    return sorted({part for row in rows for part in region_of(row).split("+")} - {"unknown"})


def region_of(row: Row) -> str:
    """Return the region of an image, parts joined with `+`; `unknown` where nobody stated it."""
    return row.facts.get("region") or "unknown"


def within_regions(answers: Answers, *, rounds: int = 1000) -> dict[str, Any] | None:
    """Return the AUROC within each part of the body and the mean of those, or None where no part has both labels."""
    inside = {
        part: np.array([part in region_of(row).split("+") for row in answers.rows]) for part in parts_of(answers.rows)
    }
    inside = {part: chosen for part, chosen in inside.items() if 0 < answers.labels[chosen].sum() < chosen.sum()}
    if not inside:
        return None
    statistics: dict[str, Statistic] = {
        part: partial(_auroc_within, answers.labels, answers.positive, chosen) for part, chosen in inside.items()
    }
    statistics["mean"] = partial(_mean_of, list(statistics.values()))
    measured = plain(Draws.of(answers.groups, rounds=rounds).figures(statistics))
    return {"within": {part: measured[part] for part in inside}, "mean": measured["mean"]}


def baseline(known: Sequence[Row], answers: Answers, *, rounds: int = 1000) -> dict[str, float] | None:
    """Return the AUROC that region, view, hardware, several panels and size reach without any pixel.

    Of more than two classes it is the mean area of each against the rest. The answer itself is no fact: a region says
    nothing to a task that asks for it.

    Args:
        known: what it may learn from. Rows of folds are answered by what the other folds teach.
        answers: the set it is measured on.
        rounds: of the bootstrap.
    """
    numbers = range(1, 2) if answers.task.outputs == 1 else range(len(answers.task.classes))
    statistics: list[Statistic] = []
    for number in numbers:
        labels = (answers.targets == number).astype(np.float64)
        if 0 < labels.sum() < len(labels):
            said = _without_pixels(known, answers, answers.task.classes[number])
            statistics.append(partial(weighted.auroc, labels, said))
    if not statistics:
        return None
    return plain({"auroc": Draws.of(answers.groups, rounds=rounds).figure(partial(_mean_of, statistics))})["auroc"]


def _figures(part: Answers, points: OperatingPoints | None, rounds: int) -> dict[str, Any]:
    """Return the counts of a stratum, and its figures where they can be told."""
    if points is None:
        return classes.brief_figures(part, rounds=rounds)
    if 0 < part.labels.sum() < len(part.labels):
        return verdicts.brief_figures(part, points, rounds=rounds)
    return verdicts.counts(part)


def named(rows: Sequence[Row]) -> list[tuple[str, str, Belongs]]:
    """Return kind, name and predicate of each stratum that these rows can name."""
    found: list[tuple[str, str, Belongs]] = [
        ("region", part, partial(_is_of_part, part)) for part in [*parts_of(rows), "unknown"]
    ]
    found += [("view", view, partial(_has, view)) for view in _VIEWS if _is_told(rows, view)]
    if _is_told(rows, "hardware"):
        found += [("shortcut", "hardware", partial(_has, "hardware")), ("shortcut", "no hardware", _has_no_hardware)]
    if _is_told(rows, "multiscan"):
        found += [("shortcut", "several panels", partial(_has, "multiscan"))]
    if _is_told(rows, "hardware") and _is_told(rows, "multiscan"):
        found += [("shortcut", PLAIN, _is_plain)]
    if _is_told(rows, "orig_width"):
        found += [
            ("size", f"original up to {LARGE_ORIGINAL} px", _is_small),
            ("size", f"original over {LARGE_ORIGINAL} px", _is_large),
        ]
    return found


def _is_told(rows: Sequence[Row], fact: str) -> bool:
    return any(row.facts.get(fact) for row in rows)


def _is_of_part(part: str, row: Row) -> bool:
    return part in region_of(row).split("+")


def _has(fact: str, row: Row) -> bool:
    return row.facts.get(fact) == "1"


def _has_no_hardware(row: Row) -> bool:
    return row.facts.get("hardware") == "0"


def _is_plain(row: Row) -> bool:
    return row.facts.get("hardware") == "0" and row.facts.get("multiscan") == "0"


def _is_small(row: Row) -> bool:
    return 0 < _longest(row) <= LARGE_ORIGINAL


def _is_large(row: Row) -> bool:
    return _longest(row) > LARGE_ORIGINAL


def _longest(row: Row) -> int:
    """Return the longer side of the original, 0 where nobody stated it."""
    return max(int(row.facts.get("orig_width", 0)), int(row.facts.get("orig_height", 0)))


def _auroc_within(
    labels: NDArray[np.float64], said: NDArray[np.float64], chosen: NDArray[np.bool_], weights: Array
) -> Array:
    return weighted.auroc(labels[chosen], said[chosen], weights[:, chosen])


def _mean_of(statistics: Sequence[Statistic], weights: Array) -> Array:
    mean: Array = np.mean([statistic(weights) for statistic in statistics], axis=0)
    return mean


def _without_pixels(known: Sequence[Row], answers: Answers, positive: str) -> NDArray[np.float64]:
    """Return (n,) logits of a label from facts alone, each learnt from rows of other folds."""
    with_region = answers.task != BODY_PART
    columns, labels = _facts(known, with_region), np.array([row.label == positive for row in known], np.float64)
    folds = np.array([row.fold for row in known], object)
    asked, said = _facts(answers.rows, with_region), np.empty(len(answers.rows))
    for fold in {row.fold for row in answers.rows}:
        chosen = np.array([row.fold == fold for row in answers.rows])
        others = np.ones(len(known), bool) if fold is None else folds != fold
        kernel, bias = probe.logistic(columns[others], labels[others])
        said[chosen] = asked[chosen] @ kernel + bias
    return said


def _facts(rows: Sequence[Row], with_region: bool) -> NDArray[np.float64]:
    """Return (n, facts): what a manifest knows of each image, no pixel among it."""
    return np.array([_facts_of(row, with_region) for row in rows])


def _facts_of(row: Row, with_region: bool) -> list[float]:
    regions = region_of(row).split("+")
    width, height = int(row.facts.get("orig_width", 0)), int(row.facts.get("orig_height", 0))
    told = [float(row.facts.get(name) == "1") for name in ("hardware", "multiscan", *_VIEWS)]
    told += [float(np.log1p(max(width, height))), float(max(width, height) > LARGE_ORIGINAL), float(width > height)]
    return [float(with_region and part in regions) for part in ("hand", "leg", "hip", "shoulder")] + told
