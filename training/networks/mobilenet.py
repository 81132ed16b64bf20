"""MobileNet, a pooled feature vector, a hidden layer with dropout: system A.

Responsible for the shape: MobileNet (Howard et al. 2017) -> global average pooling -> Dense(128, relu) -> Dropout(0.5)
-> logits. The published network ends with a sigmoid; this one answers the logit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import keras

from training.networks import classifier
from training.tasks import Task

NAME: Final = "mobilenet"


def build(size: int, task: Task, options: Mapping[str, Any]) -> keras.Model:
    """Return the network.

    Args:
        size: side of the input, px.
        task: what is asked.
        options: `alpha`, the width (1.0); `until`, the layer whose output are the features (the last); `hidden` and
            `dropout` of the head.

    Raises:
        ValueError: an option or the size cannot be.
    """
    chosen = classifier.chosen(NAME, options, alpha=1.0, until=None, hidden=(128,), dropout=0.5)
    image, values = classifier.inputs(NAME, size)
    alpha = float(chosen["alpha"])
    backbone = keras.applications.MobileNet(include_top=False, weights=None, input_tensor=values, alpha=alpha)
    if chosen["until"] is not None:
        backbone = keras.Model(image, _features(backbone, str(chosen["until"])))
    return classifier.classifier(backbone, task, hidden=chosen["hidden"], dropout=chosen["dropout"], name=NAME)


def _features(backbone: keras.Model, until: str) -> keras.KerasTensor:
    """Return the output of a layer of the backbone that keeps places."""
    names = {layer.name for layer in backbone.layers[1:]}
    if until not in names:
        raise ValueError(f"Expected the name of a layer as until, such as conv_dw_13_relu. Received: {until!r}.")
    return backbone.get_layer(until).output
