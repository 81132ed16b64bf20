"""The plots of a report, each a picture inside the page.

Responsible for drawing; not for what stands around a plot. matplotlib without a display; nothing random, so equal
figures give equal pictures.
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
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from training.calibrate import OperatingPoints
from training.evaluation.answers import Answers

Plot = tuple[str, str, Callable[[Axes], None]]
#: Of splits, phases and classes, in order; told apart without colour by the dashes.
_COLOURS: Final = ("#5b3fb5", "#0f766e", "#b45309", "#1d4ed8", "#9d174d", "#4d7c0f")
_DASHES: Final = ("-", "--", "-.", ":", "-", "--")
_BINS: Final = 10


def pictures(plots: Sequence[Plot]) -> str:
    """Return plots as figures of HTML: title, words for those who cannot see it, and how it is drawn."""
    return '<div class="plots">' + "".join(_figure(title, words, draw) for title, words, draw in plots) + "</div>"


def verdict_plots(answers: Mapping[str, Answers], points: OperatingPoints) -> list[Plot]:
    """Return the plots of a task of two classes."""
    first = next(iter(answers))
    return [
        ("ROC curve", "sensitivity over 1 - specificity", lambda axes: _draw_roc(axes, answers, points)),
        ("Precision and recall", "precision over sensitivity", lambda axes: _draw_precision(axes, answers)),
        ("Reliability", "share fractured over probability", lambda axes: _draw_reliability(axes, answers)),
        (
            f"Probabilities and operating points ({first})",
            "histogram of calibrated probabilities by label",
            lambda axes: _draw_histogram(axes, answers[first], points),
        ),
    ]


def class_plots(answers: Mapping[str, Answers]) -> list[Plot]:
    """Return the plots of a task of more than two classes."""
    first = next(iter(answers))
    return [
        ("Reliability", "share right over the largest probability", lambda axes: _draw_reliability(axes, answers)),
        (
            f"Largest probability ({first})",
            "histogram of the largest probability, right and wrong",
            lambda axes: _draw_largest(axes, answers[first]),
        ),
    ]


def history_plots(history: Sequence[Mapping[str, Any]]) -> list[Plot]:
    """Return the curves of accuracy and loss over the rounds of a run."""
    found: list[Plot] = []
    for title, names in (
        ("Loss by round", ("loss", "val_loss")),
        ("Accuracy by round", ("accuracy", "val_accuracy")),
        ("AUROC on val by round", ("val_auroc", "val_macro_auroc")),
    ):
        if any(isinstance(entry.get(name), int | float) for entry in history for name in names):
            found.append((title, title, lambda axes, names=names: _draw_history(axes, history, names)))  # type: ignore[misc]
    return found


def _figure(title: str, words: str, draw: Callable[[Axes], None]) -> str:
    figure = matplotlib.figure.Figure(figsize=(5.4, 3.8), dpi=120)
    axes = figure.add_axes((0.13, 0.14, 0.84, 0.83))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, linewidth=0.6)
    draw(axes)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    encoded = base64.b64encode(buffer.getvalue()).decode()
    name = html.escape(title)
    return (
        f'<figure><img alt="{name}: {html.escape(words)}" src="data:image/png;base64,{encoded}">'
        f"<figcaption>{name}</figcaption></figure>"
    )


def _draw_roc(axes: Axes, answers: Mapping[str, Answers], points: OperatingPoints) -> None:
    for number, (name, said) in enumerate(answers.items()):
        hits, misses = _walked(said.labels, said.positive)
        axes.plot(misses / misses[-1], hits / hits[-1], _DASHES[number], color=_COLOURS[number], label=name)
        for value, marker in ((points.lower, "v"), (points.upper, "^")):
            above = said.positive >= value
            rates = (above[said.labels <= 0.5].mean(), above[said.labels > 0.5].mean())
            axes.plot(*rates, marker, color=_COLOURS[number], markersize=7)
    axes.plot((0, 1), (0, 1), linestyle=":", color="grey")
    axes.set(xlabel="1 - specificity   (▼ lower, ▲ upper point)", ylabel="sensitivity", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="lower right")


def _draw_precision(axes: Axes, answers: Mapping[str, Answers]) -> None:
    for number, (name, said) in enumerate(answers.items()):
        hits, misses = _walked(said.labels, said.positive)
        precision = hits[1:] / (hits[1:] + misses[1:])
        axes.plot(hits[1:] / hits[-1], precision, _DASHES[number], color=_COLOURS[number], label=name)
        axes.axhline(said.labels.mean(), linestyle=":", color=_COLOURS[number], linewidth=1)
    axes.set(xlabel="sensitivity (recall); dotted: prevalence", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(loc="lower left")


def _draw_reliability(axes: Axes, answers: Mapping[str, Answers]) -> None:
    axes.plot((0, 1), (0, 1), linestyle=":", color="grey")
    for number, (name, said) in enumerate(answers.items()):
        told, happened = _told(said)
        raw, _ = _told(said.at(1.0))
        for values, label, strength in ((raw, f"{name}, before scaling", 0.35), (told, name, 1.0)):
            parts = np.array_split(np.argsort(values, kind="stable"), _BINS)
            at = [(values[part].mean(), happened[part].mean()) for part in parts if len(part)]
            axes.plot(
                *zip(*at, strict=True), "o" + _DASHES[number], color=_COLOURS[number], label=label, alpha=strength
            )
    axes.set(xlabel="probability", ylabel="how often it is so", xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="upper left", fontsize=8)


def _told(said: Answers) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the probability that is told of each image, and whether it was so."""
    if said.task.outputs == 1:
        return said.positive, said.labels
    right = said.probabilities.argmax(axis=1) == said.targets
    return said.probabilities.max(axis=1), right.astype(np.float64)


