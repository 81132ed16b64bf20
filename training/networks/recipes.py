"""Which networks there are, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import keras

from training.networks import classifier, folded_mobilenet_v2, tiny
from training.tasks import Task

#: What a recipe may say about its network beside the size, e.g. `{"hidden": [128], "dropout": 0.5}`.
Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Network:
    """How a network is built and how known weights get in.

    Attributes:
        build: from the side of its input (px), the task and the recipe's options to the model that is served: input
            `image` (batch, size, size, 3) in -1..1; outputs by name `logit` (batch, outputs of the task), `features`
            (batch, h, w, channels) and, where the network locates, `map` (batch, h', w'), the logit of a fracture in
            each cell. Whatever other range its weights want is a layer of its own inside.
        load_pretrained: reads a file of weights into the backbone of a built model; None where there are none.
    """

    build: Callable[[int, Task, Options], keras.Model]
    load_pretrained: Callable[[keras.Model, Path], None] | None


def _folded(size: int, task: Task, _: Options) -> keras.Model:
    return classifier.classifier(folded_mobilenet_v2.backbone(size), task)


def _tiny(size: int, task: Task, _: Options) -> keras.Model:
    return classifier.classifier(tiny.backbone(size), task)


NETWORKS: Final[Mapping[str, Network]] = MappingProxyType(
    {
        folded_mobilenet_v2.NAME: Network(_folded, folded_mobilenet_v2.load_imagenet),
        tiny.NAME: Network(_tiny, None),
    }
)


def named(name: str) -> Network:
    """Return the network of a name.

    Raises:
        ValueError: there is none.
    """
    if name not in NETWORKS:
        raise ValueError(f"Expected one of the networks {', '.join(NETWORKS)}. Received: {name!r}.")
    return NETWORKS[name]
