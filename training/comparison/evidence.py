"""What may be held for or against a model: its answers about images that it had not learnt from.

Responsible for which images count, and for pairing two models' answers about the same images; not for statistics. A
prediction counts where it was made out of its fold, or on a test image whose group the model has not met. An image that
a model chose anything by (`val`) does not count: its figures flatter.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training import calibrate
from training.calibrate import OperatingPoints
from training.predictions import Row
from training.seen import Seen


@dataclass(frozen=True, slots=True)
class Witness:
    """What a model said of labelled images, and how its logits are read.

    Attributes:
        name: as people say it, for the report.
        rows: what it said.
        seen: what it learnt from; empty where that is not known.
        classes: in the order of its logits.
        temperature: of its probabilities.
        points: its operating points; None with more than two classes.
    """

    name: str
    rows: Sequence[Row]
    seen: Sequence[Seen]
    classes: tuple[str, ...]
    temperature: float
    points: OperatingPoints | None

    @property
    def _outputs(self) -> int:
        return 1 if len(self.classes) == 2 else len(self.classes)

    def probabilities(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        """Return the calibrated probability of each class, (rows, classes)."""
        logits = np.array([row.logits for row in rows], np.float64).reshape(len(rows), self._outputs)
        return calibrate.class_probabilities(logits, self.temperature)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The images on which models are judged.

    Attributes:
        classes: how many there are.
        labels: (n,) number of the class that people gave.
        groups: n names; images of one name are no independent evidence.
        rows: n, of the first model; what they say of the images themselves holds for all.
        said: for each model the probabilities (n, classes).
        out_of_fold: how many images a model of another fold answered, for either model.
        items: SHA-256 over the images' names.
        excluded: images that were left out, by reason.
        stamps: what is not known.
    """

    classes: int
    labels: NDArray[np.int64]
    groups: tuple[str, ...]
    rows: tuple[Row, ...]
    said: tuple[NDArray[np.float64], ...]
    out_of_fold: int
    items: str
    excluded: Mapping[str, int]
    stamps: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many images there are."""
        return len(self.labels)

    @property
    def is_binary(self) -> bool:
        """Whether a fracture is sought, rather than one of many classes."""
        return self.classes == 2


def gathered(*models: Witness) -> Evidence:
    """Return the images about which every model answered without having learnt from them, with their answers.

    Raises:
        ValueError: the models do not know the same classes.
    """
    if len({model.classes for model in models}) != 1:
        known = " and ".join(", ".join(model.classes) for model in models)
        raise ValueError(f"Expected models of the same classes. Received: {known}.")
    excluded: Counter[str] = Counter()
    tables = [_admitted(model, excluded) for model in models]
    common = sorted(set.intersection(*(set(table) for table in tables)))
    for model, table in zip(models, tables, strict=True):
        if len(models) > 1 and len(table) > len(common):
            excluded[f"answered by {model.name} alone"] = len(table) - len(common)
    agreed = [item for item in common if len({table[item].label for table in tables}) == 1]
    excluded["labelled otherwise for the other model"] = len(common) - len(agreed)
    columns = [[table[item] for item in agreed] for table in tables]
    return Evidence(
        classes=len(models[0].classes),
        labels=np.array([models[0].classes.index(row.label) for row in columns[0]], np.int64),
        groups=tuple(_joined([[row.group for row in rows] for rows in columns])),
        rows=tuple(columns[0]),
        said=tuple(model.probabilities(rows) for model, rows in zip(models, columns, strict=True)),
        out_of_fold=sum(any(row.role == "oof" for row in rows) for rows in zip(*columns, strict=True)),
        items=digest(agreed),
        excluded={reason: number for reason, number in excluded.items() if number},
        stamps=tuple(f"What {model.name} learnt from is not known." for model in models if not model.seen),
    )


def digest(items: Iterable[str]) -> str:
    """Return one name for a set of images: SHA-256 (hex) of their sorted names."""
    return hashlib.sha256("\n".join(sorted(items)).encode()).hexdigest()


def _admitted(model: Witness, excluded: Counter[str]) -> dict[str, Row]:
    """Return the rows that count, by image; count the others by reason."""
    items = {row.item for row in model.seen}
    groups = {row.group for row in model.seen}
    table: dict[str, Row] = {}
    for row in model.rows:
        reason = _objection(row, items, groups)
        if reason:
            excluded[f"{reason} {model.name}"] += 1
        elif row.item in table:
            excluded[f"named twice by {model.name}"] += 1
        else:
            table[row.item] = row
    return table


def _objection(row: Row, items: set[str], groups: set[str]) -> str:
    """Return why a row does not count, or "" where it does."""
    if row.role == "val":
        return "chosen on by"
    if row.role == "oof":
        # Its own fold had not met its group; the model that serves has, and is judged by its folds.
        return "" if row.fold is not None else "of no fold of"
    return "learnt from, or of a group learnt from, by" if row.item in items or row.group in groups else ""


def _joined(columns: Sequence[Sequence[str]]) -> list[str]:
    """Return one group for each image: images that any model's data put together stay together."""
    leader: dict[tuple[int, str], tuple[int, str]] = {}

    def find(key: tuple[int, str]) -> tuple[int, str]:
        while leader.setdefault(key, key) != key:
            leader[key] = leader[leader[key]]
            key = leader[key]
        return key

    for names in zip(*columns, strict=True):
        first = find((0, names[0]))
        for number, name in enumerate(names):
            leader[find((number, name))] = first
    return [":".join(map(str, find((0, name)))) for name in columns[0]]
