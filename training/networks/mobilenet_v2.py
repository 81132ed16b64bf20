"""MobileNetV2, a pooled feature vector and one dense layer: system B, the smaller of its two.

Responsible for the shape: MobileNetV2 (Sandler et al. 2018) -> global average pooling -> logits. The published network
ends with a sigmoid; this one answers the logit. Its normalisations are layers of their own and learn where their layers
are open; `training.networks.folded_mobilenet_v2` has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import keras

from training.networks import classifier
from training.tasks import Task

NAME: Final = "mobilenet_v2"


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
    _, values = classifier.inputs(NAME, size)
    backbone = keras.applications.MobileNetV2(include_top=False, weights=None, input_tensor=values)
    return classifier.classifier(backbone, task, hidden=chosen["hidden"], dropout=chosen["dropout"], name=NAME)
