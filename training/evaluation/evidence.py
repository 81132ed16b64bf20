"""The sides on which a run is measured: out of fold or val, and test, with rows, hits and pictures of each.

Responsible for which model answers which image, so that no image is answered by a model that had learnt from it, and
for the count of those that were all the same; not for figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from training.dataset import Dataset, DatasetError, Sample, grey_levels, item_of, shape_of
from training.evaluation import ledger, measurement, pointing
from training.evaluation.measurement import Measured, Picture, Served
from training.evaluation.pointing import Game, Point, Target
from training.evaluation.runs import Run
from training.predictions import Role, Row
from training.seen import Seen

#: From a row and what draws the map to the picture; None where the image or the model is not at hand.
Look = Callable[[Row, str], Picture | None]
#: A fold's converted model must answer what the fold answered while it was fitted.
_AGREEMENT: Final = 0.01


@dataclass(frozen=True, slots=True)
class Side:
    """What a run said of one side.

    Attributes:
        role: out of fold, val or test.
        rows: one an image, `pointed` left open.
        game: the pointing game on its images with boxes, None where there are none.
        boxed: items of those images, in the order of the game.
        learnt_from: how many of its images or groups the answering model had learnt from; None where that is not known.
        look: gives its pictures.
    """

    role: Role
    rows: tuple[Row, ...]
    game: Game | None
    boxed: tuple[str, ...]
    learnt_from: int | None
    look: Look

    def pointed(self, drawn: str) -> tuple[Row, ...]:
        """Return the rows, saying of each image with boxes whether the map that is drawn hits one."""
        if self.game is None or drawn not in self.game.hits:
            return self.rows
        hits = dict(zip(self.boxed, self.game.hits[drawn] > 0, strict=True))
        return tuple(replace(row, pointed=bool(hits[row.item])) if row.item in hits else row for row in self.rows)


def sides(run: Run, served: Served, data: Dataset, *, with_test: bool) -> list[Side]:
    """Return the sides of a run: the one that temperature and operating points are fitted on first.

    A look at the test side is written down in the run's folder before it is taken.

    Raises:
        DatasetError: a side is empty or lacks a class, or the data asks another question than the run.
        ValueError: a fold's model does not answer what the fold's table says.
    """
    if data.task != run.task:
        raise DatasetError(f"Expected data of the task {run.task.name} of {run.path}. Received: {data.task.name}.")
    if run.oof:
        taught = tuple(sample for sample in data.samples if sample.split in ("train", "val"))
        found = [_out_of_fold(run, taught)]
    else:
        taught = data.split("train")
        found = [_answered(run, served, data.split("val"), taught, "val")]
    if with_test:
        test = data.split("test")
        ledger.add(run.path, [item_of(sample.path) for sample in test])
        found.append(_answered(run, served, test, taught, "test"))
    return found


def _answered(run: Run, served: Served, samples: Sequence[Sample], taught: Sequence[Sample], role: Role) -> Side:
    """Return a side that the run's own model answers."""
    said = measurement.measured(served, samples, role)
    is_verdict = run.task.outputs == 1  # a box says where a fracture is, not what another question is answered by
    boxed = [entry for entry in said if entry.target is not None and is_verdict]
    constant = pointing.best_constant([_target(served, sample) for sample in taught if sample.boxes and is_verdict])
    by_item = {entry.row.item: sample for entry, sample in zip(said, samples, strict=True)}
    return Side(
        role=role,
        rows=tuple(entry.row for entry in said),
        game=_game(boxed, [constant] * len(boxed)),
        boxed=tuple(entry.row.item for entry in boxed),
        learnt_from=_learnt_from(run.seen, said, role),
        look=lambda row, drawn: measurement.picture(served, by_item[row.item], drawn),
    )


