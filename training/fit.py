"""Fitting a classifier: a linear probe on pretrained features first, then every layer, with boxes as a second teacher.

Responsible for the course of one training run and its folder (`recipe.json`, `history.json`, `model.keras`); not for
calibration, measurement or packing. Written for Keras on any backend; the backend that was used is recorded.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from training import augmentation, calibrate, dataset, probe
from training.augmentation import Augmentation
from training.dataset import Dataset, Sample
from training.evaluate import auroc
from training.networks import classifier, recipes
from training.preprocessing import Preprocessing
from training.tasks import FRACTURE


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides a run besides its data and its first weights.

    Attributes:
        network: name of the backbone.
        size: side of the input, px.
        epochs: rounds through all layers after the probe; 0 leaves the backbone as it was.
        draws: images a round, half of them fractured.
        batch: images a step.
        learning_rate: its peak; it rises for the first tenth and falls as a cosine.
        weight_decay: decoupled, of AdamW.
        dropout: share of the features' channels that is dropped.
        where: weight of the loss that asks where the logit comes from.
        covered: weight of the loss that asks which cells a box covers.
        averaging: momentum of the running average of the weights that is kept as the model.
        seed: of sampling, views and initial weights.
    """

    network: str = "folded_mobilenet_v2"
    size: int = 384
    epochs: int = 10
    draws: int = 2000
    batch: int = 16
    learning_rate: float = 1e-4
    weight_decay: float = 1e-3
    dropout: float = 0.3
    where: float = 0.1
    covered: float = 1.0
    averaging: float = 0.99
    seed: int = 1


class Batches(keras.utils.PyDataset):
    """Balanced batches of fresh views: each round draws as many fractured as other images."""

    def __init__(self, samples: Sequence[Sample], squares: NDArray[np.uint8], recipe: Recipe, stride: int) -> None:
        super().__init__()
        self._samples, self._squares, self._recipe, self._stride = samples, squares, recipe, stride
        self._random = np.random.default_rng(recipe.seed)
        self._augmentation = Augmentation()
        self._coverage = [_coverage_of(sample, recipe.size) for sample in samples]
        self._order = self._drawn()

    def __len__(self) -> int:
        return math.ceil(len(self._order) / self._recipe.batch)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
        chosen = self._order[index * self._recipe.batch : (index + 1) * self._recipe.batch]
        views, cells = [], []
        for number in chosen:
            view, covered = self._augmentation.view(self._squares[number], self._coverage[number], self._random)
            views.append(view)
            cells.append(augmentation.cells(covered, self._stride).reshape(-1))
        target = dataset.labels([self._samples[number] for number in chosen]).reshape(-1, 1)
        covered_cells = np.stack(cells)
        return as_input(np.stack(views)), {"logit": target, "where": covered_cells, "covered": covered_cells}

    def on_epoch_end(self) -> None:
        """Draw the images of the next round."""
        self._order = self._drawn()

    def _drawn(self) -> NDArray[np.int64]:
        """Return the numbers of a round's images: every image as equally often as the balance allows."""
        fractured = dataset.labels(self._samples) == 1
        half = self._recipe.draws // 2
        halves = [_cycled(np.flatnonzero(side), half, self._random) for side in (fractured, ~fractured)]
        return self._random.permutation(np.concatenate(halves))


class Keeper(keras.callbacks.Callback):
    """After each round: the AUROC on the validation side, and the best weights kept in the run's folder."""

    def __init__(self, served: keras.Model, squares: NDArray[np.uint8], labels: NDArray[np.float32], run: Path) -> None:
        super().__init__()
        self._served, self._squares, self._labels, self._run = served, squares, labels, run
        self._started = time.monotonic()
        self.history: list[dict[str, float]] = []

    def record(self, epoch: int, losses: dict[str, float] | None = None) -> None:
        """Measure, save when it is the best so far, and write the history."""
        value = auroc(self._labels, logits(self._served, self._squares))
        best = max((entry["val_auroc"] for entry in self.history), default=0.0)
        minutes = (time.monotonic() - self._started) / 60
        entry = {"epoch": float(epoch), "val_auroc": value, "minutes": round(minutes, 1), **(losses or {})}
        self.history.append(entry)
        if value > best:
            self._served.save(self._run / "model.keras")
        (self._run / "history.json").write_text(json.dumps(self.history, indent=1) + "\n")
        print(" ".join(f"{name} {number:.4g}" for name, number in entry.items()), flush=True)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measure the round that ended."""
        self.record(epoch + 1, {name: float(value) for name, value in (logs or {}).items()})


def fit(data: Dataset, run: Path, recipe: Recipe, *, weights: Path | None, start: Path | None = None) -> None:
    """Fit a classifier and leave the best of its rounds in `run`.

    Args:
        data: train and val sides are used, test is not touched.
        run: folder of the run, made if absent.
        recipe: what decides the course.
        weights: pretrained weights of the network, or None for random ones.
        start: a `model.keras` of an earlier run to go on from, in place of `weights` and the probe.

    Raises:
        DatasetError: a side is empty or lacks a label.
        FileNotFoundError: there are no such weights.
    """
    keras.utils.set_random_seed(recipe.seed)
    sides = {name: data.split(name) for name in ("train", "val")}
    run.mkdir(parents=True, exist_ok=True)
    _describe(run, data, recipe, weights, start)
    preprocessing = Preprocessing(recipe.size)
    squares = {name: dataset.renditions(samples, preprocessing) for name, samples in sides.items()}
    served = _first_model(recipe, weights, start)
    if start is None and weights is not None:
        _probe(served, squares["train"], dataset.labels(sides["train"]))
    keeper = Keeper(served, squares["val"], dataset.labels(sides["val"]), run)
    keeper.record(0)
    if recipe.epochs:
        _through_all_layers(
            served,
            Batches(sides["train"], squares["train"], recipe, _stride(served)),
            recipe,
            keeper,
        )
    centre(run, squares["val"], dataset.labels(sides["val"]))


def centre(run: Path, squares: NDArray[np.uint8], labels: NDArray[np.float32]) -> None:
    """Shift the bias of a run's model to the prevalence of these images: balanced batches moved it away."""
    served = keras.models.load_model(run / "model.keras", compile=False)
    kernel, bias = served.get_layer(classifier.HEAD).get_weights()
    shift = calibrate.centred(labels, logits(served, squares))
    classifier.set_head(served, kernel, float(bias[0]) + shift)
    served.save(run / "model.keras")


