"""Writes what became of every file of one upload as CSV or JSON, for its sender, a line at a time."""

from __future__ import annotations

import csv
import json
import uuid
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from bonefrac.errors import NotFound
from studies.intake import batches
from studies.intake.listing import FileRow

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

COLUMNS: Final = (
    "position", "name", "bytes", "kind", "status", "code", "sentence", "study", "received_at", "judged_at", "id",
)  # fmt: skip
#: A cell that begins so is a formula to a spreadsheet; names of files are chosen by anybody.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """A file that hands back what is written to it, so that a writer can stream."""

    def write(self, value: str) -> str:
        return value


def written(user: User, batch: uuid.UUID, *, file_format: str) -> tuple[Iterator[str], str]:
    """Return the lines of the list and its media type.

    Raises:
        NotFound: The person handed in no such upload, or there is no such format.
    """
    batches.summary(user, batch)
    rows = batches.all_rows(user, batch)
    match file_format:
        case "csv":
            return _csv(rows), "text/csv; charset=utf-8"
        case "json":
            return _json(rows), "application/json"
    raise NotFound


def _csv(rows: Iterable[FileRow]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for row in rows:
        told = _told(row)
        yield writer.writerow([_cell(told[column]) for column in COLUMNS])


def _json(rows: Iterable[FileRow]) -> Iterator[str]:
    yield "["
    for number, row in enumerate(rows):
        yield (",\n" if number else "\n") + json.dumps(_told(row), ensure_ascii=False)
    yield "\n]\n"


def _told(row: FileRow) -> dict[str, str | int]:
    file = row.file
    return {
        "position": file.position,
        "name": row.name,
        "bytes": file.size_bytes,
        "kind": file.kind,
        "status": file.status,
        "code": file.code,
        "sentence": file.sentence,
        "study": str(row.study.pk) if row.study else "",
        "received_at": file.received_at.isoformat(),
        "judged_at": file.judged_at.isoformat() if file.judged_at else "",
        "id": str(file.pk),
    }


def _cell(value: str | int) -> str | int:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
