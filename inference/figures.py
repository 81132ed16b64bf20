"""The few figures of a model that stand before everything else: its headline with its interval, and the baseline.

They come from the artifact's report, of the format of ``training.evaluation.report`` or the older one; what a report
does not hold is shown as not reported, never guessed. Responsible for reading them, not for computing any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inference.models import ModelVersion

#: The most telling first; a report of the newer format says itself which split stands first.
SPLITS: Final = ("test", "oof", "val")
_ON: Final = {
    "test": gettext_lazy("on test images that nothing was chosen by"),
    "oof": gettext_lazy("out of fold: each image was answered by a model that had not seen its group"),
    "val": gettext_lazy("on the images that also chose the model, which flatters it"),
}
#: What is put beside another model's, in this order: key of a report's split, words.
COMPARED: Final = (
    ("auroc", gettext_lazy("AUROC")),
    ("average_precision", gettext_lazy("Average precision")),
    ("accuracy", gettext_lazy("Accuracy")),
    ("macro_auroc", gettext_lazy("AUROC, mean of the classes")),
    ("sensitivity_at_specificity_85", gettext_lazy("Sensitivity at specificity 0.85")),
    ("sensitivity_at_lower", gettext_lazy("Sensitivity at the lower point")),
    ("specificity_at_lower", gettext_lazy("Specificity at the lower point")),
    ("sensitivity_at_upper", gettext_lazy("Sensitivity at the upper point")),
    ("specificity_at_upper", gettext_lazy("Specificity at the upper point")),
    ("doubt", gettext_lazy("Share of unsure")),
    ("brier", gettext_lazy("Brier score")),
    ("calibration_error", gettext_lazy("Calibration error")),
    ("baseline_auroc", gettext_lazy("AUROC without any pixel")),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured.

    Attributes:
        measured_on: ``test``, ``oof`` or ``val``; empty where none was reported.
        measured_words: The same as a phrase.
        name: Of the headline figure.
        headline: AUROC of a fracture; accuracy of a model that names classes.
        baseline: AUROC without looking at any pixel.
        images: How many images the headline rests on; None where that was not reported.
        groups: How many patients or other groups.
        lower: Calibrated probability below which nothing is suspected; None where the model names classes.
        upper: Calibrated probability from which on a fracture is suspected.
        test_uses: How often the run had looked at its test images; None where that was not reported.
        warning: What must be read in red before any figure; empty where nothing was found.
    """

    measured_on: str
    measured_words: str
    name: str
    headline: Figure | None
    baseline: Figure | None
    images: int | None
    groups: int | None
    lower: float | None
    upper: float | None
    test_uses: int | None
    warning: str


def figures_of(version: ModelVersion) -> Figures:
    """Return a model's first figures: of the split that its report puts first, else of the most telling one."""
    key, name = ("auroc", _("AUROC")) if version.operating_points else ("accuracy", _("Accuracy"))
    measured_on = measured_split(version, key)
    split = split_of(version, measured_on)
    points = version.operating_points or {"lower": None, "upper": None}
    return Figures(
        measured_on=measured_on,
        measured_words=str(_ON.get(measured_on, "")),
        name=name,
        headline=figure(split, key),
        baseline=figure(split, "baseline_auroc"),
        images=_count(split, "images"),
        groups=_count(split, "groups"),
        lower=points["lower"],
        upper=points["upper"],
        test_uses=_count(_part(version.report, "test_uses"), "count"),
        warning=_warning(_part(version.report, "leak")),
    )


def measured_split(version: ModelVersion, key: str) -> str:
    """Return the name of the split whose figures stand first, empty where none holds the figure."""
    wanted = (str(version.report.get("headline", "")), *SPLITS)
    return next((name for name in wanted if figure(split_of(version, name), key)), "")


def split_of(version: ModelVersion, name: str) -> Mapping[str, Any]:
    """Return what a report says of a split, empty where it says nothing."""
    return _part(_part(version.report, "splits"), name)


def figure(split: Mapping[str, Any], name: str) -> Figure | None:
    """Return a figure of a split, None where it was not reported."""
    found = _part(split, name)
    numbers = [found.get(part) for part in ("value", "low", "high")]
    return Figure(*map(float, numbers)) if all(isinstance(number, int | float) for number in numbers) else None  # type: ignore[arg-type]


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = whole.get(name)
    return found if isinstance(found, Mapping) else {}


def _count(whole: Mapping[str, Any], name: str) -> int | None:
    found = whole.get(name)
    return found if isinstance(found, int) else None


def _warning(leak: Mapping[str, Any]) -> str:
    if not leak.get("red"):
        return ""
    return str(leak.get("sentence") or _("Images of the test side were learnt from: the figures say nothing."))
