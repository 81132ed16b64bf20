"""ResNet50, a pooled feature vector and one dense layer: system B, the larger of its two.

Responsible for the shape: ResNet50 (He et al. 2016) -> global average pooling -> logits. The published network ends
with a sigmoid; this one answers the logit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import keras

from training.networks import classifier
from training.tasks import Task

NAME: Final = "resnet50"
#: From -1..1 to grey levels less the means of ImageNet (blue, green, red), as the weights of the Keras team expect;
#: the order of three equal channels does not matter.
_SCALE: Final = (127.5, 127.5, 127.5)
_OFFSET: Final = (127.5 - 103.939, 127.5 - 116.779, 127.5 - 123.68)


def build(size: int, task: Task, options: Mapping[str, Any]) -> keras.Model:
    """Return the network.

    Args:
        size: side of the input, px.
        task: what is asked.
        options: `hidden` and `dropout` of the head.

    Raises:
        ValueError: an option or the size cannot be.
    """
    chosen = classifier.chosen(NAME, options, hidden=(), dropout=0.0)
    hidden, dropout = chosen["hidden"], chosen["dropout"]
    return classifier.classifier(backbone(NAME, size), task, hidden=hidden, dropout=dropout, name=NAME)


def backbone(network: str, size: int) -> keras.Model:
    """Return ResNet50 without top, from `image` in -1..1 to features.

    Raises:
        ValueError: the size is too small for `network`.
    """
    _, values = classifier.inputs(network, size, _SCALE, _OFFSET)
    return keras.applications.ResNet50(include_top=False, weights=None, input_tensor=values)
