"""A whole run: one fit that the validation side chooses, or folds that answer for each other and a fit on all.

Responsible for which images teach which model, and for what the run's folder says about that; not for the course of
one fit (`training.fitting.course`).
"""

from __future__ import annotations

import datetime
import hashlib
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from training import augmentation, calibrate, dataset, predictions, seen, splits
from training.config import Config, ConfigError
from training.dataset import Dataset, DatasetError, Sample
from training.evaluation.weighted import area
from training.fitting import course, folder, frozen, lite, pictures
from training.fitting.course import Task
from training.networks import recipes
from training.networks.classifier import HEAD
from training.predictions import Row
from training.preprocessing import Preprocessing
from training.seen import Seen


def fit(data: Dataset, run: Path, config: Config, *, weights: Path | None, leak: Mapping[str, Any]) -> None:
    """Carry out a configuration, going on where an earlier process stopped.

    Args:
        data: its train and val sides are used, test is not touched.
        run: folder of the run; see `training.fitting.folder`.
        config: what decides the course.
        weights: pretrained weights of the network, or None for random ones.
        leak: what is known of leaks across the sides, for the report.

    Raises:
        ConfigError: the configuration does not fit the data or the network.
        DatasetError: a side is empty or lacks a class, a picture cannot be read, or the folder holds another run.
        FileNotFoundError: there are no such weights.
        ValueError: they are those of another network.
    """
    keras.utils.set_random_seed(config.seed)
    if lite.has_gpu():
        keras.mixed_precision.set_global_policy("mixed_float16")
    samples = _used(data, config)
    first_weights(config, weights)  # what cannot be built or read is refused before anything is written
    folder.begin(run, _made(data, config, weights, leak))
    one = _Run(run, config, weights, samples)
    if config.folds:
        one.by_folds()
    else:
        one.by_validation()
    shutil.rmtree(run / folder.GOING, ignore_errors=True)


def first_weights(config: Config, weights: Path | None) -> keras.Model:
    """Return the network that a run begins with.

    Raises:
        ConfigError: the network or its size cannot be, or it has no place for pretrained weights.
    """
    network = recipes.named(config.network)
    served = network.build(config.size, config.question, config.options)
    if weights is not None:
        if network.load_pretrained is None:
            raise ConfigError(f"Expected no weights for the network {config.network}. Received: {weights}.")
        network.load_pretrained(served, weights)
    return served


