"""Which images a round shows, in which order and view, and what they are to teach.

Responsible for balance and for randomness that depends on seed, phase and round alone, so that a run that was killed
goes on with the very batches that it would have had; not for where inputs come from or for losses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from training import augmentation
from training.augmentation import Augmentation
from training.config import Config
from training.fitting.frozen import Kept
from training.fitting.pictures import Pictures

Drawn = tuple[NDArray[np.float32], NDArray[np.float32]]


class Source(Protocol):
    """Where inputs of the trained part come from."""

    def draw(self, images: NDArray[np.int64], key: tuple[int, ...]) -> Drawn:
        """Return the inputs (images, ...) of a view of each, and the covered share of each cell of their maps.

        The views depend on the key alone, whatever was drawn before.
        """

    def plain(self, images: Sequence[int]) -> NDArray[np.float32]:
        """Return the inputs of images as they are, (images, ...)."""


class Fresh:
    """Every view is drawn anew: nothing is frozen."""

    def __init__(self, pictures: Pictures, varied: Augmentation | None, map_side: int) -> None:
        self._pictures, self._varied, self._map_side = pictures, varied, map_side

    def draw(self, images: NDArray[np.int64], key: tuple[int, ...]) -> Drawn:
        """Return new views."""
        views = [
            self._pictures.view(int(image), self._varied, np.random.default_rng((*key, place)), self._map_side)
            for place, image in enumerate(images)
        ]
        return augmentation.as_input(np.stack([square for square, _ in views])), np.stack([cells for _, cells in views])

    def plain(self, images: Sequence[int]) -> NDArray[np.float32]:
        """Return the renditions as inputs."""
        return augmentation.as_input(self._pictures.squares[list(images)])


class FromKept:
    """Views are rows that the frozen part has answered before."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def draw(self, images: NDArray[np.int64], key: tuple[int, ...]) -> Drawn:
        """Return kept views."""
        picks = np.random.default_rng(key).random(len(images))  # one generator a batch: making one costs 20 µs
        views = [self._kept.views[image] for image in images]
        rows = np.array([each[int(pick * len(each))] for each, pick in zip(views, picks, strict=True)])
        return self._kept.rows[rows].astype(np.float32), self._kept.covered[rows].astype(np.float32) / np.float32(255)

    def plain(self, images: Sequence[int]) -> NDArray[np.float32]:
        """Return the rows of images as they are."""
        return self._kept.rows[self._kept.plain[list(images)]].astype(np.float32)


class Batches(keras.utils.PyDataset):
    """The batches of one round.

    Args:
        source: of inputs.
        images: numbers of the images that teach.
        targets: (all images,) the class of each.
        config: of the run.
        key: numbers that name this round, part of every seed.
    """

    def __init__(
        self, source: Source, images: Sequence[int], targets: NDArray[np.int64], config: Config, key: tuple[int, ...]
    ) -> None:
        super().__init__()
        self._source, self._targets, self._config = source, targets, config
        self._key = (config.seed, *key)
        self._order = order(np.asarray(images), targets, config, np.random.default_rng(self._key))
        self._weights = class_weights(targets[np.asarray(images)], config)

    def __len__(self) -> int:
        return math.ceil(len(self._order) / self._config.batch)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], dict[str, Any], dict[str, Any]]:
        start = index * self._config.batch
        chosen = self._order[start : start + self._config.batch]
        inputs, covered = self._source.draw(chosen, (*self._key, start))
        known = self._targets[chosen]
        asked = {"logit": as_targets(known, self._config.question.outputs)}
        weights = {"logit": self._weights[known]}
        if self._config.covered or self._config.pointed:
            asked["map"] = covered
            weights["map"] = np.ones(len(chosen), np.float32)
        return inputs, asked, weights


def order(
    images: NDArray[np.int64], targets: NDArray[np.int64], config: Config, random: np.random.Generator
) -> NDArray[np.int64]:
    """Return the numbers of a round's images: all of them once, or equally many of each class."""
    if config.draws is None:
        return random.permutation(images)
    classes = np.unique(targets[images])
    each = config.draws // len(classes)
    return random.permutation(
        np.concatenate([_cycled(images[targets[images] == one], each, random) for one in classes])
    )


def class_weights(known: NDArray[np.int64], config: Config) -> NDArray[np.float32]:
    """Return the weight of each class in the loss: all 1, or the same total for each class that is there."""
    outputs = len(config.question.classes)
    if config.balance != "class_weights":
        return np.ones(outputs, np.float32)
    counts = np.bincount(known, minlength=outputs)
    present = counts > 0
    weights = np.ones(outputs, np.float32)
    weights[present] = len(known) / (present.sum() * counts[present])
    return weights


def as_targets(known: NDArray[np.int64], outputs: int) -> NDArray[np.float32]:
    """Return (n, 1) of 0 and 1 for one logit, else (n, outputs) with a single 1 each."""
    if outputs == 1:
        return known.astype(np.float32)[:, np.newaxis]
    return np.eye(outputs, dtype=np.float32)[known]


def _cycled(numbers: NDArray[np.int64], count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return `count` of the numbers, in shuffled turns so that none comes twice before all came once."""
    turns = [random.permutation(numbers) for _ in range(math.ceil(count / len(numbers)))]
    return np.concatenate(turns)[:count]
