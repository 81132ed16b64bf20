"""Writes a dataset as CSV: one line per image."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from studies.datasets.rows import DatasetRow

COLUMNS = (
    "study", "image", "study_verdict", "image_label", "side", "boxes", "ai_state", "ai_probability", "model_version",
    "agreement", "phase", "reader_key", "review_state", "group", "split",
    "file_name", "rows", "columns", "confidence", "body_part", "view", "age_months", "sex", "radiograph",
    "points", "unlocated", "bones", "types", "other_findings", "has_cast_or_hardware", "agreed_with_model",
)  # fmt: skip


class _Echo:
    """A file that hands back what is written to it, so that a writer can stream."""

    def write(self, value: str) -> str:
        return value


def lines(rows: Iterable[DatasetRow]) -> Iterator[str]:
    """Yield the file line by line, its head first; the unknown is an empty cell, lists are JSON, yes and no 1 and 0.

    ``boxes`` and ``points`` lie on the image; ``unlocated`` are fractures that its reader named and did not draw.
    """
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow([_cell(row, column) for column in COLUMNS])


def _cell(row: DatasetRow, column: str) -> Any:
    if column in {"boxes", "points", "unlocated"}:
        return json.dumps([asdict(found) for found in getattr(row, column)], separators=(",", ":"))
    if column == "ai_probability":
        return "" if row.ai_probability is None else f"{row.ai_probability:.6f}"
    value = getattr(row, column)
    if isinstance(value, tuple):
        return json.dumps(value, separators=(",", ":"))
    if isinstance(value, bool):
        return int(value)
    return "" if value is None else value
