"""Which networks there are, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import keras

from training.networks import (
    classifier,
    densenet121,
    efficientnet_v2_b0,
    folded_mobilenet_v2,
    located,
    mobilenet,
    mobilenet_v2,
    mobilenet_v2_types,
    pretrained,
    resnet50,
    resnet50_parts,
    simple_cnn,
    tiny,
)
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


def _folded(size: int, task: Task, options: Options) -> keras.Model:
    chosen = classifier.chosen(folded_mobilenet_v2.NAME, options, hidden=(), dropout=0.0)
    backbone = folded_mobilenet_v2.backbone(size)
    return classifier.classifier(backbone, task, hidden=chosen["hidden"], dropout=chosen["dropout"])


def _located(size: int, task: Task, options: Options) -> keras.Model:
    return located.located(size, task, **classifier.chosen(located.NAME, options, dropout=0.3))


def _tiny(size: int, task: Task, options: Options) -> keras.Model:
    chosen = classifier.chosen(tiny.NAME, options, hidden=(), dropout=0.0)
    return classifier.classifier(tiny.backbone(size), task, hidden=chosen["hidden"], dropout=chosen["dropout"])


#: The networks of published systems, whose pretrained weights are files of `keras.applications` without top.
_PUBLISHED: Final = (
    mobilenet, mobilenet_v2, mobilenet_v2_types, resnet50, resnet50_parts, densenet121, efficientnet_v2_b0
)  # fmt: skip
NETWORKS: Final[Mapping[str, Network]] = MappingProxyType(
    {module.NAME: Network(module.build, pretrained.load) for module in _PUBLISHED}
    | {
        simple_cnn.NAME: Network(simple_cnn.build, None),
        folded_mobilenet_v2.NAME: Network(_folded, folded_mobilenet_v2.load_imagenet),
        located.NAME: Network(_located, folded_mobilenet_v2.load_imagenet),
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
