"""From a converted run to an artifact: calibrate out of fold or on val, measure, tell, pack.

Responsible for the order in which sides may be used and for what follows from the figures: the scope, and whether a
map may be shown as a finding. The parts are done elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training import artifact, predictions, seen
from training.artifact import Artifact
from training.calibrate import Way
from training.dataset import Dataset, Sample
from training.evaluation import card, ledger, measurement, page, report, samples
from training.evaluation.answers import Answers
from training.evaluation.evidence import Side, sides
from training.evaluation.measurement import Served
from training.evaluation.pointing import shows_regions
from training.evaluation.report import Calibration
from training.evaluation.runs import Run
from training.evaluation.samples import Kind, Shown
from training.evaluation.scoping import likeness_of, scope_of
from training.predictions import Row
from training.seen import Seen
from training.sources import SOURCES

#: What an artifact calls what draws its map.
_MAPS = {"map": "head", "activation": "activation", "": "none"}
_PICTURES = 12
_BEST_OF_THEM = 4


@dataclass(frozen=True, slots=True)
class Title:
    """How people call the model, and where its labels come from (a key of `training.sources.SOURCES`)."""

    name: str
    version: str
    source: str


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a run is to be evaluated.

    Attributes:
        with_test: measure the test side too, the last word; every look is counted.
        way: how the operating points are fitted.
        pictures: which sample predictions are inlined, see `training.evaluation.samples`.
        beside: the folder of another artifact whose headline is shown beside this one's.
        rounds: of the bootstrap.
    """

    with_test: bool = False
    way: Way = "quantile"
    pictures: Kind = "data"
    beside: Path | None = None
    rounds: int = 1000


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that was found of a run, before it is told."""

    run: Run
    data: Dataset
    title: Title
    wishes: Wishes
    served: Served
    sides: list[Side]
    calibration: Calibration
    answers: dict[str, Answers]

    @property
    def drawn(self) -> str:
        """What draws the map: decided on the side that temperature and points were fitted on."""
        game = self.sides[0].game
        if game is not None:
            return game.drawn
        return "activation" if self.served.head.outputs == 1 else ""


def pack(run_folder: Path, data: Dataset, out: Path, title: Title, wishes: Wishes | None = None) -> str:
    """Measure a converted run and write its artifact; return the artifact's digest.

    Args:
        run_folder: with the files of `fit` and `convert`.
        data: what it was fitted on. A run with folds is calibrated and measured on its out-of-fold answers, another
            one on the val side; the test side is touched only if that is wished.
        out: folder of the artifact.
        title: its name, version and source of labels.
        wishes: how it is to be evaluated.

    Raises:
        FileNotFoundError: the run is not fitted and converted.
        DatasetError: a side is empty or lacks a class, or the data asks another question.
        ValueError: a file of the run cannot be read or contradicts another.
        ArtifactError: the artifact beside it cannot be read, or the folder holds something else.
    """
    wishes = wishes or Wishes()
    beside = None if wishes.beside is None else _beside(Artifact.load(wishes.beside))
    evaluation = _evaluated(Run.read(run_folder), data, title, wishes)
    written = _report(evaluation) | {"beside": beside}
    scope = scope_of(evaluation.run.task, written["splits"], SOURCES[title.source])
    files = {
        **{
            name: (run_folder / name).read_bytes() for name in ("model.keras", "model.tflite", "head.npz", "golden.npz")
        },
        "config.json": _json(_config(evaluation, written)),
        "scope.json": _json(scope.to_dict()),
        "scope.npz": likeness_of(evaluation.served, _taught(evaluation)),
        "predictions.csv": predictions.encoded(_rows(evaluation)),
        "seen.csv": seen.encoded(_seen(evaluation)),
        "report.json": _json(written),
        "report.html": page.page(written, evaluation.answers, evaluation.calibration, _gallery(evaluation)).encode(),
        "card.md": card.text(written, scope).encode(),
    }
    digest = artifact.write(out, files)
    if wishes.with_test:
        ledger.name_artifact(run_folder, digest)
    return digest


def _evaluated(run: Run, data: Dataset, title: Title, wishes: Wishes) -> Evaluation:
    served = Served.of(run.path, run.preprocessing)
    found = sides(run, served, data, with_test=wishes.with_test)
    calibration = Calibration.fitted(run.task, found[0].rows, found[0].role, wishes.way)
    answers: dict[str, Answers] = {}
    for side in found:
        answers[side.role] = Answers.of(run.task, side.rows, calibration.temperature)
    return Evaluation(run, data, title, wishes, served, found, calibration, answers)


def _report(evaluation: Evaluation) -> dict[str, Any]:
    """Return everything that is known of the model, as plain values; `beside` is left out."""
    run, calibration, answers = evaluation.run, evaluation.calibration, evaluation.answers
    known = [measurement.row_of(sample, "val", ()) for sample in _taught(evaluation)]
    splits: dict[str, Any] = {}
    for side in evaluation.sides:
        learnt = answers["oof"].rows if side.role == "oof" else known
        splits[side.role] = report.split(
            answers[side.role], calibration.points, learnt, side.game, rounds=evaluation.wishes.rounds
        )
    found = ledger.uses(run.path)
    kind = evaluation.wishes.pictures
    return {
        "format": report.FORMAT,
        "name": evaluation.title.name,
        "version": evaluation.title.version,
        "task": run.task.name,
        "classes": list(run.task.classes),
        "summary": report.summary(run.task, splits),
        "headline": report.headline(splits),
        "made": {**run.config, "weights": run.weights, "source": evaluation.title.source},
        "history": run.history,
        "leak": report.leak(
            run,
            {side.role: side.learnt_from for side in evaluation.sides},
            {side.role: len(side.rows) for side in evaluation.sides},
        ),
        "calibration": calibration.to_dict(),
        "splits": splits,
        "map": _MAPS[evaluation.drawn],
        "shows_regions": shows_regions(splits[evaluation.sides[0].role]["pointing"]),
        "folds": report.folds(run.task, run.oof, calibration.temperature),
        "pictures": {"kind": kind, "sentence": samples.SENTENCES[kind]},
        "test_uses": ledger.section(found),
    }


def _taught(evaluation: Evaluation) -> list[Sample]:
    """Return the samples that the served model was fitted on."""
    names = ("train", "val") if evaluation.run.oof else ("train",)
    return [sample for sample in evaluation.data.samples if sample.split in names]


def _rows(evaluation: Evaluation) -> list[Row]:
    """Return the rows of every side, each saying whether its map hits a box."""
    return [row for side in evaluation.sides for row in side.pointed(evaluation.drawn)]


def _seen(evaluation: Evaluation) -> list[Seen]:
    """Return what the model learnt from, the images that it was calibrated on among it; nothing where unknown."""
    table = list(evaluation.run.seen)
    if not table:
        return []
    items = {entry.item for entry in table if entry.role == "calibrate"}
    rows = evaluation.sides[0].rows
    return table + [Seen(row.item, row.group, "calibrate") for row in rows if row.item not in items]


def _config(evaluation: Evaluation, written: Mapping[str, Any]) -> dict[str, Any]:
    """Return what serving needs to know."""
    run = evaluation.run
    return {
        "format": 2,
        "name": evaluation.title.name,
        "version": evaluation.title.version,
        "task": run.task.name,
        "classes": list(run.task.classes),
        "network": run.recipe["network"],
        "backend": str(run.config.get("versions", {}).get("backend", "")),
        "dataset_digest": run.config["data"]["digest"],
        "preprocessing": run.preprocessing.to_dict(),
        "temperature": evaluation.calibration.temperature,
        "operating_points": written["calibration"]["points"],
        "map": written["map"],
        "shows_regions": written["shows_regions"],
        "weights": run.weights,
        "leak": {name: written["leak"][name] for name in ("status", "pairs", "allowed", "red")},
        "seed": run.recipe.get("seed"),
    }


def _gallery(evaluation: Evaluation) -> str:
    """Return the sample predictions as HTML."""
    kind = evaluation.wishes.pictures
    if kind == "none":
        return ""
    shown = _drawn_samples(evaluation) if kind == "drawn" else _data_samples(evaluation)
    return samples.gallery(shown, evaluation.drawn)


def _data_samples(evaluation: Evaluation) -> list[Shown]:
    """Return the worst errors of the last side that was measured, then some that it was right about."""
    side = evaluation.sides[-1]
    answers, points = evaluation.answers[side.role], evaluation.calibration.points
    entries = report.worst(answers, points)[: _PICTURES - _BEST_OF_THEM]
    entries += report.best(answers, points, _BEST_OF_THEM)
    rows = {row.item: row for row in side.rows}
    shown = []
    for entry in entries:
        picture = side.look(rows[entry["item"]], evaluation.drawn)
        if picture is not None:
            words = f"is {report.words_of(entry['label'])}, said {report.words_of(entry['said'])}"
            words = f"{entry['item'][:12]}, {entry['region']}: {words}, score {entry['probability']:.2f}"
            shown.append(Shown(picture, words))
    return shown


def _drawn_samples(evaluation: Evaluation) -> list[Shown]:
    """Return the drawn radiographs of the golden cases, with what the model says of each."""
    task = evaluation.run.task
    with np.load(evaluation.run.path / "golden.npz", allow_pickle=False) as stored:
        squares: Sequence[Any] = list(stored["renditions"])
    shown = []
    for number, square in enumerate(squares):
        picture, logits = measurement.picture_of(evaluation.served, square, evaluation.drawn)
        row = Row("", "", task.classes[0], "val", None, tuple(float(logit) for logit in logits))
        answers = Answers.of(task, [row], evaluation.calibration.temperature)
        said = report.said_of(answers, evaluation.calibration.points, 0)
        told = answers.probabilities[0, 1] if task.outputs == 1 else answers.probabilities[0].max()
        shown.append(Shown(picture, f"drawn radiograph {number + 1}: said {report.words_of(said)}, score {told:.2f}"))
    return shown


def _beside(other: Artifact) -> dict[str, Any]:
    """Return what stands beside this model of another one; what an older report lacks is left out."""
    return {
        "name": other.name,
        "version": other.version,
        "sha256": other.sha256,
        "leak": other.report.get("leak", {}).get("status", "unchecked"),
        "dataset_digest": str(other.config.get("dataset_digest", "")),
        "splits": {name: report.first_figures(split) for name, split in other.report["splits"].items()},
    }


def _json(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()
