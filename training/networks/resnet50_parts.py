"""ResNet50 with two hidden layers, for the bone part: system E.

Responsible for the shape: ResNet50 (He et al. 2016) -> global average pooling -> Dense(128, relu) -> Dense(50, relu) ->
one logit for each class. The published network ends with a softmax; this one answers logits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import keras

from training.networks import classifier, resnet50
from training.tasks import Task

NAME: Final = "resnet50_parts"


def build(size: int, task: Task, options: Mapping[str, Any]) -> keras.Model:
    """Return the network.

    Args:
        size: side of the input, px.
        task: what is asked.
        options: `hidden` and `dropout` of the head.

    Raises:
        ValueError: an option or the size cannot be.
    """
    chosen = classifier.chosen(NAME, options, hidden=(128, 50), dropout=0.0)
    backbone = resnet50.backbone(NAME, size)
    return classifier.classifier(backbone, task, hidden=chosen["hidden"], dropout=chosen["dropout"], name=NAME)
