"""What a model can be asked: the tasks, their classes and how a manifest names them.

Responsible for words; not for reading files or for networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Task:
    """One question.

    Attributes:
        name: as in a registry: `fracture`, `body_part` or `fracture_type`.
        column: of a manifest, where the answer stands.
        classes: in the order of a model's outputs; with two classes the model answers one logit, of the second.
    """

    name: str
    column: str
    classes: tuple[str, ...]

    @property
    def outputs(self) -> int:
        """How many logits a model of this task answers."""
        return 1 if len(self.classes) == 2 else len(self.classes)


FRACTURE: Final = Task("fracture", "label", ("not_fractured", "fractured"))
BODY_PART: Final = Task("body_part", "region", ("hand", "hip", "leg", "shoulder"))
FRACTURE_TYPE: Final = Task(
    "fracture_type",
    "fracture_type",
    (
        "avulsion", "comminuted", "greenstick", "hairline", "impacted", "longitudinal", "oblique", "pathological",
        "spiral", "transverse",
    ),
)  # fmt: skip
TASKS: Final[Mapping[str, Task]] = MappingProxyType({task.name: task for task in (FRACTURE, BODY_PART, FRACTURE_TYPE)})


def named(name: str) -> Task:
    """Return the task of a name.

    Raises:
        ValueError: there is none.
    """
    if name not in TASKS:
        raise ValueError(f"Expected one of the tasks {', '.join(TASKS)}. Received: {name!r}.")
    return TASKS[name]
