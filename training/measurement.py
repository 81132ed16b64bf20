"""What a converted model scores on a data set, and what can be scored without looking at a pixel.

Responsible for running the served file over a split, for strata, for the baseline without pixels and for whether the
map points at the fracture; the figures themselves are those of `training.evaluate`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training import dataset, evaluate, litert, probe
from training.calibrate import OperatingPoints
from training.dataset import Sample
from training.explanation import Head
from training.litert import LiteModel
from training.preprocessing import Preprocessing

#: A stratum with fewer groups of either label is called not evaluated.
ENOUGH_GROUPS: Final = 50
#: Originals with a longer side than this are more often fractured in FracAtlas: a model could cheat on sharpness.
LARGE_ORIGINAL: Final = 1000


@dataclass(frozen=True, slots=True)
class Scores:
    """What a model said of the samples of one split.

    Attributes:
        samples: in order.
        labels: (n,) 0 or 1.
        logits: (n,).
        pointed: (n,) 1 where the strongest cell of the map lies in a box, 0 where not, NaN where there is no box.
    """

    samples: tuple[Sample, ...]
    labels: NDArray[np.float32]
    logits: NDArray[np.float64]
    pointed: NDArray[np.float64]

    @property
    def groups(self) -> list[str]:
        """The group of each sample."""
        return [sample.group for sample in self.samples]


def scores(model: LiteModel, samples: tuple[Sample, ...], head: Head, preprocessing: Preprocessing) -> Scores:
    """Return what the served file says of samples, one rendition at a time."""
    logits, pointed = np.empty(len(samples)), np.full(len(samples), np.nan)
    for index, sample in enumerate(samples):
        grey = dataset.grey_levels(sample.path)
        values, maps = litert.answers(model, [preprocessing.rendition(grey)], head, preprocessing)
        logits[index] = values[0]
        if sample.boxes:
            pointed[index] = _points_at(maps[0], sample, preprocessing.content_box(*grey.shape))
    return Scores(samples, dataset.labels(samples), logits, pointed)


def strata(
    measured: Scores, calibrated: NDArray[np.float64], points: OperatingPoints, *, rounds: int = 500
) -> list[dict[str, Any]]:
    """Return the figures of each part of the body, view, and size of the original that the samples name.

    A stratum with fewer than `ENOUGH_GROUPS` groups of either label carries `"evaluated": False`; where a label is
    missing it has counts only.
    """
    found = []
    for name, belongs in _strata_of(measured.samples).items():
        chosen = np.array([belongs(sample) for sample in measured.samples])
        labels = measured.labels[chosen]
        groups = [sample.group for sample, is_chosen in zip(measured.samples, chosen, strict=True) if is_chosen]
        row: dict[str, Any] = {"name": name, **evaluate.counts(labels, groups)}
        row["evaluated"] = min(row["fractured_groups"], row["other_groups"]) >= ENOUGH_GROUPS
        if 0 < row["fractured"] < row["images"]:
            row |= evaluate.figures(labels, calibrated[chosen], groups, points, rounds=rounds)
        found.append(row)
    return found


def baseline(train: Sequence[Sample], samples: Sequence[Sample], *, rounds: int = 1000) -> evaluate.Figure:
    """Return the AUROC that region, view, hardware, several panels and size reach without any pixel."""
    kernel, bias = probe.logistic(_facts(train), dataset.labels(train))
    logits = _facts(samples) @ kernel + bias
    groups = [sample.group for sample in samples]
    return evaluate.bootstrap(evaluate.auroc, dataset.labels(samples), logits, groups, rounds=rounds)


def _points_at(contributions: NDArray[np.float32], sample: Sample, content: dataset.Box) -> float:
    """Return 1 where the centre of the strongest cell lies in a box, widened by half a cell; else 0."""
    row, column = np.unravel_index(int(np.argmax(contributions)), contributions.shape)
    width, height = content[2] - content[0], content[3] - content[1]
    x = ((column + 0.5) / contributions.shape[1] - content[0]) / width
    y = ((row + 0.5) / contributions.shape[0] - content[1]) / height
    room_x, room_y = 0.5 / contributions.shape[1] / width, 0.5 / contributions.shape[0] / height
    inside = (x0 - room_x <= x <= x1 + room_x and y0 - room_y <= y <= y1 + room_y for x0, y0, x1, y1 in sample.boxes)
    return float(any(inside))


def _strata_of(samples: Sequence[Sample]) -> dict[str, Callable[[Sample], bool]]:
    """Return the strata that these samples have, as predicates by name."""
    found: dict[str, Callable[[Sample], bool]] = {}
    for part in sorted({part for sample in samples for part in sample.region.split("+")}):
        found[part] = lambda sample, part=part: part in sample.region.split("+")  # type: ignore[misc]
    for fact in ("frontal", "lateral", "oblique", "hardware", "multiscan"):
        if any(sample.facts.get(fact) == "1" for sample in samples):
            found[fact] = lambda sample, fact=fact: sample.facts.get(fact) == "1"  # type: ignore[misc]
    if any(sample.facts.get("hardware") for sample in samples):
        found["no hardware"] = lambda sample: sample.facts.get("hardware") != "1"
    if any(sample.facts.get("orig_width") for sample in samples):
        found[f"original up to {LARGE_ORIGINAL} px"] = lambda sample: _longest(sample) <= LARGE_ORIGINAL
        found[f"original over {LARGE_ORIGINAL} px"] = lambda sample: _longest(sample) > LARGE_ORIGINAL
    return found


def _longest(sample: Sample) -> int:
    """Return the longer side of the original, 0 where the manifest does not say."""
    return max(int(sample.facts.get("orig_width", 0)), int(sample.facts.get("orig_height", 0)))


def _facts(samples: Sequence[Sample]) -> NDArray[np.float64]:
    """Return (n, facts): what a manifest knows of each image, no pixel among it."""
    rows = []
    for sample in samples:
        width, height = int(sample.facts.get("orig_width", 0)), int(sample.facts.get("orig_height", 0))
        regions = sample.region.split("+")
        row = [float(part in regions) for part in ("hand", "leg", "hip", "shoulder")]
        row += [
            float(sample.facts.get(name) == "1") for name in ("hardware", "multiscan", "frontal", "lateral", "oblique")
        ]
        row += [np.log1p(max(width, height)), float(max(width, height) > LARGE_ORIGINAL), float(width > height)]
        rows.append(row)
    return np.array(rows)