def _out_of_fold(run: Run, samples: Sequence[Sample]) -> Side:
    """Return the side that the folds' models answered while they were fitted; maps are asked of them again."""
    by_item = {item_of(sample.path): sample for sample in samples}
    boxed: list[Measured] = []
    constants: list[Point] = []
    folds = sorted({row.fold for row in run.oof if row.fold is not None})
    models: dict[int, Served] = {}
    for number in folds:
        rows = [row for row in run.oof if row.fold == number and row.item in by_item and by_item[row.item].boxes]
        if not rows or run.task.outputs != 1:
            continue
        models[number] = _fold_model(run, number)
        said = measurement.measured(models[number], [by_item[row.item] for row in rows], "oof", number)
        _require_agreement(run, number, rows, said)
        others = [by_item[row.item] for row in run.oof if row.fold != number and row.item in by_item]
        others = [sample for sample in others if sample.boxes]
        constants += [pointing.best_constant([_target(models[number], sample) for sample in others])] * len(rows)
        boxed += said
    return Side(
        role="oof",
        rows=tuple(_with_facts(row, by_item.get(row.item)) for row in run.oof),
        game=_game(boxed, constants),
        boxed=tuple(entry.row.item for entry in boxed),
        learnt_from=None,
        look=lambda row, drawn: _look_of_fold(run, models, by_item.get(row.item), row, drawn),
    )


def _fold_model(run: Run, number: int) -> Served:
    """Return the converted model of a fold; it is converted where that was not done yet (TensorFlow)."""
    folder = run.fold(number)
    if not all((folder / name).is_file() for name in ("model.tflite", "head.npz")):
        from training import convert

        convert.convert(folder)
    return Served.of(folder, run.preprocessing)


def _require_agreement(run: Run, number: int, rows: Sequence[Row], said: Sequence[Measured]) -> None:
    """Refuse a fold whose model is not the one that answered, but for the one shift that centred the run's logits."""
    off = np.array([row.logits[0] - entry.row.logits[0] for row, entry in zip(rows, said, strict=True)])
    spread = float(np.abs(off - np.median(off)).max())
    if spread > _AGREEMENT:
        raise ValueError(
            f"Expected the model in {run.fold(number)} to answer what the table says, within {_AGREEMENT}. "
            f"Received: logits that differ by {spread:.3g}."
        )


def _look_of_fold(
    run: Run, models: Mapping[int, Served], sample: Sample | None, row: Row, drawn: str
) -> Picture | None:
    """Return the picture of an out-of-fold image, with its map where the fold's model is at hand."""
    if sample is None:
        return None
    served = None if row.fold is None else models.get(row.fold)
    if served is None:
        return Picture(run.preprocessing.rendition(grey_levels(sample.path)), None)
    return measurement.picture(served, sample, drawn)


def _with_facts(row: Row, sample: Sample | None) -> Row:
    """Return a row with the facts of its sample where it has none."""
    if row.facts or sample is None:
        return row
    return replace(row, facts=measurement.row_of(sample, row.role, row.logits).facts)


def _target(served: Served, sample: Sample) -> Target:
    """Return the boxes of a sample with the room of a cell of this model's features."""
    content = served.preprocessing.content_box(*shape_of(sample.path))
    return Target(sample.boxes, pointing.room(served.cells, content))


def _game(boxed: Sequence[Measured], constants: Sequence[Point]) -> Game | None:
    """Return who hit what."""
    if not boxed:
        return None
    points = [entry.points | {"constant": point} for entry, point in zip(boxed, constants, strict=True)]
    rivals = [name for name in pointing.RIVALS if all(name in found for found in points)]
    targets = [entry.target for entry in boxed if entry.target is not None]
    hits = {
        name: np.array([float(target.is_hit(found[name])) for target, found in zip(targets, points, strict=True)])
        for name in rivals
    }
    return Game(tuple(entry.row.group for entry in boxed), hits)


def _learnt_from(table: Sequence[Seen], said: Sequence[Measured], role: Role) -> int | None:
    """Return how many images the model had learnt from, they or another image of their group; None for unknown."""
    if not table:
        return None
    known = [entry for entry in table if role == "test" or entry.role == "train"]
    items, groups = {entry.item for entry in known}, {entry.group for entry in known}
    return sum(entry.row.item in items or entry.row.group in groups for entry in said)
