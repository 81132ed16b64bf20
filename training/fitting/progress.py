"""What a person at the terminal sees of a fit: a bar with the time left, and a line for each round.

Responsible for words and bars; where nobody watches (no terminal) there are lines alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(),
        console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty(),
    )  # fmt: skip


@contextmanager
def counted(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar while rows are computed; give out what is called with how many there are and will be."""
    with _bar() as bar:
        shown = bar.add_task(title, total=None)

        def told(done: int, count: int) -> None:
            bar.update(shown, completed=done, total=count)

        yield told


class Rounds(keras.callbacks.Callback):
    """A bar over the steps of one round, and how much of the phase is left at this pace."""

    def __init__(self, title: str, epoch: int, epochs: int) -> None:
        super().__init__()
        self._title, self._epoch, self._epochs = title, epoch, epochs
        self._bar = _bar()
        self._shown: Any = None

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Show the bar."""
        steps = self.params.get("steps") or 0
        self._bar.start()
        title = f"{self._title}, round {self._epoch + 1} of {self._epochs}"
        self._shown = self._bar.add_task(title, total=steps * (self._epochs - self._epoch))

    def on_train_batch_end(self, *_: Any, **__: Any) -> None:
        """Move it on."""
        self._bar.advance(self._shown)

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """Take it away."""
        self._bar.stop()


def say(title: str, phase: int, epoch: int, entry: Mapping[str, float]) -> None:
    """Print the line of a round."""
    figures = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in entry.items())
    print(f"{title}, phase {phase + 1}, round {epoch + 1}: {figures}", flush=True)
