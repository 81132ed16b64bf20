"""What a model said of one set of labelled images, as arrays: the common ground of all figures.

Responsible for turning rows of `training.predictions` into calibrated probabilities, targets and groups, and for the
rule of a group (the worst image speaks); not for the figures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from training import calibrate
from training.predictions import Row
from training.tasks import Task


@dataclass(frozen=True, slots=True)
class Answers:
    """Calibrated answers of one model to one set.

    Attributes:
        task: what was asked.
        rows: one an image, in order.
        temperature: that the logits were divided by.
        targets: (n,) number of the label among the task's classes.
        probabilities: (n, classes), rows sum to one.
    """

    task: Task
    rows: tuple[Row, ...]
    temperature: float
    targets: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    @classmethod
    def of(cls, task: Task, rows: Sequence[Row], temperature: float) -> Self:
        """Return the answers in rows.

        Raises:
            ValueError: there is no row, a label is not the task's, or a row has another number of logits.
        """
        if not rows:
            raise ValueError("Expected answers to at least one image. Received: none.")
        for row in rows:
            if row.label not in task.classes or len(row.logits) != task.outputs:
                raise ValueError(
                    f"Expected a label of {', '.join(task.classes)} and {task.outputs} logits. "
                    f"Received: {row.label!r} and {len(row.logits)} (image {row.item[:12]})."
                )
        logits = np.array([row.logits for row in rows])
        targets = np.array([task.classes.index(row.label) for row in rows], np.int64)
        return cls(task, tuple(rows), temperature, targets, calibrate.class_probabilities(logits, temperature))

    @property
    def logits(self) -> NDArray[np.float64]:
        """(n, outputs), before the temperature."""
        return np.array([row.logits for row in self.rows])

    @property
    def groups(self) -> list[str]:
        """The group of each image."""
        return [row.group for row in self.rows]

    @property
    def labels(self) -> NDArray[np.float64]:
        """(n,) 1 where the label is the second class of two, else 0."""
        labels: NDArray[np.float64] = (self.targets == 1).astype(np.float64)
        return labels

    @property
    def positive(self) -> NDArray[np.float64]:
        """(n,) probability of the second class of two."""
        positive: NDArray[np.float64] = self.probabilities[:, 1]
        return positive

    def at(self, temperature: float) -> Answers:
        """Return the same answers at another temperature; at 1 they are those before scaling."""
        return Answers.of(self.task, self.rows, temperature)

    def where(self, belongs: Callable[[Row], bool]) -> Answers | None:
        """Return the answers to the images that belong, or None where no image does."""
        chosen = np.array([belongs(row) for row in self.rows], bool)
        if not chosen.any():
            return None
        rows = tuple(row for row, is_chosen in zip(self.rows, chosen, strict=True) if is_chosen)
        return replace(self, rows=rows, targets=self.targets[chosen], probabilities=self.probabilities[chosen])

    def by_group(self) -> Answers:
        """Return one answer a group of a task of two classes: its worst image speaks, in label and in score."""
        worst: dict[str, int] = {}
        for index, row in enumerate(self.rows):
            if self._rank(index) > self._rank(worst.setdefault(row.group, index)):
                worst[row.group] = index
        labels = dict.fromkeys(worst, 0)
        for row, target in zip(self.rows, self.targets, strict=True):
            labels[row.group] = max(labels[row.group], int(target))
        chosen = list(worst.values())
        targets = np.array([labels[self.rows[index].group] for index in chosen], np.int64)
        rows = tuple(
            replace(self.rows[index], label=self.task.classes[target])
            for index, target in zip(chosen, targets, strict=True)
        )
        return replace(self, rows=rows, targets=targets, probabilities=self.probabilities[chosen])

    def _rank(self, index: int) -> float:
        return self.rows[index].logits[0]
