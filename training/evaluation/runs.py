"""The folder of a run as evaluation reads it: what it was made of, what its folds answered, what it has seen.

Responsible for reading and for refusing a folder that is not fitted and converted; not for writing one
(`training.fitting`, `training.convert`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from training import predictions, seen, tasks
from training.predictions import Row
from training.preprocessing import Preprocessing
from training.seen import Seen
from training.tasks import Task

_NEEDED: Final = ("config.json", "history.json", "model.keras", "model.tflite", "head.npz", "golden.npz")
#: What `fit` says of the leak of the data that it was given.
_UNCHECKED: Final[Mapping[str, Any]] = {"status": "unchecked", "pairs": 0, "allowed": False}


@dataclass(frozen=True, slots=True)
class Run:
    """A fitted and converted run.

    Attributes:
        path: its folder.
        config: all of config.json.
        history: all of history.json.
        task: what was asked.
        preprocessing: from grey levels to the input.
        oof: out-of-fold answers; empty for a run without folds.
        seen: what it learnt from; empty where the folder does not say.
    """

    path: Path
    config: Mapping[str, Any]
    history: list[dict[str, Any]]
    task: Task
    preprocessing: Preprocessing
    oof: tuple[Row, ...]
    seen: tuple[Seen, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the run in a folder.

        Raises:
            FileNotFoundError: it is not fitted and converted.
            ValueError: a file cannot be read.
        """
        missing = [name for name in _NEEDED if not (path / name).is_file()]
        if missing:
            raise FileNotFoundError(f"Expected a fitted and converted run in {path}. Missing: {', '.join(missing)}.")
        config, history = _json(path / "config.json"), _json(path / "history.json")
        absent = [name for name in ("recipe", "task", "data") if name not in config]
        if absent:
            raise ValueError(f"Expected {path / 'config.json'} as `fit` writes it. Missing: {', '.join(absent)}.")
        return cls(
            path=path,
            config=config,
            history=history,
            task=tasks.named(config["task"]),
            preprocessing=Preprocessing(int(config["recipe"]["size"])),
            oof=_rows(path / "predictions.csv"),
            seen=_seen(path / "seen.csv"),
        )

    @property
    def leak(self) -> Mapping[str, Any]:
        """What was found of the leak of its data before it was fitted."""
        found: Mapping[str, Any] = self.config.get("leak") or _UNCHECKED
        return found

    @property
    def recipe(self) -> Mapping[str, Any]:
        """The configuration that was carried out, see `training.config`."""
        found: Mapping[str, Any] = self.config["recipe"]
        return found

    @property
    def weights(self) -> str:
        """Name of the file of first weights, or `random`."""
        found = self.config.get("weights", "random")
        return str(found["name"] if isinstance(found, Mapping) else found)

    def fold(self, number: int) -> Path:
        """Return the folder of one fold."""
        return self.path / f"fold-{number}"


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"Expected JSON in {path}. Received: {error}.") from error


def _rows(path: Path) -> tuple[Row, ...]:
    """Return the out-of-fold rows of a table, none where there is no table."""
    if not path.is_file():
        return ()
    try:
        return tuple(row for row in predictions.decoded(path.read_bytes()) if row.role == "oof")
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _seen(path: Path) -> tuple[Seen, ...]:
    if not path.is_file():
        return ()
    try:
        return seen.decoded(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
