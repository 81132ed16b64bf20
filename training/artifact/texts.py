"""Reads the texts of an artifact that may come from anybody: bounded, UTF-8, JSON that every database takes.

Responsible for the form of the texts; not for their meaning.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Final, NoReturn

from training.artifact.errors import ArtifactError

#: Bytes of config.json, scope.json and card.md; of report.json; of a table.
SMALL: Final = 1_000_000
LARGE: Final = 50_000_000


def text(path: Path, most: int = SMALL) -> str:
    """Return the text of a file.

    Raises:
        ArtifactError: it is too large, not UTF-8, or holds a NUL.
    """
    size = path.stat().st_size
    if size > most:
        raise ArtifactError(f"{path}: expected at most {most} bytes. Received: {size}.")
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ArtifactError(f"{path}: expected UTF-8. Received: {error}.") from error
    if "\0" in content:
        raise ArtifactError(f"{path}: expected text. Received: a NUL.")
    return content


def json_object(path: Path, most: int = SMALL) -> dict[str, Any]:
    """Return the object in a JSON file: no NaN, no infinity, no NUL in a string, not nested without end.

    Raises:
        ArtifactError: it is something else.
    """
    content = text(path, most)
    if "\\u0000" in content:
        raise ArtifactError(f"{path}: expected text in JSON. Received: a NUL.")
    try:
        data = json.loads(content, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path}: expected JSON. Received: {error}.") from error
    if not isinstance(data, dict):
        raise ArtifactError(f"{path}: expected a JSON object. Received: {type(data).__name__}.")
    return data


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word}, which is no number in JSON")


def _finite(word: str) -> float:
    value = float(word)
    if not math.isfinite(value):
        raise ValueError(f"{word}, which is too large a number")
    return value
