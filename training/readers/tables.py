"""A CSV file with a row for each image: its file, its label, and what else is known.

Responsible for rows and columns; not for what labels mean. Columns go by any of their usual names (`words`): file and
label must be there; group (or patient), split, region, view and sha256 may. Files are relative to the table's folder.
"""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Final

from training import dataset
from training.dataset import DatasetError
from training.predictions import FACTS
from training.readers import words
from training.readers.assembly import Found
from training.tasks import Task

_LABELS: Final = ("label", "class", "target", "diagnosis")


def found_in(path: Path, task: Task, label_column: str | None) -> tuple[list[Found], tuple[str, ...]]:
    """Return the images of a table, and what was left out.

    Args:
        path: of the table.
        task: what is asked; its own column is looked for first.
        label_column: the column with the label; None for one of the usual names.

    Raises:
        DatasetError: a column or a file is missing.
    """
    rows = dataset.rows(path, ())
    columns = tuple(rows[0]) if rows else ()
    file, label = _needed(path, columns, "a file", words.FILES), _label(path, columns, task, label_column)
    split = words.column_of(words.SPLITS, columns)
    group = words.column_of(words.GROUPS, columns)
    taken = [row for row in rows if row[label] and (not split or not row[split] or words.side_of(row[split]))]
    found = [
        _found(path, row, file, row[label], words.side_of(row[split]) if split else "", row[group] if group else "")
        for row in taken
    ]
    left = len(rows) - len(taken)
    return found, (f"Left out: {left} of {len(rows)} rows, without a label or on another side.",) if left else ()


def _found(table: Path, row: dict[str, str], file: str, word: str, side: str | None, group: str) -> Found:
    path = table.parent / row[file]
    if not path.is_file():
        raise DatasetError(f"Expected the file that {table} names. Missing: {path}.")
    facts = {name: row[name] for name in FACTS if row.get(name)}
    return Found(path, PurePath(row[file]), word, side or "", group, (), facts, row.get("sha256") or "")


def _label(path: Path, columns: tuple[str, ...], task: Task, wanted: str | None) -> str:
    if wanted is not None and wanted not in columns:
        raise DatasetError(f"Expected the column {wanted} in {path}. Received: {', '.join(columns)}.")
    return wanted or _needed(path, columns, f"a label of {task.name}", (task.column, *_LABELS))


def _needed(path: Path, columns: tuple[str, ...], what: str, names: tuple[str, ...]) -> str:
    """Return the column of one of some names."""
    column = words.column_of(names, columns)
    if column is None:
        received = ", ".join(columns) or "no rows"
        raise DatasetError(f"Expected a column with {what} ({', '.join(names)}) in {path}. Received: {received}.")
    return column
