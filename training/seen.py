"""Which images a model has learnt from: one row an image, kept with the model.

Responsible for the table and its file `seen.csv`; not for splits. Images and groups are named by digests as in
`training.predictions`, so that a gate can prove that two models are compared on images that neither has learnt from.
An empty table means that nobody knows what the model has learnt from.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, get_args

#: What an image was used for: to fit weights, to choose anything by, or to fit temperature and operating points.
SeenRole = Literal["train", "tune", "calibrate"]
_COLUMNS: Final = ("item", "group", "role")


class Seen(NamedTuple):
    """One image: SHA-256 (hex) of its file, digest of its group (`predictions.group_digest`), what it was used for."""

    item: str
    group: str
    role: SeenRole


def encoded(rows: Iterable[Seen]) -> bytes:
    """Return the table as CSV, in UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows(rows)
    return buffer.getvalue().encode()


def decoded(data: bytes) -> tuple[Seen, ...]:
    """Return the rows of a table.

    Raises:
        ValueError: a column is missing, or a role is unknown.
    """
    reader = csv.DictReader(io.StringIO(data.decode()), restval="")
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        raise ValueError(f"Expected the columns {', '.join(_COLUMNS)}. Received: {', '.join(reader.fieldnames or ())}.")
    return tuple(_row(cells) for cells in reader)


def _row(cells: dict[str, str]) -> Seen:
    role = cells["role"]
    if role not in get_args(SeenRole):
        raise ValueError(f"Expected a role of {', '.join(get_args(SeenRole))}. Received: {role!r}.")
    return Seen(cells["item"], cells["group"], role)  # type: ignore[arg-type]
