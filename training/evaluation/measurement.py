"""What the served file says of images on disk: rows for the tables, points for the game, descriptions for the scope.

Responsible for running a converted model over samples, one rendition at a time as serving does; not for figures of
what it said. A model is measured as it is served, by LiteRT.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from training import dataset, synthetic
from training.dataset import Sample
from training.evaluation import pointing
from training.evaluation.pointing import Point, Target
from training.explanation import Head, activation_map
from training.likeness import description
from training.litert import Answer, LiteModel
from training.predictions import FACTS, Role, Row, group_digest
from training.preprocessing import Preprocessing
from training.synthetic import Part

#: First seed of the drawings that a learned scope knows; golden cases and demos have other ones.
_DRAWN: Final = 500_000


@dataclass(frozen=True, slots=True)
class Served:
    """A converted run: its LiteRT model, its head and how a picture becomes its input."""

    model: LiteModel
    head: Head
    preprocessing: Preprocessing

    @classmethod
    def of(cls, run: Path, preprocessing: Preprocessing) -> Self:
        """Return the model in a run's folder.

        Raises:
            FileNotFoundError: the run is not converted.
        """
        missing = [name for name in ("model.tflite", "head.npz") if not (run / name).is_file()]
        if missing:
            raise FileNotFoundError(f"Expected a converted run in {run}. Missing: {', '.join(missing)}.")
        with np.load(run / "head.npz", allow_pickle=False) as stored:
            return cls(LiteModel(run / "model.tflite"), Head.load(dict(stored)), preprocessing)

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of the features."""
        return self.model.cells


@dataclass(frozen=True, slots=True)
class Measured:
    """What a model said of one image.

    Attributes:
        row: of the table of predictions; `pointed` is left open until it is decided what draws the map.
        target: what there is to point at, None where the image has no box.
        points: where each rival of the pointing game that takes part points.
    """

    row: Row
    target: Target | None
    points: dict[str, Point]


@dataclass(frozen=True, slots=True)
class Picture:
    """One image as it is shown: what the model read, and the map that is drawn over it (None for none)."""

    square: NDArray[np.uint8]
    map: NDArray[np.float32] | None


def measured(served: Served, samples: Sequence[Sample], role: Role, fold: int | None = None) -> list[Measured]:
    """Return what the served file says of samples."""
    return [_measured(served, sample, role, fold) for sample in _shown(samples, role)]


def descriptions(served: Served, samples: Sequence[Sample]) -> NDArray[np.float32]:
    """Return (n, columns): what each image looks like, see `training.likeness.description`."""
    greys = (dataset.grey_levels(sample.path) for sample in _shown(samples, "learnt from"))
    return np.stack([_description(served, grey) for grey in greys])


def descriptions_of_drawings(served: Served, parts: Sequence[Part], count: int) -> NDArray[np.float32]:
    """Return (count, columns): what drawn radiographs of these parts in turn look like."""
    drawn = (
        synthetic.radiograph(_DRAWN + number, fractured=number % 2 == 0, part=parts[number % len(parts)])
        for number in range(count)
    )
    return np.stack([_description(served, one.pixels) for one in drawn])


def _description(served: Served, grey: NDArray[Any]) -> NDArray[np.float32]:
    square = served.preprocessing.rendition(grey)
    return description(served.model(served.preprocessing.model_input(square)).features, square)


def picture(served: Served, sample: Sample, drawn: str) -> Picture:
    """Return an image with its map.

    Args:
        served: the model.
        sample: the image.
        drawn: `map` the network's own, `activation` the closed form, empty for none.
    """
    square = served.preprocessing.rendition(dataset.grey_levels(sample.path))
    return picture_of(served, square, drawn)[0]


def picture_of(served: Served, square: NDArray[np.uint8], drawn: str) -> tuple[Picture, NDArray[np.float32]]:
    """Return a rendition with its map, see `picture`, and its logits."""
    answer = served.model(served.preprocessing.model_input(square))
    return Picture(square, _maps(served, answer.features, answer.map).get(drawn)), answer.logits


def row_of(sample: Sample, role: Role, logits: Sequence[float], fold: int | None = None) -> Row:
    """Return the row of a sample and what was said of it, as exactly as the table keeps it.

    Figures and points that are fitted on rows then hold for whoever reads the table.
    """
    facts = {name: sample.facts[name] for name in FACTS if sample.facts.get(name)}
    said = tuple(float(f"{logit:.6g}") for logit in logits)
    return Row(dataset.item_of(sample.path), group_digest(sample.group), sample.label, role, fold, said, None, facts)


def _measured(served: Served, sample: Sample, role: Role, fold: int | None) -> Measured:
    grey = dataset.grey_levels(sample.path)
    logits, features, own = _answer(served, grey)
    row = row_of(sample, role, logits.tolist(), fold)
    if not sample.boxes:
        return Measured(row, None, {})
    content = served.preprocessing.content_box(*grey.shape)
    target = Target(sample.boxes, pointing.room(served.cells, content))
    maps = _maps(served, features, own)
    points = {name: pointing.strongest(cells, content) for name, cells in maps.items()}
    return Measured(row, target, {**points, "centre_prior": pointing.CENTRE})


def _answer(served: Served, grey: NDArray[np.uint8] | NDArray[np.uint16]) -> Answer:
    return served.model(served.preprocessing.model_input(served.preprocessing.rendition(grey)))


def _maps(
    served: Served, features: NDArray[np.float32], own: NDArray[np.float32] | None
) -> dict[str, NDArray[np.float32]]:
    """Return the maps that this model has, by rival; a network of many classes explains none of them here."""
    maps = {} if own is None else {"map": own}
    if served.head.outputs == 1:
        maps["activation"] = activation_map(features, served.head)
    return maps


def _shown(samples: Sequence[Sample], what: str) -> Iterator[Sample]:
    """Go through samples, with the time left on a terminal."""
    started, is_terminal = time.monotonic(), sys.stderr.isatty()
    for number, sample in enumerate(samples):
        yield sample
        if is_terminal and (number + 1) % 20 == 0:
            left = (time.monotonic() - started) / (number + 1) * (len(samples) - number - 1)
            print(f"\r{what}: {number + 1} of {len(samples)}, {left:.0f} s left ", end="", file=sys.stderr, flush=True)
    if is_terminal:
        print(file=sys.stderr)
