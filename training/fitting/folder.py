"""The folder of a run: what was asked, how far it has got, and nothing half-written.

Responsible for the files of a run and for going on only with the run that was asked for; not for what is in them.

    config.json  history.json  model.keras  seen.csv  predictions.csv  fold-0/ … and, while it runs, going/
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from training.dataset import DatasetError

#: What is only needed to go on: weights and optimizer after each round, and what the frozen part answered.
GOING: Final = "going"
CONFIG: Final = "config.json"
#: What decides whether a folder holds the run that is asked for.
_SAME: Final = ("recipe", "data", "weights")


def begin(run: Path, made: Mapping[str, Any]) -> None:
    """Make a run's folder, or find the same run in it.

    Raises:
        DatasetError: the folder holds something else.
    """
    path = run / CONFIG
    if path.is_file():
        there = json.loads(path.read_text())
        other = [name for name in _SAME if there.get(name) != json.loads(json.dumps(made[name]))]
        if other:
            raise DatasetError(
                f"Expected an empty folder, or the run that was begun in {run}. Received: another {', '.join(other)}."
            )
        return
    if run.is_dir() and any(run.iterdir()):
        raise DatasetError(f"Expected an empty folder for the run, or one that fit has begun. Received: {run}.")
    run.mkdir(parents=True, exist_ok=True)
    write_json(path, made)


def is_done(part: Path) -> bool:
    """Whether a fit is finished in this folder."""
    return (part / "model.keras").is_file() and state_of(part).get("done", False)


def state_of(part: Path) -> dict[str, Any]:
    """Return how far a fit has got: `phase`, `epoch` and `done`; empty where it has not begun."""
    path = part / GOING / "state.json"
    if path.is_file():
        state: dict[str, Any] = json.loads(path.read_text())
        return state
    return {}


def note(part: Path, state: Mapping[str, Any]) -> None:
    """Write down how far a fit has got."""
    write_json(part / GOING / "state.json", state)


def history_of(part: Path) -> list[dict[str, Any]]:
    """Return the rounds of a fit so far."""
    path = part / "history.json"
    rounds: list[dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else []
    return rounds


def forget(part: Path) -> None:
    """Remove what was only needed to go on; the note that the fit is done stays."""
    for entry in (part / GOING).iterdir():
        if entry.name == "state.json":
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def write(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all."""
    saved(path, lambda temporary: temporary.write_bytes(content))


def write_json(path: Path, data: Any) -> None:
    """Write plain values as JSON, as a whole or not at all."""
    write(path, (json.dumps(data, indent=1, sort_keys=True, default=list) + "\n").encode())


def saved(path: Path, save: Callable[[Path], Any]) -> None:
    """Let `save` write a file beside its place, then put it there; a full disk leaves what was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".new-{path.name}")
    try:
        save(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
