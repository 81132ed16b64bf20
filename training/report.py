"""The report of a model: its figures as JSON and as one self-contained page with plots.

Responsible for how figures are shown; not for computing them (`training.measurement`) nor for the card
(`training.card`). The page holds no script and loads nothing; its pictures are plots, never radiographs of people.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import matplotlib.figure
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from training import evaluate
from training.calibrate import OperatingPoints
from training.measurement import ENOUGH_GROUPS

NOTICE: Final = "Research and evaluation. Not a medical device. A qualified person decides."
_FIGURES: Final = (
    ("auroc", "AUROC"),
    ("average_precision", "average precision"),
    ("sensitivity_at_lower", "sensitivity at the lower point"),
    ("specificity_at_lower", "specificity at the lower point"),
    ("sensitivity_at_upper", "sensitivity at the upper point"),
    ("specificity_at_upper", "specificity at the upper point"),
    ("brier", "Brier score"),
    ("calibration_error", "calibration error"),
)
_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1b2127;background:#fff}
table{border-collapse:collapse;margin:1rem 0;width:100%}th,td{border-bottom:1px solid #c9d1d9;padding:.3rem
.6rem;text-align:left}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}img{max-width:100%;height:auto}
.notice{border-left:4px solid #b7791f;padding:.4rem .8rem;background:#fff8e6}
"""

#: Labels, calibrated probabilities and points of one split, what the plots need.
Curves = Mapping[str, tuple[NDArray[np.floating], NDArray[np.floating]]]


def page(report: Mapping[str, Any], curves: Curves, points: OperatingPoints) -> str:
    """Return the page of a report.

    Args:
        report: what is written as report.json.
        curves: labels and calibrated probabilities by split.
        points: the operating points.
    """
    title = html.escape(f"{report['name']} {report['version']}")
    parts = [
        f"<h1>{title}</h1>",
        f'<p class="notice">{NOTICE}</p>',
        f"<p>{html.escape(report['summary'])}</p>",
        "<h2>Figures</h2>",
        _figures_table(report["splits"]),
        "<h2>What the operating points do</h2>",
        *(_states_table(name, split["states"]) for name, split in report["splits"].items()),
        "<h2>Plots</h2>",
        *(_picture(name, draw) for name, draw in _plots(report, curves, points)),
        "<h2>Strata</h2>",
        f"<p>A stratum with fewer than {ENOUGH_GROUPS} groups of either label counts as not evaluated; "
        "its figures are shown with their wide intervals and prove nothing.</p>",
        *(_strata_table(name, split["strata"]) for name, split in report["splits"].items()),
    ]
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style></head>'
        f"<body>\n{body}\n</body></html>\n"
    )


def interval(figure: Mapping[str, float]) -> str:
    """Return a figure with its interval as people read it."""
    return str(evaluate.Figure(**figure))


def _figures_table(splits: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table of the figures, a column a split."""
    rows = [("images", *(f"{split['images']}, {split['fractured']} fractured" for split in splits.values()))]
    rows += [(words, *(interval(split[key]) for split in splits.values())) for key, words in _FIGURES]
    rows.append(("AUROC without pixels", *(interval(split["baseline_auroc"]) for split in splits.values())))
    rows.append(("strongest cell lies in a box", *(_share(split["pointing"]) for split in splits.values())))
    return _table(("", *splits), rows)


def _states_table(name: str, states: Mapping[str, Mapping[str, int]]) -> str:
    """Return the table of what is said of fractured and other images."""
    rows = [
        (label.replace("_", " "), *(str(said[state]) for state in ("positive", "doubt", "negative")))
        for label, said in states.items()
    ]
    return _table((name, "fracture suspected", "unsure", "nothing suspected"), rows)


def _strata_table(name: str, strata: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of the strata of one split."""
    rows = [
        (
            row["name"],
            f"{row['images']}, {row['fractured']} fractured",
            f"{row['fractured_groups']} and {row['other_groups']}",
            interval(row["auroc"]) if "auroc" in row else "one label only",
            "evaluated" if row["evaluated"] else "not evaluated",
        )
        for row in strata
    ]
    return _table((name, "images", "groups fractured and other", "AUROC", "standing"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return an HTML table; the first column is text, the others are numbers."""
    cells = "".join(f"<th{_class(index)}>{html.escape(cell)}</th>" for index, cell in enumerate(head))
    lines = [
        "<tr>" + "".join(f"<td{_class(index)}>{html.escape(cell)}</td>" for index, cell in enumerate(row)) + "</tr>"
        for row in rows
    ]
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _class(index: int) -> str:
    return ' class="number"' if index else ""


def _share(pointing: Mapping[str, int]) -> str:
    return f"{pointing['inside']} of {pointing['boxed']}"


def _plots(
    report: Mapping[str, Any], curves: Curves, points: OperatingPoints
) -> list[tuple[str, Callable[[Axes], None]]]:
    """Return the plots of a report: what each shows, and how it is drawn."""
    plots: list[tuple[str, Callable[[Axes], None]]] = [
        ("ROC curve", lambda axes: _draw_roc(axes, curves)),
        ("Calibration", lambda axes: _draw_calibration(axes, curves)),
        ("Probabilities and operating points", lambda axes: _draw_histogram(axes, curves["val"], points)),
    ]
    if report["history"]:
        plots.append(("AUROC on val after each round", lambda axes: _draw_history(axes, report["history"])))
    return plots


def _picture(title: str, draw: Callable[[Axes], None]) -> str:
    """Return a plot as an image inside the page."""
    figure = matplotlib.figure.Figure(figsize=(6, 4), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    draw(axes)
    axes.set_title(title)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{html.escape(title)}" src="data:image/png;base64,{encoded}">'


def _draw_roc(axes: Axes, curves: Curves) -> None:
    for name, (labels, calibrated) in curves.items():
        false_positive, sensitivity = evaluate.roc(labels, calibrated)
        axes.plot(false_positive, sensitivity, label=f"{name} {evaluate.auroc(labels, calibrated):.3f}")
    axes.plot((0, 1), (0, 1), linestyle=":", color="grey")
    axes.set(xlabel="1 - specificity", ylabel="sensitivity")
    axes.legend()


def _draw_calibration(axes: Axes, curves: Curves) -> None:
    for name, (labels, calibrated) in curves.items():
        bins = np.array_split(np.argsort(calibrated, kind="stable"), 8)
        axes.plot(
            [calibrated[part].mean() for part in bins], [labels[part].mean() for part in bins], marker="o", label=name
        )
    axes.plot((0, 1), (0, 1), linestyle=":", color="grey")
    axes.set(xlabel="calibrated probability", ylabel="share fractured")
    axes.legend()


def _draw_histogram(
    axes: Axes, curve: tuple[NDArray[np.floating], NDArray[np.floating]], points: OperatingPoints
) -> None:
    labels, calibrated = curve
    both = [calibrated[labels > 0.5], calibrated[labels <= 0.5]]
    axes.hist(both, bins=20, range=(0, 1), label=["fractured", "not fractured"])
    for value, words in ((points.lower, "lower"), (points.upper, "upper")):
        axes.axvline(value, linestyle="--", color="black")
        axes.text(value, axes.get_ylim()[1] * 0.95, f" {words} {value:.2f}")
    axes.set(xlabel="calibrated probability (val)", ylabel="images", yscale="log")
    axes.legend()


def _draw_history(axes: Axes, history: Sequence[Mapping[str, float]]) -> None:
    axes.plot([entry["epoch"] for entry in history], [entry["val_auroc"] for entry in history], marker="o")
    axes.set(xlabel="round", ylabel="AUROC")
