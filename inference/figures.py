"""The few figures of a model that stand before everything else on its page: discrimination, its interval, the baseline.

They come from the artifact's report; what a report does not hold is shown as not reported, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inference.models import ModelVersion

SPLITS = ("test", "val")


@dataclass(frozen=True, slots=True)
class Figure:
    """An area under the ROC curve with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured.

    Attributes:
        measured_on: ``test`` or ``val``; empty where neither was reported.
        auroc: On those images.
        baseline: The same without looking at any pixel.
        lower: Calibrated probability below which nothing is suspected; None where the model names classes.
        upper: Calibrated probability from which on a fracture is suspected.
    """

    measured_on: str
    auroc: Figure | None
    baseline: Figure | None
    lower: float | None
    upper: float | None


def figures_of(version: ModelVersion) -> Figures:
    """Return a model's first figures: of the test images where they were looked at, else of those that chose it."""
    splits = version.report.get("splits", {})
    points = version.operating_points or {"lower": None, "upper": None}
    measured_on = next((name for name in SPLITS if _figure(splits.get(name), "auroc")), "")
    return Figures(
        measured_on=measured_on,
        auroc=_figure(splits.get(measured_on), "auroc"),
        baseline=_figure(splits.get(measured_on), "baseline_auroc"),
        lower=points["lower"],
        upper=points["upper"],
    )


def _figure(split: Any, name: str) -> Figure | None:
    if not isinstance(split, Mapping) or not isinstance(split.get(name), Mapping):
        return None
    found = split[name]
    return Figure(float(found["value"]), float(found["low"]), float(found["high"]))
