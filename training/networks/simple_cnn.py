"""Three convolutions from scratch: system D.

Responsible for the shape: (convolution of 3 px, ReLU, max pooling) with 32, 64 and 128 filters -> Flatten -> Dense(128,
relu) -> Dropout(0.5) -> logits, on values in 0..1. The published network ends with a sigmoid; this one answers the
logit. It does not pool, so no map follows from its features: the head that `training.explanation` reads is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import keras

from training.networks import classifier
from training.tasks import Task

NAME: Final = "simple_cnn"
_FILTERS: Final = (32, 64, 128)


def build(size: int, task: Task, options: Mapping[str, Any]) -> keras.Model:
    """Return the network.

    Args:
        size: side of the input, px.
        task: what is asked.
        options: `hidden` and `dropout` after the flattening.

    Raises:
        ValueError: an option or the size cannot be.
    """
    chosen = classifier.chosen(NAME, options, hidden=(128,), dropout=0.5)
    image, features = classifier.inputs(NAME, size, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    for number, filters in enumerate(_FILTERS):
        last = number == len(_FILTERS) - 1
        features = keras.layers.Conv2D(filters, 3, activation="relu", name=f"conv_{number}")(features)
        features = keras.layers.MaxPooling2D(name="features" if last else f"max_{number}")(features)
    flat = keras.layers.Flatten(name="flat")(features)
    logit = classifier.head(flat, task, hidden=chosen["hidden"], dropout=chosen["dropout"])
    return keras.Model(image, {"logit": logit, "features": features}, name=NAME)
