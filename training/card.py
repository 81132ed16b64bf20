"""The card of a model: what a reader and a registrar must know, in Markdown.

Responsible for the words; every number comes from the report.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from training.calibrate import OperatingPoints
from training.report import NOTICE, interval
from training.scope import Scope
from training.sources import SOURCES


def text(report: Mapping[str, Any], scope: Scope, points: OperatingPoints, temperature: float) -> str:
    """Return the card of a model.

    Args:
        report: what is written as report.json.
        scope: what the model may speak about.
        points: the operating points, calibrated probabilities.
        temperature: that the logit is divided by.
    """
    sections = (
        f"# {report['name']} {report['version']}\n\n**{NOTICE}**\n\n{report['summary']}",
        _figures(report),
        _use(points, temperature),
        _strata(report),
        _limits(scope),
        _making(report),
    )
    return "\n\n".join(sections) + "\n"


def _figures(report: Mapping[str, Any]) -> str:
    """Return the section of the figures."""
    splits = report["splits"]
    lines = [
        "## Figures\n",
        "Intervals are 95 %, by resampling groups of images that may show one patient. Val chose the round, the "
        "temperature and the operating points, so its figures flatter. "
        + (
            "Test was measured once, after every choice had been made."
            if "test" in splits
            else "The test side was not looked at for this version."
        ),
        f"\n| | {' | '.join(splits)} |",
        f"|---|{'---|' * len(splits)}",
        _line("images (fractured)", [f"{split['images']} ({split['fractured']})" for split in splits.values()]),
        _line("AUROC", [interval(split["auroc"]) for split in splits.values()]),
        _line(
            "AUROC **without any pixel** (region, view, hardware, panels, size)",
            [interval(split["baseline_auroc"]) for split in splits.values()],
        ),
        _line("sensitivity at the lower point", [interval(split["sensitivity_at_lower"]) for split in splits.values()]),
        _line("specificity at the upper point", [interval(split["specificity_at_upper"]) for split in splits.values()]),
        _line("sensitivity at the upper point", [interval(split["sensitivity_at_upper"]) for split in splits.values()]),
        _line("calibration error", [interval(split["calibration_error"]) for split in splits.values()]),
        _line(
            "map's strongest cell lies in a fracture box",
            [f"{split['pointing']['inside']} of {split['pointing']['boxed']}" for split in splits.values()],
        ),
    ]
    return "\n".join(lines)


def _use(points: OperatingPoints, temperature: float) -> str:
    """Return the section that says how a score becomes words."""
    return (
        "## From score to words\n\n"
        f"The score is 1 / (1 + exp(-logit / {temperature:.3f})). From {points.upper:.3f} on the platform says "
        f"*fracture suspected*, below {points.lower:.3f} *nothing suspected*, between them *unsure*. "
        "The lower point keeps at least 95 % of val's fractured images at or above it, the upper one at least 95 % of "
        "the others below it.\n\n"
        "The map shows what each cell of the last features contributes to the logit, scaled to the picture's own "
        "maximum. It is *where the model looked*, not an outline of a fracture."
    )


def _strata(report: Mapping[str, Any]) -> str:
    """Return the section of the strata, one table a split."""
    tables = ["## Strata\n"]
    for name, split in report["splits"].items():
        tables.append(f"| {name} | images (fractured) | AUROC | standing |\n|---|---|---|---|")
        for row in split["strata"]:
            shown = interval(row["auroc"]) if "auroc" in row else "one label only"
            standing = "evaluated" if row["evaluated"] else "**not evaluated**: fewer than 50 groups of a label"
            tables.append(f"| {row['name']} | {row['images']} ({row['fractured']}) | {shown} | {standing} |")
        tables.append("")
    return "\n".join(tables).rstrip()


def _limits(scope: Scope) -> str:
    """Return the section of what the model is for and not for."""
    return (
        "## What it is not for\n\n"
        f"It reads plain radiographs ({', '.join(scope.modalities)}) of {', '.join(scope.body_parts)} "
        "and says one thing: how much a picture looks like those that were labelled fractured. " + scope.limits
    )


def _making(report: Mapping[str, Any]) -> str:
    """Return the section of how it was made, with the attributions."""
    made = report["made"]
    recipe = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in sorted(made["recipe"].items()))
    return (
        "## How it was made\n\n"
        f"Network {made['network']}: batch normalisations folded into the convolutions, global average pooling, one "
        f"logit; every layer was trained. First weights: {made['first_weights']}. Trained by {made['backend']}, "
        f"converted by TensorFlow, measured on LiteRT. Recipe: {recipe}.\n\n"
        f"Data set digest: `{made['dataset_digest']}`.\n\n"
        f"Training data. {SOURCES[made['source']].attribution}\n\n"
        "First weights. MobileNetV2 on ImageNet by the TensorFlow authors, Apache-2.0 (where they were used)."
    )


def _line(name: str, cells: list[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"
