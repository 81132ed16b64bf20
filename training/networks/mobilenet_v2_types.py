"""MobileNetV2 with a hidden layer, for types of fracture: system C.

Responsible for the shape: MobileNetV2 (Sandler et al. 2018) -> global average pooling -> Dense(128, relu) -> one logit
for each class. The published network ends with a softmax; this one answers logits. Its head has three layers, so the
last 50 layers of the backbone are among the last 53 of the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import keras

from training.networks import classifier
from training.tasks import Task

NAME: Final = "mobilenet_v2_types"


def build(size: int, task: Task, options: Mapping[str, Any]) -> keras.Model:
    """Return the network.

    Args:
        size: side of the input, px.
        task: what is asked.
        options: `hidden` and `dropout` of the head.

    Raises:
        ValueError: an option or the size cannot be.
    """
    chosen = classifier.chosen(NAME, options, hidden=(128,), dropout=0.0)
    _, values = classifier.inputs(NAME, size)
    backbone = keras.applications.MobileNetV2(include_top=False, weights=None, input_tensor=values)
    return classifier.classifier(backbone, task, hidden=chosen["hidden"], dropout=chosen["dropout"], name=NAME)
