"""Everything that decides a run besides its data and its first weights, as one JSON object.

Responsible for the fields, their defaults and for refusing what cannot be; not for carrying a run out
(`training.fitting`). The recipes that come with the package lie in `training/recipes/`, one file each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

from training import tasks
from training.augmentation import Augmentation
from training.tasks import Task

RECIPES: Final = Path(__file__).parent / "recipes"
#: How the classes of a round are kept in balance: weighted losses, equal draws, or not at all.
BALANCES: Final = ("class_weights", "draws", "none")
SCHEDULES: Final = ("constant", "cosine")
OPTIMIZERS: Final = ("adam", "adamw")


class ConfigError(ValueError):
    """The configuration cannot be; the message says what was expected and received."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One stretch of training with the same layers open.

    Attributes:
        open: `head` (all but the backbone), `last N` layers of the network, `from NAME` on, or `all`.
        epochs: rounds at most.
        learning_rate: of the optimizer; the peak, where the schedule is `cosine`.
        schedule: `constant`, or `cosine`, which rises for the first tenth and falls to a hundredth.
        optimizer: `adam` or `adamw`.
        weight_decay: decoupled, of AdamW.
        early_stopping: rounds without a better validation loss after which the phase ends; None for never.
        reduce_on_plateau: rounds without one after which the learning rate is multiplied by `factor`.
        factor: see above.
        clip: largest norm of all gradients together, None for no bound.
        draws: images a round in place of the configuration's; only where its balance is `draws`.
    """

    open: str
    epochs: int
    learning_rate: float
    schedule: str = "constant"
    optimizer: str = "adam"
    weight_decay: float = 0.0
    early_stopping: int | None = None
    reduce_on_plateau: int | None = None
    factor: float = 0.2
    clip: float | None = None
    draws: int | None = None

    def __post_init__(self) -> None:
        _one_of("schedule", self.schedule, SCHEDULES)
        _one_of("optimizer", self.optimizer, OPTIMIZERS)
        if self.epochs < 1 or self.learning_rate <= 0:
            raise ConfigError(
                f"Expected epochs >= 1 and a learning rate > 0. Received: {self.epochs}, {self.learning_rate}."
            )
        word, _, rest = self.open.partition(" ")
        if not (
            self.open in ("head", "all")
            or (word == "last" and rest.isdigit() and int(rest))
            or (word == "from" and rest)
        ):
            raise ConfigError(f"Expected open to be head, all, 'last N' or 'from LAYER'. Received: {self.open!r}.")


@dataclass(frozen=True, slots=True)
class Config:
    """A recipe.

    Attributes:
        network: a name of `training.networks.recipes`.
        phases: what is trained, in order.
        task: a name of `training.tasks`.
        options: of the network.
        size: side of the input, px.
        batch: images a step.
        seed: of sampling, views and first weights.
        balance: one of `BALANCES`.
        draws: images a round where the balance is `draws`, else None: every image once.
        smoothing: of the labels.
        augmentation: how far views go, None for the images as they are.
        views: views of an image of the largest class that are kept where the first layers are frozen; rarer classes
            get more in proportion, four times as many at most. Without augmentation there is one.
        averaging: momentum of the running average of the weights that is kept as the model, None for none.
        covered: weight of the loss that asks the map which cells a box covers; 0 for no such teacher.
        pointed: weight of the loss that asks where in the picture the map is strongest.
        folds: 0, or how many parts answer out of fold before the final fit on all.
    """

    network: str
    phases: tuple[Phase, ...]
    task: str = "fracture"
    options: Mapping[str, Any] = field(default_factory=dict)
    size: int = 224
    batch: int = 32
    seed: int = 1
    balance: str = "class_weights"
    draws: int | None = None
    smoothing: float = 0.0
    augmentation: Augmentation | None = None
    views: int = 1
    averaging: float | None = None
    covered: float = 0.0
    pointed: float = 0.0
    folds: int = 0

    def __post_init__(self) -> None:
        _one_of("task", self.task, tuple(tasks.TASKS))
        _one_of("balance", self.balance, BALANCES)
        if any(phase.draws and self.draws is None for phase in self.phases):
            raise ConfigError("Expected draws of a phase only where the balance is 'draws'.")
        if (self.draws is not None) != (self.balance == "draws"):
            raise ConfigError(
                f"Expected draws with the balance 'draws' alone. Received: {self.draws}, {self.balance!r}."
            )
        if not self.phases or min(self.batch, self.size, self.views) < 1 or self.folds in (1, -1):
            raise ConfigError("Expected phases, and batch, size and views of at least 1, and 0 or at least 2 folds.")

    @property
    def question(self) -> Task:
        """The task itself."""
        return tasks.named(self.task)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the configuration that a JSON object describes; what it leaves out has its default.

        Raises:
            ConfigError: a field is unknown or missing, or its value cannot be.
        """
        values = dict(_known(cls, data, "configuration"))
        try:
            values["phases"] = tuple(Phase(**_known(Phase, phase, "phase")) for phase in values["phases"])
            if values.get("augmentation") is not None:
                values["augmentation"] = Augmentation(**_known(Augmentation, values["augmentation"], "augmentation"))
            return cls(**values)
        except (TypeError, AttributeError) as error:
            raise ConfigError(f"Expected numbers, names and lists as documented. Received: {error}.") from error

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "options": dict(self.options)}


def read(name_or_path: str) -> Config:
    """Return a recipe by its name, or the configuration in a JSON file.

    Raises:
        ConfigError: there is no such recipe or file, or it is no configuration.
    """
    path = Path(name_or_path)
    if not path.suffix and (RECIPES / f"{name_or_path}.json").is_file():
        path = RECIPES / f"{name_or_path}.json"
    if not path.is_file():
        known = ", ".join(sorted(recipe.stem for recipe in RECIPES.glob("*.json")))
        raise ConfigError(f"Expected a JSON file or one of the recipes {known}. Received: {name_or_path}.")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"Expected JSON in {path}. Received: {error}.") from error
    try:
        return Config.from_dict(data)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _known(kind: type, data: Any, what: str) -> Mapping[str, Any]:
    """Return a JSON object whose fields are those of a dataclass."""
    if not isinstance(data, Mapping):
        raise ConfigError(f"Expected an object for the {what}. Received: {data!r}.")
    known = {entry.name for entry in fields(kind)}
    needed = {entry.name for entry in fields(kind) if entry.default is MISSING and entry.default_factory is MISSING}
    unknown, missing = sorted(set(data) - known), sorted(needed - set(data))
    if unknown or missing:
        raise ConfigError(f"Expected the fields {sorted(known)} in the {what}. Unknown: {unknown}; missing: {missing}.")
    return data


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"Expected {name} to be one of {', '.join(allowed)}. Received: {value!r}.")
