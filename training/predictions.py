"""What a model said of labelled images it had not learnt from: one row an image, kept with the model.

Responsible for the table and its file `predictions.csv`; not for making predictions or for figures of them. Images
are named by the SHA-256 of their file and groups by a digest, so that the table tells nobody whose they are, and two
models can be compared on the same images.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

#: How an image was kept from the model: out of its fold, chosen on (`val`), or never used (`test`).
Role = Literal["oof", "val", "test"]
#: What is known without pixels and is kept for strata.
FACTS: Final = ("region", "hardware", "multiscan", "frontal", "lateral", "oblique", "orig_width", "orig_height")
_COLUMNS: Final = ("item", "group", "label", "role", "fold", "logits", "pointed", *FACTS)


@dataclass(frozen=True, slots=True)
class Row:
    """One image.

    Attributes:
        item: SHA-256 (hex) of the image's file.
        group: digest of the group's name, see `group_digest`.
        label: one of the task's classes.
        role: how it was kept from the model that answered.
        fold: number of the fold whose model answered; None outside of folds.
        logits: one for each output of the task, before the temperature.
        pointed: whether the map's strongest cell lies in a box; None where there is no box or no map.
        facts: those of `FACTS` that are known.
    """

    item: str
    group: str
    label: str
    role: Role
    fold: int | None
    logits: tuple[float, ...]
    pointed: bool | None = None
    facts: dict[str, str] = field(default_factory=dict)


def group_digest(group: str) -> str:
    """Return the first 16 hex digits of the SHA-256 of a group's name."""
    return hashlib.sha256(group.encode()).hexdigest()[:16]


def encoded(rows: Sequence[Row]) -> bytes:
    """Return the table as CSV, in UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for row in rows:
        fold = "" if row.fold is None else row.fold
        pointed = "" if row.pointed is None else int(row.pointed)
        logits = " ".join(f"{logit:.6g}" for logit in row.logits)
        facts = [row.facts.get(name, "") for name in FACTS]
        writer.writerow([row.item, row.group, row.label, row.role, fold, logits, pointed, *facts])
    return buffer.getvalue().encode()


def decoded(data: bytes) -> tuple[Row, ...]:
    """Return the rows of a table.

    Raises:
        ValueError: a column is missing, or a cell cannot be read.
    """
    reader = csv.DictReader(io.StringIO(data.decode()), restval="")
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        raise ValueError(f"Expected the columns {', '.join(_COLUMNS)}. Received: {', '.join(reader.fieldnames or ())}.")
    return tuple(_row(cells) for cells in reader)


def _row(cells: dict[str, str]) -> Row:
    if cells["role"] not in get_args(Role):
        raise ValueError(f"Expected a role of {', '.join(get_args(Role))}. Received: {cells['role']!r}.")
    return Row(
        item=cells["item"],
        group=cells["group"],
        label=cells["label"],
        role=cells["role"],  # type: ignore[arg-type]
        fold=int(cells["fold"]) if cells["fold"] else None,
        logits=tuple(float(logit) for logit in cells["logits"].split()),
        pointed=bool(int(cells["pointed"])) if cells["pointed"] else None,
        facts={name: cells[name] for name in FACTS if cells[name]},
    )
