"""What is said when an engine cannot be started or stopped."""

from __future__ import annotations

from pathlib import Path


class EngineError(Exception):
    """An engine did not do as asked; the message says what was expected and what to do."""


def last_lines(log: Path, count: int = 12) -> str:
    """Return the end of a log for a message, or a word that there is none."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
    except FileNotFoundError:
        return f"({log} was not written)"
