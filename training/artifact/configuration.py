"""The configuration of an artifact: config.json, every field of the kind and within the bounds that serving needs.

Responsible for reading it and for what a field means where an older format lacks it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Self, get_args

from training import tasks
from training.calibrate import OperatingPoints
from training.preprocessing import Preprocessing

#: What draws a model's map: its own `map` output, the closed form from head.npz, or nothing.
MapKind = Literal["head", "activation", "none"]
FORMATS: Final = (1, 2)
#: Of format 1, and those that format 2 added.
_FIELDS: Final = (
    "format", "name", "version", "task", "network", "preprocessing", "temperature", "operating_points",
)  # fmt: skip
_FIELDS_2: Final = ("classes", "map", "shows_regions", "dataset_digest")
_MOST_CHARACTERS: Final = 80
_MOST_CLASSES: Final = 64
#: The bounds within which `training.calibrate.temperature` seeks.
_TEMPERATURES: Final = (0.05, 20.0)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What serving needs of config.json; the fields are those of `Artifact`."""

    format: int
    name: str
    version: str
    task: str
    classes: tuple[str, ...]
    network: str
    preprocessing: Preprocessing
    temperature: float
    operating_points: OperatingPoints | None
    map_kind: MapKind
    shows_regions: bool

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the configuration that config.json holds.

        Raises:
            ValueError: a field is missing, of another kind, or outside its bounds.
        """
        number = _format(data)
        task = tasks.named(_word(data, "task"))
        classes = _classes(data, task) if number > 1 else task.classes
        return cls(
            format=number,
            name=_word(data, "name"),
            version=_word(data, "version"),
            task=task.name,
            classes=classes,
            network=_word(data, "network"),
            preprocessing=_preprocessing(data["preprocessing"]),
            temperature=_temperature(data["temperature"]),
            operating_points=_points(data["operating_points"], classes),
            map_kind=_map_kind(data.get("map", "activation")),
            shows_regions=_truth(data, "shows_regions") if number > 1 else False,
        )

    @property
    def outputs(self) -> int:
        """How many logits the model answers."""
        return 1 if len(self.classes) == 2 else len(self.classes)


def _format(data: Mapping[str, Any]) -> int:
    number = data.get("format")
    if type(number) is not int or number not in FORMATS:
        raise ValueError(f"Expected format {' or '.join(map(str, FORMATS))}, all fields. Received: {number!r}")
    needed = _FIELDS if number == 1 else (*_FIELDS, *_FIELDS_2)
    missing = [name for name in needed if name not in data]
    if missing:
        raise ValueError(f"Expected all fields of format {number}. Missing: {', '.join(missing)}")
    return number


def _word(data: Mapping[str, Any], field: str) -> str:
    """Return a short text that can be shown in a line."""
    value = data[field]
    if not isinstance(value, str) or not 0 < len(value) <= _MOST_CHARACTERS or not value.isprintable():
        raise ValueError(f"Expected {field} of 1 to {_MOST_CHARACTERS} characters. Received: {_short(value)}")
    return value


def _truth(data: Mapping[str, Any], field: str) -> bool:
    value = data[field]
    if not isinstance(value, bool):
        raise ValueError(f"Expected {field} true or false. Received: {_short(value)}")
    return value


def _number(value: Any, name: str, low: float, high: float) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or not low <= value <= high:
        raise ValueError(f"Expected {name} of {low} to {high}. Received: {_short(value)}")
    return float(value)


def _temperature(value: Any) -> float:
    return _number(value, "a temperature", *_TEMPERATURES)


def _classes(data: Mapping[str, Any], task: tasks.Task) -> tuple[str, ...]:
    """Return the classes; those of a task with a verdict are fixed, another model may know others."""
    names = data["classes"]
    plain = isinstance(names, list) and all(isinstance(name, str) and name.isidentifier() for name in names)
    if not plain or not 2 <= len(set(names)) == len(names) <= _MOST_CLASSES or max(map(len, names)) > 40:
        raise ValueError(f"Expected 2 to {_MOST_CLASSES} different words as classes. Received: {_short(names)}")
    if task.outputs == 1 and tuple(names) != task.classes:
        raise ValueError(f"Expected the classes {', '.join(task.classes)} of {task.name}. Received: {_short(names)}")
    return tuple(names)


def _points(value: Any, classes: tuple[str, ...]) -> OperatingPoints | None:
    if (value is None) != (len(classes) > 2):
        raise ValueError(f"Expected operating points with two classes, null with more. Received: {_short(value)}")
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {"lower", "upper"}:
        raise ValueError(f"Expected the operating points lower and upper. Received: {_short(value)}")
    return OperatingPoints(**{name: _number(point, name, 0, 1) for name, point in value.items()})


def _map_kind(value: Any) -> MapKind:
    if value not in get_args(MapKind):
        raise ValueError(f"Expected a map of {', '.join(get_args(MapKind))}. Received: {_short(value)}")
    kind: MapKind = value
    return kind


def _preprocessing(value: Any) -> Preprocessing:
    if not isinstance(value, dict) or any(type(number) not in (int, float) for number in value.values()):
        raise ValueError(f"Expected numbers in preprocessing. Received: {_short(value)}")
    return Preprocessing.from_dict(value)


def _short(value: Any) -> str:
    return repr(value)[:100]
