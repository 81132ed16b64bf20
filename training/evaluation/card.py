"""The card of a model: what a reader and a registrar must know, in Markdown.

Responsible for the words; every number comes from the report (`training.evaluation.report`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from training.evaluation.markup import NOTICE
from training.evaluation.report import interval
from training.scope import Scope
from training.sources import SOURCES

#: What a model of a task says, and no more.
_SAYS: Final = {
    "fracture": "how much a picture looks like those that were labelled fractured",
    "body_part": "which of these parts of the body a picture most looks like",
    "fracture_type": "which of its types of fracture a picture most looks like, whether there is a fracture or not",
}
_SIDES: Final = {
    "oof": "Out of fold (oof) means that each image was answered by a model that had not seen its group; temperature "
    "and operating points were fitted on those answers. ",
    "val": "Val chose the round, the temperature and the operating points, so its figures flatter. ",
}
_ROWS: Final = (
    ("auroc", "AUROC"),
    ("accuracy", "accuracy"),
    ("macro_auroc", "AUROC, one against the rest, mean of classes"),
    ("baseline_auroc", "AUROC **without any pixel** (region, view, hardware, panels, size)"),
    ("sensitivity_at_specificity_85", "sensitivity at specificity 0.85"),
    ("sensitivity_at_lower", "sensitivity at the lower point"),
    ("specificity_at_upper", "specificity at the upper point"),
    ("sensitivity_at_upper", "sensitivity at the upper point"),
    ("doubt", "share between the points (*unsure*)"),
    ("calibration_error", "calibration error"),
)
_ACTIVATION: Final = (
    "The map shows what each cell of the last features contributes to the logit, scaled to the picture's own maximum. "
    "It is *where the model looked*, not an outline of a fracture."
)
_MAPS: Final = {
    "head": "The map is the network's own: the probability of a fracture in each cell, taught by readers' boxes.",
    "activation": _ACTIVATION,
    "none": "It draws no map.",
}
#: First weights by the start of their file's name.
_WEIGHTS: Final = {"mobilenet": "MobileNet on ImageNet by the TensorFlow authors, Apache-2.0."}


def text(report: Mapping[str, Any], scope: Scope) -> str:
    """Return the card of a model.

    Args:
        report: what is written as report.json.
        scope: what the model may speak about.
    """
    sections = (
        f"# {report['name']} {report['version']}\n\n**{NOTICE}**\n\n{_leak(report['leak'])}{report['summary']}",
        _figures(report),
        _use(report),
        _strata(report),
        _limits(report, scope),
        _making(report),
    )
    return "\n\n".join(sections) + "\n"


def _leak(leak: Mapping[str, Any]) -> str:
    return f"**Leak. {leak['sentence']}**\n\n" if leak["red"] else ""


def _figures(report: Mapping[str, Any]) -> str:
    """Return the section of the figures."""
    splits, uses = report["splits"], report["test_uses"]["count"]
    test = f"Test was measured {'once' if uses == 1 else f'{uses} times'}, by this run."
    if "test" not in splits:
        test = "The test side was not looked at for this version."
    lines = [
        "## Figures\n",
        "Intervals are 95 %, by resampling groups of images that may show one patient. "
        + _SIDES[report["calibration"]["fitted_on"]]
        + test,
        f"\n| | {' | '.join(splits)} |",
        f"|---|{'---|' * len(splits)}",
        _line("images", [_count(split) for split in splits.values()]),
    ]
    for key, words in _ROWS:
        if any(key in split for split in splits.values()):
            lines.append(_line(words, [interval(split.get(key)) for split in splits.values()]))
    played = [split["pointing"] for split in splits.values()]
    for key, words in (("map", "the network's own map"), ("activation", "Grad-CAM"), ("centre_prior", "the centre")):
        if any(found and found[key] for found in played):
            cells = [interval(found[key]) if found else "–" for found in played]
            lines.append(_line(f"{words} lies in a fracture box", cells))
    return "\n".join(lines)


def _use(report: Mapping[str, Any]) -> str:
    """Return the section that says how logits become words."""
    calibration = report["calibration"]
    temperature, points = calibration["temperature"], calibration["points"]
    if points is None:
        words = (
            f"The score of a class is its share in the softmax of the logits / {temperature:.3f}; the class of the "
            "largest score is what it says, and every class is shown with its score."
        )
        return f"## From score to words\n\n{words}"
    kept = "keeps at least 95 % of" if calibration["way"] == "quantile" else "is split-conformal at 95 % for"
    words = (
        f"The score is 1 / (1 + exp(-logit / {temperature:.3f})). From {points['upper']:.3f} on the platform says "
        f"*fracture suspected*, below {points['lower']:.3f} *nothing suspected*, between them *unsure*. The lower "
        f"point {kept} the fractured images at or above it, the upper one the others below it."
    )
    shown = "" if report["shows_regions"] else " It was not proven to point at fractures, so it is shown as no finding."
    return f"## From score to words\n\n{words}\n\n{_MAPS[report['map']]}{shown if report['map'] != 'none' else ''}"


def _strata(report: Mapping[str, Any]) -> str:
    """Return the section of the strata, one table a split."""
    key, words = ("accuracy", "accuracy") if report["calibration"]["points"] is None else ("auroc", "AUROC")
    tables = ["## Strata\n"]
    for name, split in report["splits"].items():
        tables.append(f"| {name} | images | {words} | standing |\n|---|---|---|---|")
        for row in split["strata"]:
            shown = interval(row[key]) if row.get(key) else "one label only"
            standing = "evaluated" if row["evaluated"] else "**not evaluated**: fewer than 50 groups of a label"
            tables.append(f"| {row['name']} | {_count(row)} | {shown} | {standing} |")
        tables.append("")
    return "\n".join(tables).rstrip()


def _limits(report: Mapping[str, Any], scope: Scope) -> str:
    """Return the section of what the model is for and not for."""
    parts = ", ".join(scope.body_parts) or "no part of the body: none was evaluated"
    without = (
        f" It is silent on parts that it was not evaluated on: {', '.join(silent)}."
        if (silent := [name for name in scope.not_evaluated if name in _parts(report) and name not in scope.body_parts])
        else ""
    )
    return (
        "## What it is not for\n\n"
        f"It reads plain radiographs ({', '.join(scope.modalities)}) of {parts} "
        f"and says one thing: {_SAYS[report['task']]}.{without} {scope.limits}"
    )


def _parts(report: Mapping[str, Any]) -> set[str]:
    return {row["name"] for split in report["splits"].values() for row in split["strata"] if row["kind"] == "region"}


def _making(report: Mapping[str, Any]) -> str:
    """Return the section of how it was made, with the attributions."""
    made = report["made"]
    network = f"{made['recipe']['network']} at {made['recipe']['size']} px"
    versions = ", ".join(f"{name} {value}" for name, value in sorted(made.get("versions", {}).items()))
    weights = made["weights"]
    origin = next((words for start, words in _WEIGHTS.items() if weights.startswith(start)), "")
    return (
        "## How it was made\n\n"
        f"Network {network}. First weights: {weights}. {origin} Made with {versions}; "
        "converted by TensorFlow, measured on LiteRT. The whole recipe stands in the report.\n\n"
        f"Data set digest: `{made['data']['digest']}`.\n\n"
        f"Training data. {SOURCES[made['source']].attribution}"
    )


def _count(row: Mapping[str, Any]) -> str:
    return f"{row['images']} ({row['fractured']} fractured)" if "fractured" in row else str(row["images"])


def _line(name: str, cells: list[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"
