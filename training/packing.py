"""From a converted run to an artifact: calibrate on val, measure, write card and report, pack.

Responsible for the order in which val and test may be used; the parts are done elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training import artifact, calibrate, card, evaluate, measurement, report
from training.calibrate import OperatingPoints
from training.dataset import Dataset
from training.explanation import Head
from training.litert import LiteModel
from training.measurement import Scores
from training.preprocessing import Preprocessing
from training.scope import Scope
from training.sources import SOURCES, Source

_CONVERTED: Final = ("model.keras", "model.tflite", "head.npz", "golden.npz", "recipe.json", "history.json")


@dataclass(frozen=True, slots=True)
class Title:
    """How people call the model, and where its labels come from (a key of `training.sources.SOURCES`)."""

    name: str
    version: str
    source: str


def pack(run: Path, data: Dataset, out: Path, title: Title, *, with_test: bool, rounds: int = 1000) -> str:
    """Measure a converted run and write its artifact; return the artifact's digest.

    Args:
        run: folder with the files of `fit` and `convert`.
        data: calibrated and measured on its val side, measured on its test side if `with_test`.
        out: folder of the artifact.
        title: its name, version and source of labels.
        with_test: the last word; use it once, when nothing is chosen any more.
        rounds: of the bootstrap.

    Raises:
        FileNotFoundError: the run is not fitted and converted.
        DatasetError: a side is empty or lacks a label.
    """
    _require(run)
    made = json.loads((run / "recipe.json").read_text()) | {"source": title.source}
    preprocessing = Preprocessing(int(made["recipe"]["size"]))
    head, model = _head(run), LiteModel(run / "model.tflite")
    splits = ("val", "test") if with_test else ("val",)
    said = {name: measurement.scores(model, data.split(name), head, preprocessing) for name in splits}
    temperature = calibrate.temperature(said["val"].labels, said["val"].logits)
    calibrated = {name: calibrate.probabilities(part.logits, temperature) for name, part in said.items()}
    points = calibrate.operating_points(said["val"].labels, calibrated["val"])
    written = _report(data, title, made, _history(run), said, calibrated, points, rounds)
    scope = _scope(data, written["splits"]["val"], SOURCES[title.source])
    config = _config(title, made, preprocessing, temperature, points)
    curves = {name: (part.labels, calibrated[name]) for name, part in said.items()}
    files = {name: (run / name).read_bytes() for name in ("model.keras", "model.tflite", "head.npz", "golden.npz")}
    files |= {
        "config.json": _json(config),
        "scope.json": _json(scope.to_dict()),
        "report.json": _json(written),
        "report.html": report.page(written, curves, points).encode(),
        "card.md": card.text(written, scope, points, temperature).encode(),
    }
    return artifact.write(out, files)


def _require(run: Path) -> None:
    missing = [name for name in _CONVERTED if not (run / name).is_file()]
    if missing:
        raise FileNotFoundError(f"Expected a fitted and converted run in {run}. Missing: {', '.join(missing)}.")


def _head(run: Path) -> Head:
    with np.load(run / "head.npz") as stored:
        return Head.load(stored)


def _history(run: Path) -> list[dict[str, float]]:
    history: list[dict[str, float]] = json.loads((run / "history.json").read_text())
    return history


def _report(
    data: Dataset,
    title: Title,
    made: Mapping[str, Any],
    history: list[dict[str, float]],
    said: Mapping[str, Scores],
    calibrated: Mapping[str, NDArray[np.float64]],
    points: OperatingPoints,
    rounds: int,
) -> dict[str, Any]:
    """Return everything that is known of the model, as plain values."""
    splits = {}
    for name, part in said.items():
        boxed = ~np.isnan(part.pointed)
        splits[name] = {
            **evaluate.figures(part.labels, calibrated[name], part.groups, points, rounds=rounds),
            "baseline_auroc": _plain(measurement.baseline(data.split("train"), part.samples, rounds=rounds)),
            "pointing": {"inside": int(part.pointed[boxed].sum()), "boxed": int(boxed.sum())},
            "strata": measurement.strata(part, calibrated[name], points, rounds=max(1, rounds // 2)),
        }
    return {
        "name": title.name,
        "version": title.version,
        "task": "fracture",
        "summary": _summary(splits),
        "made": dict(made),
        "history": history,
        "splits": splits,
    }


def _summary(splits: Mapping[str, Any]) -> str:
    """Return the sentence that stands above everything else."""
    words = ", ".join(f"{report.interval(split['auroc'])} on {name}" for name, split in splits.items())
    return (
        "A classifier that scores how much a bone radiograph looks like those labelled fractured. "
        f"AUROC {words}; a baseline that sees no pixel reaches "
        f"{splits['val']['baseline_auroc']['value']:.2f} on val."
    )


def _scope(data: Dataset, val: Mapping[str, Any], source: Source) -> Scope:
    """Return the bounds that follow from what was trained on and what was evaluated."""
    parts = sorted({part for sample in data.split("train") for part in sample.region.split("+")} - {"unknown"})
    weak = [row["name"] for row in val["strata"] if not row["evaluated"]]
    return Scope(("CR", "DX", "RG"), tuple(parts), tuple(weak), source.min_age, None, source.limits)


def _config(
    title: Title, made: Mapping[str, Any], preprocessing: Preprocessing, temperature: float, points: OperatingPoints
) -> dict[str, Any]:
    """Return what serving needs to know."""
    return {
        "format": 1,
        "name": title.name,
        "version": title.version,
        "task": "fracture",
        "network": made["network"],
        "backend": made["backend"],
        "dataset_digest": made["dataset_digest"],
        "preprocessing": preprocessing.to_dict(),
        "temperature": temperature,
        "operating_points": {"lower": points.lower, "upper": points.upper},
    }


def _plain(figure: evaluate.Figure) -> dict[str, float]:
    return {"value": figure.value, "low": figure.low, "high": figure.high}


def _json(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()
