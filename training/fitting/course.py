"""The course of one fit: its phases, rounds and what is kept after each of them.

Responsible for one model on one choice of images; not for folds, nor for what the run's folder holds beside it
(`training.fitting.run`). After every round the trained weights and the optimizer's memory are on disk, so that a killed
process goes on with the round after it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from training.config import Config, Phase
from training.fitting import batches, cut, folder, frozen, losses, marks, progress
from training.fitting.batches import Source
from training.fitting.pictures import Pictures

#: The measure of the validation side that chooses the round, larger being better.
_CHOOSES: Final = "val_auroc"


@dataclass(frozen=True, slots=True)
class Task:
    """What one fit learns from.

    Attributes:
        config: of the run.
        pictures: all images of the data set.
        targets: (images,) the class of each.
        learnt: numbers of the images that teach.
        chosen_on: numbers of the images that choose the round; empty where the last round is kept.
        part: the folder of this fit.
        cache: the folder of what frozen parts answered, shared by the folds.
        title: of this fit, for people.
    """

    config: Config
    pictures: Pictures
    targets: NDArray[np.int64]
    learnt: tuple[int, ...]
    chosen_on: tuple[int, ...]
    part: Path
    cache: Path
    title: str


def carry_out(task: Task, served: keras.Model) -> None:
    """Train `served`, beginning where an earlier process stopped, and leave the kept round as `model.keras`."""
    if folder.is_done(task.part):
        return
    first = int(folder.state_of(task.part).get("phase", 0))
    if first:
        served.load_weights(_after(task.part, first - 1))
    for number in range(first, len(task.config.phases)):
        _Stretch(task, served, number).run()
        folder.saved(_after(task.part, number), served.save_weights)
        folder.note(task.part, {"phase": number + 1, "epoch": 0, "done": False})
    if not task.chosen_on:
        folder.saved(task.part / "model.keras", served.save)
    folder.note(task.part, {"phase": len(task.config.phases), "epoch": 0, "done": True})
    folder.forget(task.part)


def _after(part: Path, phase: int) -> Path:
    return part / folder.GOING / f"phase-{phase}.weights.h5"


class _Stretch:
    """One phase of one fit."""

    def __init__(self, task: Task, served: keras.Model, number: int) -> None:
        self._task, self._served, self._number = task, served, number
        self._phase: Phase = task.config.phases[number]
        self._weights = task.part / folder.GOING / "round.weights.h5"

    def run(self) -> None:
        """Train round after round, and leave the kept weights in the model."""
        model, source = self._prepared()
        first = self._went_on(model)
        averaged = keras.callbacks.SwapEMAWeights(swap_on_epoch=True) if self._task.config.averaging else None
        if averaged:
            averaged.set_model(model)
            averaged.set_params({"epochs": self._phase.epochs})
        rounds = folder.history_of(self._task.part)
        for epoch in range(first, self._phase.epochs):
            if marks.is_stalled(self._of_this_phase(rounds), self._phase.early_stopping):
                break
            started = time.monotonic()
            said = self._one_round(model, source, epoch)
            if averaged:
                averaged.on_epoch_end(epoch)
            said |= self._measured(model, source)
            rounds = self._recorded(rounds, epoch, {**said, "seconds": time.monotonic() - started})
            if epoch + 1 < self._phase.epochs:
                if averaged:
                    averaged.on_epoch_begin(epoch + 1)
                marks.slow_down(model.optimizer, self._of_this_phase(rounds), self._phase)
                self._save_round(model, epoch)
        self._settle(rounds)

    def _prepared(self) -> tuple[keras.Model, Source]:
        """Open the layers, cut the network below them, and compile the part above."""
        config = self._task.config
        asked = tuple(losses.losses(config))
        names = cut.opened(self._served, self._phase.open)
        for layer in self._served.layers:
            layer.trainable = layer.name in names
        tensor = cut.below(self._served, asked, names)
        model = cut.above(self._served, tensor, asked)
        steps = len(self._batches_of(None, 0)) * self._phase.epochs
        model.compile(
            optimizer=losses.optimizer(self._phase, config, steps),
            loss=losses.losses(config),
            metrics={"logit": [losses.accuracy(config)]},
            jit_compile=False,
        )
        map_side = int(self._served.output["map"].shape[1]) if "map" in asked else 0
        return model, self._source(tensor, map_side)

    def _source(self, tensor: keras.KerasTensor, map_side: int) -> Source:
        """Return where the inputs of the trained part come from: new views, or what the frozen part answered."""
        task, config = self._task, self._task.config
        if tensor is self._served.inputs[0]:
            return batches.Fresh(task.pictures, config.augmentation, map_side)
        bottom = keras.Model(self._served.input, tensor)
        views = frozen.views_of(task.targets, config.views) if config.augmentation else [0] * len(task.targets)
        name = _digest(bottom, (bottom.layers[-1].name, map_side, config.size, config.seed, views, config.augmentation))
        with progress.counted(f"{task.title}: what is frozen answers once") as told:
            kept = frozen.kept(
                task.cache / name, bottom, task.pictures, views, config.augmentation,
                map_side=map_side, seed=config.seed, told=told,
            )  # fmt: skip
        return batches.FromKept(kept)

    def _batches_of(self, source: Any, epoch: int) -> batches.Batches:
        config = self._task.config
        if self._phase.draws:
            config = replace(config, draws=self._phase.draws)
        return batches.Batches(source, self._task.learnt, self._task.targets, config, (self._number, epoch))

    def _went_on(self, model: keras.Model) -> int:
        """Return the round to begin with, weights and optimizer being those after the one before it."""
        state = folder.state_of(self._task.part)
        if state.get("phase") != self._number or not state.get("epoch"):
            return 0
        model.optimizer.build(model.trainable_variables)
        model.load_weights(self._weights)
        return int(state["epoch"])

    def _one_round(self, model: keras.Model, source: Source, epoch: int) -> dict[str, float]:
        """Show every batch of a round once and return its losses."""
        drawn = self._batches_of(source, epoch)
        title = f"{self._task.title}, phase {self._number + 1} of {len(self._task.config.phases)}"
        shown = progress.Rounds(title, epoch, self._phase.epochs)
        fitted = model.fit(drawn, epochs=1, shuffle=False, verbose=0, callbacks=[shown])
        names = {"loss": "loss", "logit_accuracy": "accuracy", "accuracy": "accuracy"}
        said = {names[name]: float(values[-1]) for name, values in fitted.history.items() if name in names}
        return {**said, "learning_rate": float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))}

    def _save_round(self, model: keras.Model, epoch: int) -> None:
        """Keep weights and optimizer; the note comes last, so that it never names a round that is not there."""
        folder.saved(self._weights, model.save_weights)
        folder.note(self._task.part, {"phase": self._number, "epoch": epoch + 1, "done": False})

    def _measured(self, model: keras.Model, source: Source) -> dict[str, float]:
        """Return what the validation side says of the weights that would be kept."""
        chosen_on = self._task.chosen_on
        if not chosen_on:
            return {}
        said = logits(model, source, chosen_on)
        return marks.of(said, self._task.targets[list(chosen_on)], self._task.config.question)

    def _recorded(self, rounds: list[dict[str, Any]], epoch: int, entry: Mapping[str, float]) -> list[dict[str, Any]]:
        """Add a round to the history; save the model where it is the best so far."""
        known = [one for one in rounds if (one["phase"], one["epoch"]) < (self._number, epoch + 1)]
        best = max((one.get(_CHOOSES, -np.inf) for one in known), default=-np.inf)
        rounded = {name: float(f"{value:.6g}") for name, value in entry.items()}
        known.append({"phase": self._number, "epoch": epoch + 1, **rounded})
        if self._task.chosen_on and entry[_CHOOSES] > best:
            folder.saved(self._task.part / "model.keras", self._served.save)
        folder.write_json(self._task.part / "history.json", known)
        progress.say(self._task.title, self._number, epoch, rounded)
        return known

    def _of_this_phase(self, rounds: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return [one for one in rounds if one["phase"] == self._number]

    def _settle(self, rounds: Sequence[Mapping[str, Any]]) -> None:
        """Go on from the best round so far where the validation side has chosen one."""
        if self._task.chosen_on and rounds:
            best = keras.models.load_model(self._task.part / "model.keras", compile=False)
            self._served.set_weights(best.get_weights())


def logits(model: keras.Model, source: Source, images: Sequence[int], batch: int = 32) -> NDArray[np.float32]:
    """Return the logits (images, outputs) of images as they are."""
    parts = []
    for start in range(0, len(images), batch):
        answered = model.predict_on_batch(source.plain(images[start : start + batch]))
        parts.append(np.asarray(answered["logit"]))
    return np.concatenate(parts)


def _digest(bottom: keras.Model, rest: object) -> str:
    """Return a name for what a frozen part answers to these views."""
    digest = hashlib.sha256(repr(rest).encode())
    for weights in bottom.get_weights():
        digest.update(np.ascontiguousarray(weights).tobytes())
    return digest.hexdigest()[:16]
