"""Which networks there are, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import keras

from training.networks import mobilenet_v2, tiny


@dataclass(frozen=True, slots=True)
class Network:
    """How a backbone is built, how much smaller its features are, and how known weights get in."""

    backbone: Callable[[int], keras.Model]
    stride: int
    load_pretrained: Callable[[keras.Model, Path], None] | None


NETWORKS: Final[Mapping[str, Network]] = MappingProxyType(
    {
        mobilenet_v2.NAME: Network(mobilenet_v2.backbone, mobilenet_v2.FEATURE_STRIDE, mobilenet_v2.load_imagenet),
        tiny.NAME: Network(tiny.backbone, tiny.FEATURE_STRIDE, None),
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
