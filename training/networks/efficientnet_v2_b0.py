"""EfficientNetV2-B0 with dropout before the dense layer.

Responsible for the shape: EfficientNetV2-B0 (Tan and Le 2021) -> global average pooling -> Dropout(0.2) -> logits. The
standardising layers that Keras puts into it are replaced by one that starts from -1..1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import keras

from training.networks import classifier
from training.tasks import Task

NAME: Final = "efficientnet_v2_b0"
_MEAN: Final = (0.485, 0.456, 0.406)
_DEVIATION: Final = (0.229, 0.224, 0.225)
#: From -1..1 to 0..1, standardised by the means and deviations of ImageNet, as its weights expect.
_SCALE: Final = tuple(0.5 / deviation for deviation in _DEVIATION)
_OFFSET: Final = tuple((0.5 - mean) / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True))


def build(size: int, task: Task, options: Mapping[str, Any]) -> keras.Model:
    """Return the network.

    Args:
        size: side of the input, px.
        task: what is asked.
        options: `hidden` and `dropout` of the head.

    Raises:
        ValueError: an option or the size cannot be.
    """
    chosen = classifier.chosen(NAME, options, hidden=(), dropout=0.2)
    _, values = classifier.inputs(NAME, size, _SCALE, _OFFSET)
    backbone = keras.applications.EfficientNetV2B0(
        include_top=False, weights=None, input_tensor=values, include_preprocessing=False
    )
    return classifier.classifier(backbone, task, hidden=chosen["hidden"], dropout=chosen["dropout"], name=NAME)
