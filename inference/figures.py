"""The few figures of a model that stand before everything else on its page: discrimination, its interval, the baseline.

They come from the artifact's report; what a report does not hold is shown as not reported, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inference.models import ModelVersion

SETS = ("test", "val")


@dataclass(frozen=True, slots=True)
class Figure:
    """An area under the ROC curve with its 95 % interval, where the report has one."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured.

    Attributes:
        measured_on: ``test``, or ``val`` where no test was reported; empty where neither was.
        auroc: On those images.
        baseline: The same without looking at any pixel.
        lower: Calibrated probability below which nothing is suspected.
        upper: Calibrated probability from which on a fracture is suspected.
    """

    measured_on: str
    auroc: Figure | None
    baseline: Figure | None
    lower: float
    upper: float


def figures_of(version: ModelVersion) -> Figures:
    """Return a model's first figures."""
    report = version.report
    measured_on = next((name for name in SETS if _figure(report.get(name), "auroc")), "")
    return Figures(
        measured_on=measured_on,
        auroc=_figure(report.get(measured_on), "auroc"),
        baseline=_figure(report.get("no_pixel"), "auroc"),
        lower=float(version.operating_points["lower"]),
        upper=float(version.operating_points["upper"]),
    )


def _figure(part: Any, name: str) -> Figure | None:
    if not isinstance(part, Mapping) or not isinstance(part.get(name), int | float):
        return None
    interval = part.get(f"{name}_interval") or (None, None)
    return Figure(float(part[name]), *interval)
