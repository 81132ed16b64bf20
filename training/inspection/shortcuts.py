"""What can be told of a label without looking: region, view, metal, size and file alone.

Responsible for the area under the curve that a logistic regression reaches on each kind of metadata, every group
answered by a fit that has not seen it. What a model could cheat by is seen here before it is trained.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training import dataset, splits
from training.dataset import DatasetError, Sample
from training.tasks import Task

_FOLDS: Final = 5
#: Facts that are words: each value is a column of its own.
_WORDS: Final = {
    "region": ("region",),
    "view": ("frontal", "lateral", "oblique"),
    "hardware": ("hardware",),
    "multiscan": ("multiscan",),
}
EVERYTHING: Final = "everything together"


@dataclass(frozen=True, slots=True)
class Shortcut:
    """One kind of metadata.

    Attributes:
        name: `region`, `view`, `hardware`, `multiscan`, `size`, `file` or `everything together`.
        auroc: out of fold; with more than two classes the mean of each against the rest.
    """

    name: str
    auroc: float


def shortcuts(samples: Sequence[Sample], task: Task) -> tuple[Shortcut, ...]:
    """Return what each kind of metadata that varies predicts, the strongest first; none for too few groups.

    Raises:
        DatasetError: a file cannot be read.
    """
    tables = {name: table for name, table in _tables(samples).items() if np.ptp(table, axis=0).any()}
    # A body part cannot be a shortcut to itself.
    tables.pop(task.column, None)
    if not tables:
        return ()
    tables[EVERYTHING] = np.hstack(list(tables.values()))
    targets = dataset.targets(samples, task)
    try:
        folds = np.array(splits.folds(samples, _FOLDS, 1))
    except DatasetError:
        return ()
    found = [Shortcut(name, _auroc(table, targets, folds)) for name, table in tables.items()]
    return tuple(sorted(found, key=lambda shortcut: -shortcut.auroc))


def _tables(samples: Sequence[Sample]) -> dict[str, NDArray[np.float64]]:
    """Return the columns (samples, n) of each kind."""
    tables = {
        kind: np.hstack([_one_hot([sample.facts.get(name, "") for sample in samples]) for name in names])
        for kind, names in _WORDS.items()
    }
    described = [_described(sample) for sample in samples]
    size = np.array([numbers for numbers, _ in described])
    kinds = _one_hot([kind for _, kind in described])
    return {**tables, "size": size[:, :3], "file": np.hstack([size[:, 3:], kinds])}


def _described(sample: Sample) -> tuple[tuple[float, float, float, float, float], str]:
    """Return log width, height and aspect, log bytes and bytes a pixel, and the encoding of a file."""
    rows, columns = dataset.shape_of(sample.path)
    width, height = (
        float(sample.facts.get(f"orig_{name}") or length) for name, length in (("width", columns), ("height", rows))
    )
    length = sample.path.stat().st_size if isinstance(sample.path, Path) else len(sample.path.read_bytes())
    numbers = np.log(
        [max(width, 1), max(height, 1), max(width, 1) / max(height, 1), length, length / max(rows * columns, 1)]
    )
    one, two, three, four, five = (float(number) for number in numbers)
    return (one, two, three, four, five), _encoding(sample)


def _encoding(sample: Sample) -> str:
    """Return format and components of a file."""
    if dataset.is_dicom(sample.path):
        return "DICOM"
    with sample.path.open("rb") as file, Image.open(file) as image:
        return f"{image.format} {image.mode}"


def _one_hot(values: Sequence[str]) -> NDArray[np.float64]:
    known = sorted(set(values))
    return np.array([[value == one for one in known] for value in values], np.float64)


def _auroc(table: NDArray[np.float64], targets: NDArray[np.int64], folds: NDArray[np.int64]) -> float:
    """Return the area of out-of-fold answers: within each fold, then the mean, since folds may differ in level."""
    from sklearn.metrics import roc_auc_score

    areas = []
    for fold in np.unique(folds):
        asked = folds == fold
        scores = _scores(table[~asked], targets[~asked], table[asked])
        # of two classes the one tells all of the other
        for column, place in list(enumerate(np.unique(targets)))[1 if scores.shape[1] == 2 else 0 :]:
            areas.append(roc_auc_score(targets[asked] == place, scores[:, column]))
    return round(float(np.mean(areas)), 4)


def _scores(learnt: NDArray[np.float64], targets: NDArray[np.int64], asked: NDArray[np.float64]) -> NDArray[Any]:
    """Return (asked, classes that occur) probabilities of a logistic regression on standardised columns."""
    from sklearn.linear_model import LogisticRegression

    mean, spread = learnt.mean(axis=0), learnt.std(axis=0) + 1e-9
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where columns tell all, it need not converge to be told
        fitted = LogisticRegression(max_iter=300).fit((learnt - mean) / spread, targets)
    scores: NDArray[Any] = fitted.predict_proba((asked - mean) / spread)
    return scores
