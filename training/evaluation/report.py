"""What is known of a model, as plain values: `report.json`.

Responsible for the layout below, which pages read; not for computing the figures (`verdicts`, `classes`, `strata`,
`pointing`) nor for the page that shows them (`page`). A *figure* is `{"value", "low", "high"}` with its 95 % interval
by group, or null where the images say nothing of it (one label only, nothing predicted).

    format      2
    name, version, task, classes
    summary     one sentence with the headline figure
    headline    name of the split whose figures stand first: `test` where it was measured, else `oof`, else `val`
    made        config.json of the run ("recipe" with network, size, phases ...; "data": {"digest", "name"}, "versions",
                "made", ...), "weights" (a file's name or random) and "source"
    history     the run's history.json, as it is
    leak        {"status": clean | leaking | unchecked, "pairs", "allowed", "red": bool, "sentence",
                 "learnt_from": {split: how many of its images or groups the model had learnt from}}
    calibration {"temperature", "fitted_on": oof | val, "way": quantile | conformal, "sensitivity": 0.95,
                 "specificity": 0.95, "points": {"lower", "upper"} or null}
    splits      {oof | val | test: split}
    map         head | activation | none, what draws the map; and shows_regions, whether it was proven to point
    folds       null, or {"count", "auroc" (of many classes: "accuracy"): [number or null, a fold each], "mean",
                "deviation"}
    pictures    {"kind": none | drawn | data, "sentence"}
    beside      null, or {"name", "version", "sha256", "leak", "dataset_digest", "splits": {split: {headline figures}}}
    test_uses   {"count", "digest" of the test side or null, "uses": [{"when", "digest", "images", "artifact"}]}

A split of a task of two classes has

    images, fractured, groups, fractured_groups, other_groups, evaluated
    auroc, average_precision, brier, brier_before, calibration_error, calibration_error_before (the temperature),
    mean_probability, prevalence, doubt (share between the points), sensitivity_at_specificity_85,
    accuracy_at_X, sensitivity_at_X, specificity_at_X for X in lower, half, upper            figures
    states      {fractured | not_fractured: {positive | doubt | negative: count}}
    confusion   {"classes", "at": {lower | half | upper: [[row a label, column what was said]]}}
    per_class   [{"class", "support", "groups", "evaluated", "precision", "recall", "f1"}], at 0.5
    predictive  [{"at": lower | half | upper, "prevalence", "ppv", "npv"}]
    by_group    the same counts, figures, states and confusion, the worst image of a group speaking for it
    regions     {"within": {part: auroc figure}, "mean": figure}

a split of more classes has

    images, groups, evaluated, accuracy, macro_auroc, brier, brier_before, calibration_error,
    calibration_error_before, confusion {"classes", "at": {"largest": ...}}, per_class (with "auroc")

and both have

    strata      [{"name", "kind": region | view | shortcut | size, counts, "evaluated", figures where both
                labels occur}]
    baseline_auroc   figure: what region, view, hardware, panels and size reach without a pixel (macro for more
                classes; region is left out where it is the answer), or null
    pointing    null, or {"boxed", "groups", "drawn": map | activation | "", "tolerance", and a figure or null for
                "map", "activation", "centre_prior", "constant" (hit rates) and "over_activation",
                "over_centre_prior" (differences of what draws the map)}
    worst       [{"item", "group", "label", "said": positive | doubt | negative or a class, "probability", "region"}],
                the worst errors first
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from training import calibrate
from training.calibrate import OperatingPoints, Way
from training.evaluation import classes, strata, verdicts, weighted
from training.evaluation.answers import Answers
from training.evaluation.pointing import Game
from training.evaluation.runs import Run
from training.predictions import Row
from training.tasks import FRACTURE, Task

FORMAT: Final = 2
#: Errors that are listed, the worst first.
WORST: Final = 12
#: The side whose figures stand first, the most telling one that was measured.
_HEADLINES: Final = ("test", "oof", "val")
_WORDS: Final[Mapping[str, str]] = {
    "oof": "out of fold",
    "val": "on val",
    "test": "on test",
}
_STATES: Final[Mapping[str, str]] = {
    "positive": "fracture suspected",
    "doubt": "unsure",
    "negative": "nothing suspected",
}
_SENTENCES: Final[Mapping[str, str]] = {
    "fracture": "A classifier that scores how much a bone radiograph looks like those labelled fractured.",
    "body_part": "A classifier that names the part of the body that a bone radiograph shows.",
    "fracture_type": "A classifier that names the type that a fracture on a bone radiograph looks like.",
}


@dataclass(frozen=True, slots=True)
class Calibration:
    """How logits become probabilities and states, and what that was fitted on.

    Attributes:
        temperature: that logits are divided by.
        points: None for a task of more than two classes.
        fitted_on: `oof` or `val`.
        way: how the points were fitted.
    """

    temperature: float
    points: OperatingPoints | None
    fitted_on: str
    way: Way

    @classmethod
    def fitted(cls, task: Task, rows: Sequence[Row], role: str, way: Way) -> Calibration:
        """Return the calibration that fits these answers best."""
        answers = Answers.of(task, rows, 1.0)
        if task.outputs > 1:
            return cls(calibrate.temperature(answers.targets, answers.logits), None, role, way)
        temperature = calibrate.temperature(answers.labels, answers.logits[:, 0])
        said = answers.at(temperature).positive
        return cls(temperature, calibrate.operating_points(answers.labels, said, way=way), role, way)

    def to_dict(self) -> dict[str, Any]:
        """Return the section `calibration`."""
        points = None if self.points is None else {"lower": self.points.lower, "upper": self.points.upper}
        return {
            "temperature": self.temperature,
            "fitted_on": self.fitted_on,
            "way": self.way,
            "sensitivity": 0.95,
            "specificity": 0.95,
            "points": points,
        }


def split(
    answers: Answers, points: OperatingPoints | None, known: Sequence[Row], game: Game | None, *, rounds: int = 1000
) -> dict[str, Any]:
    """Return one of the `splits`.

    Args:
        answers: of the split.
        points: None for a task of more than two classes.
        known: what the baseline without pixels may learn from.
        game: the pointing game, None where it was not played.
        rounds: of the bootstrap.
    """
    brief = max(1, rounds // 2)
    found = (
        classes.figures(answers, rounds=rounds)
        if points is None
        else {
            **verdicts.figures(answers, points, rounds=rounds),
            "by_group": verdicts.group_figures(answers, points, rounds=rounds),
            "regions": strata.within_regions(answers, rounds=rounds),
        }
    )
    return {
        **found,
        "strata": strata.strata(answers, points, rounds=brief),
        "baseline_auroc": strata.baseline(known, answers, rounds=rounds),
        "pointing": None if game is None else game.figures(rounds=rounds),
        "worst": worst(answers, points),
    }


def worst(answers: Answers, points: OperatingPoints | None) -> list[dict[str, Any]]:
    """Return the images on which the model was most wrong, the worst first."""
    right = answers.probabilities[np.arange(len(answers.rows)), answers.targets]
    found = [number for number in np.argsort(right, kind="stable") if right[number] < verdicts.HALF][:WORST]
    return [_entry(answers, points, int(number)) for number in found]


def best(answers: Answers, points: OperatingPoints | None, count: int) -> list[dict[str, Any]]:
    """Return images on which the model was most right, the classes in turn."""
    right = answers.probabilities[np.arange(len(answers.rows)), answers.targets]
    order = np.argsort(-right, kind="stable")
    by_class = [order[answers.targets[order] == number] for number in range(len(answers.task.classes))]
    turns = [int(numbers[turn]) for turn in range(count) for numbers in by_class if turn < len(numbers)]
    return [_entry(answers, points, number) for number in turns[:count]]


def headline(splits: Mapping[str, Any]) -> str:
    """Return the name of the split whose figures stand first."""
    return next(name for name in _HEADLINES if name in splits)


def first_figures(split: Mapping[str, Any]) -> dict[str, Any]:
    """Return the few figures of a split that stand beside those of another model."""
    names = ("auroc", "macro_auroc", "accuracy", "accuracy_at_half", "sensitivity_at_specificity_85", "baseline_auroc")
    counts = {name: split[name] for name in ("images", "groups", "fractured") if name in split}
    return {**counts, **{name: split[name] for name in names if split.get(name) is not None}}


def folds(task: Task, rows: Sequence[Row], temperature: float) -> dict[str, Any] | None:
    """Return the section `folds` of out-of-fold answers, None where there are none."""
    numbers = sorted({row.fold for row in rows if row.fold is not None})
    if not numbers:
        return None
    name = "auroc" if task.outputs == 1 else "accuracy"
    found = [_fold_figure(task, [row for row in rows if row.fold == number], temperature) for number in numbers]
    known = [value for value in found if value is not None]
    told = {"mean": float(np.mean(known)), "deviation": float(np.std(known))} if known else {}
    return {"count": len(numbers), name: found, "mean": None, "deviation": None, **told}


def _fold_figure(task: Task, rows: Sequence[Row], temperature: float) -> float | None:
    """Return the AUROC, or of more classes the accuracy, of one fold; None where the fold lacks a label."""
    answers = Answers.of(task, rows, temperature)
    if task.outputs > 1:
        return classes.accuracy(answers)
    found = weighted.area(answers.labels, answers.positive)
    return None if np.isnan(found) else found


def leak(run: Run, learnt_from: Mapping[str, int | None], images: Mapping[str, int]) -> dict[str, Any]:
    """Return the section `leak`: red once and for ever where the model may have been asked what it had learnt."""
    status, pairs = str(run.leak["status"]), int(run.leak.get("pairs") or 0)
    known = {name: count for name, count in learnt_from.items() if count is not None}
    words = {
        "clean": "No image of the data lies on two sides of its split, neither exactly nor nearly.",
        "leaking": f"The data leak: {pairs} pairs of the same radiograph lie on two sides of the split. "
        "The figures measure memory, not diagnosis.",
    }.get(status, "Nobody looked for leaks in the data.")
    if run.leak.get("sentence") and status != "clean":
        words += f" {run.leak['sentence']}"
    for name, count in known.items():
        if count:
            words += f" {count} of {images[name]} images of {name}, or others of their group, had been learnt from."
    red = status == "leaking" or any(known.values())
    return {
        "status": status,
        "pairs": pairs,
        "allowed": bool(run.leak.get("allowed")),
        "red": red,
        "sentence": words,
        "learnt_from": dict(learnt_from),
    }


def summary(task: Task, splits: Mapping[str, Any]) -> str:
    """Return the sentence that stands above everything else."""
    if task.outputs > 1:
        told = ", ".join(f"{interval(split['accuracy'])} {_WORDS[name]}" for name, split in splits.items())
        return f"{_SENTENCES[task.name]} Accuracy {told}."
    told = ", ".join(f"{interval(split['auroc'])} {_WORDS[name]}" for name, split in splits.items())
    first = headline(splits)
    baseline = splits[first]["baseline_auroc"]
    without = (
        "" if baseline is None else f"; a baseline that sees no pixel reaches {baseline['value']:.2f} {_WORDS[first]}"
    )
    return f"{_SENTENCES[task.name]} AUROC {told}{without}."


def interval(figure: Mapping[str, float] | None) -> str:
    """Return a figure with its interval as people read it."""
    return "–" if figure is None else f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def words_of(said: str) -> str:
    """Return what people are told of a state or a class."""
    return _STATES.get(said, said.replace("_", " "))


def said_of(answers: Answers, points: OperatingPoints | None, number: int) -> str:
    """Return what was said of one image: a state, or the most probable class."""
    if points is None or answers.task != FRACTURE:
        return answers.task.classes[int(answers.probabilities[number].argmax())]
    return calibrate.state_of(float(answers.positive[number]), points)


def _entry(answers: Answers, points: OperatingPoints | None, number: int) -> dict[str, Any]:
    row = answers.rows[number]
    shown = answers.positive[number] if points is not None else answers.probabilities[number].max()
    return {
        "item": row.item,
        "group": row.group,
        "label": row.label,
        "said": said_of(answers, points, number),
        "probability": float(shown),
        "region": strata.region_of(row),
    }
