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
)  # fmt: skip


class _Echo:
    """A file that hands back what is written to it, so that a writer can stream."""

    def write(self, value: str) -> str:
        return value


def lines(rows: Iterable[DatasetRow]) -> Iterator[str]:
    """Yield the file line by line, its head first; an unknown value is an empty cell, boxes are JSON."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for row in rows:
        yield writer.writerow([_cell(row, column) for column in COLUMNS])


def _cell(row: DatasetRow, column: str) -> Any:
    if column == "boxes":
        return json.dumps([asdict(box) for box in row.boxes], separators=(",", ":"))
    if column == "ai_probability":
        return "" if row.ai_probability is None else f"{row.ai_probability:.6f}"
    value = getattr(row, column)
    return "" if value is None else value