class _Run:
    """One run on its images."""

    def __init__(self, run: Path, config: Config, weights: Path | None, samples: Sequence[Sample]) -> None:
        self._run, self._config, self._weights, self._samples = run, config, weights, samples
        self._targets = dataset.targets(samples, config.question)
        self._pictures = pictures.read(samples, Preprocessing(config.size))
        self._items = [dataset.item_of(sample.path) for sample in samples]

    def by_validation(self) -> None:
        """Fit on train, keep the round that val chooses, and move the logit to val's prevalence."""
        sides = [sample.split for sample in self._samples]
        learnt = tuple(number for number, side in enumerate(sides) if side == "train")
        chosen_on = tuple(number for number, side in enumerate(sides) if side == "val")
        served = self._fitted(learnt, chosen_on, self._run, "fit")
        self._centre(served, self._logits(served, chosen_on), chosen_on)
        self._note_seen({number: ("train" if sides[number] == "train" else "tune") for number in learnt + chosen_on})

    def by_folds(self) -> None:
        """Let each fold's images be answered by a model that has not seen their groups, then fit on all."""
        numbers = splits.folds(self._samples, self._config.folds, self._config.seed)
        rows: list[Row] = []
        for fold in range(self._config.folds):
            part = self._run / f"fold-{fold}"
            if not (part / "predictions.csv").is_file():
                self._answer_fold(part, fold, numbers)
            rows += predictions.decoded((part / "predictions.csv").read_bytes())
        everything = tuple(range(len(self._samples)))
        served = self._fitted(everything, (), self._run, "fit on all")
        shift = self._centre(served, _logits_of(rows), self._places(rows))
        moved = [_moved(row, shift) for row in rows]
        folder.write(self._run / "predictions.csv", predictions.encoded(moved))
        self._note_seen(dict.fromkeys(everything, "train"))

    def _answer_fold(self, part: Path, fold: int, numbers: Sequence[int]) -> None:
        """Fit on the other folds and write down what that model says of this one."""
        learnt = tuple(place for place, number in enumerate(numbers) if number != fold)
        held_out = tuple(place for place, number in enumerate(numbers) if number == fold)
        title = f"fold {fold + 1} of {self._config.folds}"
        served = self._fitted(learnt, (), part, title)
        said = self._logits(served, held_out)
        rows = [self._row(place, fold, said[index]) for index, place in enumerate(held_out)]
        folder.write(part / "predictions.csv", predictions.encoded(rows))
        if self._config.question.outputs == 1:
            value = area(self._targets[list(held_out)].astype(np.float32), said[:, 0])
            print(f"{title}: AUROC {value:.4f} on {len(held_out)} images that its model has not seen", flush=True)

    def _fitted(self, learnt: tuple[int, ...], chosen_on: tuple[int, ...], part: Path, title: str) -> keras.Model:
        """Return the kept model of one fit."""
        keras.utils.set_random_seed(self._config.seed)
        served = first_weights(self._config, self._weights)
        cache = self._run / folder.GOING / "frozen"
        task = Task(self._config, self._pictures, self._targets, learnt, chosen_on, part, cache, title)
        if not folder.is_done(part):
            course.carry_out(task, served)
        loaded: keras.Model = keras.models.load_model(part / "model.keras", compile=False)
        return loaded

    def _logits(self, served: keras.Model, images: Sequence[int]) -> NDArray[np.float32]:
        """Return the logits (images, outputs) of a model, from renditions."""
        forward = frozen.forward_of(keras.Model(served.input, served.output["logit"]))
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            said = pool.map(lambda image: forward(augmentation.as_input(self._pictures.squares[[image]])), images)
            return np.concatenate(list(said))

    def _centre(self, served: keras.Model, logits: NDArray[np.floating], images: Sequence[int]) -> float:
        """Move the logit's zero to the prevalence of these images, which balanced rounds moved it away from."""
        if self._config.question.outputs > 1 or self._config.balance == "none":
            return 0.0
        try:
            shift = calibrate.centred(self._targets[list(images)].astype(np.float32), logits[:, 0])
        except ValueError as error:  # a model that has learnt nothing is still to be measured, and its report says so
            print(f"The logit was not moved to the prevalence. {error}", flush=True)
            return 0.0
        _move_logit(served, shift)
        folder.saved(self._run / "model.keras", served.save)
        return shift

    def _row(self, place: int, fold: int, logits: NDArray[np.float32]) -> Row:
        sample = self._samples[place]
        facts = {name: sample.facts[name] for name in predictions.FACTS if sample.facts.get(name)}
        group = predictions.group_digest(sample.group)
        return Row(self._items[place], group, sample.label, "oof", fold, tuple(map(float, logits)), None, facts)

    def _places(self, rows: Sequence[Row]) -> list[int]:
        """Return the places of the images of rows."""
        places = {item: place for place, item in enumerate(self._items)}
        return [places[row.item] for row in rows]

    def _note_seen(self, roles: Mapping[int, Any]) -> None:
        rows = [
            Seen(self._items[place], predictions.group_digest(self._samples[place].group), role)
            for place, role in sorted(roles.items())
        ]
        folder.write(self._run / "seen.csv", seen.encoded(rows))


def _used(data: Dataset, config: Config) -> tuple[Sample, ...]:
    """Return the images of train and val."""
    if config.question != data.task:
        raise ConfigError(f"Expected a data set of the task {config.task}. Received: one of {data.task.name}.")
    if config.folds:
        used = tuple(sample for sample in data.samples if sample.split in ("train", "val"))
        if not used:
            raise DatasetError(f"Expected images in train or val of {data.root}. Received: none.")
        if any(phase.early_stopping or phase.reduce_on_plateau for phase in config.phases):
            raise ConfigError("Expected a fixed schedule with folds: what is held out may choose nothing.")
        return used
    return data.split("train") + data.split("val")


def _made(data: Dataset, config: Config, weights: Path | None, leak: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a run is made of."""
    return {
        "recipe": config.to_dict(),
        "task": config.task,
        "data": {"digest": data.digest, "name": data.root.name},
        "weights": {"name": weights.name, "sha256": _sha256(weights)} if weights else "random",
        "leak": dict(leak),
        "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": {
            "backend": f"Keras {keras.__version__} on {keras.backend.backend()}",
            "numpy": np.__version__,
            "python": platform.python_version(),
            "device": "GPU" if lite.has_gpu() else platform.processor() or platform.machine(),
        },
    }


def _move_logit(served: keras.Model, shift: float) -> None:
    """Add a shift to the bias of the one logit."""
    kernel, bias = served.get_layer(HEAD).get_weights()
    served.get_layer(HEAD).set_weights([kernel, bias + np.float32(shift)])


def _logits_of(rows: Sequence[Row]) -> NDArray[np.float64]:
    return np.array([row.logits for row in rows], np.float64)


def _moved(row: Row, shift: float) -> Row:
    """Return a row whose logits are moved."""
    logits = tuple(logit + shift for logit in row.logits)
    return Row(row.item, row.group, row.label, row.role, row.fold, logits, row.pointed, row.facts)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