def as_input(squares: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (n, size, size, 3) float32 of n renditions, as `Preprocessing.model_input` does for one."""
    scaled = squares.astype(np.float32) / np.float32(127.5) - np.float32(1)
    return np.repeat(scaled[..., np.newaxis], 3, axis=-1)


def logits(served: keras.Model, squares: NDArray[np.uint8], batch: int = 16) -> NDArray[np.float32]:
    """Return the logits (n,) of a classifier on renditions (n, size, size)."""
    parts = [_answers(served, squares[first : first + batch])["logit"] for first in range(0, len(squares), batch)]
    return np.concatenate(parts)[:, 0]


def _answers(served: keras.Model, squares: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    answers: dict[str, NDArray[np.float32]] = served.predict_on_batch(as_input(squares))
    return answers


def _first_model(recipe: Recipe, weights: Path | None, start: Path | None) -> keras.Model:
    """Return the classifier that the run begins with."""
    network = recipes.named(recipe.network)
    served = network.build(recipe.size, FRACTURE, {})
    if start is not None:
        served.set_weights(keras.models.load_model(start, compile=False).get_weights())
    elif weights is not None:
        if network.load_pretrained is None:
            raise ValueError(f"Expected no weights for the network {recipe.network}. Received: {weights}.")
        network.load_pretrained(served, weights)
    return served


def _stride(served: keras.Model) -> int:
    """Return how many pixels of the input a cell of the features is wide."""
    return int(served.input_shape[1] // served.output["features"].shape[1])


def _probe(served: keras.Model, squares: NDArray[np.uint8], labels: NDArray[np.float32]) -> None:
    """Set the head to a linear probe on the pooled features of the images as they are."""
    parts = [_answers(served, squares[first : first + 16])["features"] for first in range(0, len(squares), 16)]
    pooled = np.concatenate([part.mean(axis=(1, 2)) for part in parts])
    kernel, bias = probe.logistic(pooled, labels)
    classifier.set_head(served, kernel, bias)


def _through_all_layers(served: keras.Model, batches: Batches, recipe: Recipe, keeper: Keeper) -> None:
    """Train every weight; what the keeper sees after each round is the running average."""
    steps = recipe.epochs * len(batches)
    rise = max(1, steps // 10)
    rate = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 20, steps - rise, alpha=0.01, warmup_target=recipe.learning_rate, warmup_steps=rise
    )
    optimizer = keras.optimizers.AdamW(
        rate, recipe.weight_decay, global_clipnorm=1.0, use_ema=True, ema_momentum=recipe.averaging
    )
    model = classifier.taught(served, dropout=recipe.dropout)
    model.compile(
        optimizer,
        loss={"logit": _label_loss, "where": _where_loss, "covered": _covered_loss},
        loss_weights={"logit": 1.0, "where": recipe.where, "covered": recipe.covered},
        jit_compile=False,
    )
    averaged = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    model.fit(batches, epochs=recipe.epochs, shuffle=False, verbose=2, callbacks=[averaged, keeper])


def _label_loss(label: Any, logit: Any) -> Any:
    """Binary cross-entropy of the logit, labels smoothed by 0.05."""
    return keras.losses.binary_crossentropy(label, logit, from_logits=True, label_smoothing=0.05)


def _where_loss(covered: Any, contributions: Any) -> Any:
    """Cross-entropy between where the boxes lie and a softmax over the cells' contributions; 0 without a box."""
    total = keras.ops.sum(covered, axis=1, keepdims=True)
    share = covered / keras.ops.maximum(total, 1e-6)
    return -keras.ops.sum(share * keras.ops.log_softmax(contributions, axis=1), axis=1)


def _covered_loss(covered: Any, cell_logits: Any) -> Any:
    """Binary cross-entropy of each cell, covered cells weighing ten times."""
    losses = keras.ops.binary_crossentropy(covered, cell_logits, from_logits=True)
    return keras.ops.mean(losses * (1.0 + 9.0 * covered), axis=1)


def _coverage_of(sample: Sample, size: int) -> NDArray[np.uint8]:
    """Return the map of a sample's boxes in its rendition."""
    if not sample.boxes:
        return np.zeros((size, size), np.uint8)
    content = Preprocessing(size).content_box(*dataset.shape_of(sample.path))
    return augmentation.coverage(size, sample.boxes, content)


def _cycled(numbers: NDArray[np.int64], count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return `count` of the numbers, in shuffled turns so that none comes twice before all came once."""
    turns = [random.permutation(numbers) for _ in range(math.ceil(count / len(numbers)))]
    return np.concatenate(turns)[:count]


def _describe(run: Path, data: Dataset, recipe: Recipe, weights: Path | None, start: Path | None) -> None:
    """Write down what the run was made of."""
    facts = {
        "network": recipe.network,
        "backend": f"Keras {keras.__version__} on {keras.backend.backend()}",
        "dataset_digest": data.digest,
        "first_weights": weights.name if weights and start is None else ("an earlier run" if start else "random"),
        "recipe": asdict(recipe),
    }
    (run / "recipe.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")