def _draw_histogram(axes: Axes, said: Answers, points: OperatingPoints) -> None:
    both = [said.positive[said.labels > 0.5], said.positive[said.labels <= 0.5]]
    names = [name.replace("_", " ") for name in reversed(said.task.classes)]
    axes.hist(both, bins=20, range=(0, 1), label=names, color=_COLOURS[:2])
    for value, words in ((points.lower, "lower"), (points.upper, "upper")):
        axes.axvline(value, linestyle="--", color="black", linewidth=1, label=f"{words} {value:.2f}")
    axes.set(xlabel="calibrated probability", ylabel="images", yscale="log")
    axes.legend()


def _draw_largest(axes: Axes, said: Answers) -> None:
    told, right = _told(said)
    axes.hist([told[right > 0.5], told[right <= 0.5]], bins=20, range=(0, 1), label=["right", "wrong"],
              color=_COLOURS[:2])  # fmt: skip
    axes.set(xlabel="largest probability", ylabel="images", yscale="log")
    axes.legend()


def _draw_history(axes: Axes, history: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    for number, name in enumerate(names):
        rounds = [
            (place + 1, entry[name]) for place, entry in enumerate(history) if isinstance(entry.get(name), int | float)
        ]
        if rounds:
            axes.plot(*zip(*rounds, strict=True), "." + _DASHES[number], color=_COLOURS[number], label=name)
    for place in range(1, len(history)):
        if history[place].get("phase") != history[place - 1].get("phase"):
            axes.axvline(place + 0.5, color="grey", linewidth=0.8, linestyle=":")
    axes.set(xlabel="round (dotted: next phase)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()


def _walked(labels: NDArray[np.floating], said: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return hits and misses walking down the scores, ties taken together, from (0, 0) on."""
    order = np.argsort(-said, kind="stable")
    positive = labels[order] > 0.5
    last_of_tie = np.append(np.diff(said[order]) != 0, True)
    hits, misses = np.cumsum(positive)[last_of_tie], np.cumsum(~positive)[last_of_tie]
    return np.append(0, hits), np.append(0, misses)
