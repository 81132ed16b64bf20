"""The head on a backbone: what is served, and what is trained.

Responsible for the classifier, which answers `logit` and `features` from one forward pass: global average pooling and
dense layers, so that its explanation is a closed form (see `training.explanation`). It answers logits: the sigmoid or
softmax that published networks end with is applied by whoever reads them, after temperature scaling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import keras

from training.explanation import HIDDEN, LOGITS, POOLED
from training.tasks import FRACTURE, Task

#: Name of the dense layer whose kernel (channels, outputs) and bias (outputs,) end the head.
HEAD: Final = LOGITS
#: The smallest side of an input that the networks of `keras.applications` take, px.
SMALLEST: Final = 32


def classifier(
    backbone: keras.Model,
    task: Task = FRACTURE,
    *,
    hidden: Sequence[int] = (),
    dropout: float = 0.0,
    name: str = "classifier",
) -> keras.Model:
    """Return the model that is served: `image` to `logit` (batch, outputs) and `features` (batch, h, w, channels).

    Args:
        backbone: from `image` to features.
        task: decides the number of logits.
        hidden: units of the dense ReLU layers between pooling and logits.
        dropout: share of the last hidden units, or of the pooled features, that a step of training leaves out.
        name: of the model.

    Raises:
        ValueError: a hidden layer without units, or a dropout that is no share.
    """
    features = backbone.output
    pooled = keras.layers.GlobalAveragePooling2D(name=POOLED)(features)
    logit = head(pooled, task, hidden=hidden, dropout=dropout)
    return keras.Model(backbone.input, {"logit": logit, "features": features}, name=name)


def head(
    values: keras.KerasTensor, task: Task, *, hidden: Sequence[int] = (), dropout: float = 0.0
) -> keras.KerasTensor:
    """Return the logits (batch, outputs) of values (batch, n): dense ReLU layers, dropout, one dense layer.

    Raises:
        ValueError: a hidden layer without units, or a dropout that is no share.
    """
    if not all(isinstance(units, int) and units > 0 for units in hidden) or not 0 <= dropout < 1:
        raise ValueError(
            f"Expected numbers of units above 0 as hidden, and 0 <= dropout < 1. Received: {hidden!r}, {dropout!r}."
        )
    for number, units in enumerate(hidden):
        values = keras.layers.Dense(units, activation="relu", name=HIDDEN.format(number))(values)
    if dropout:
        values = keras.layers.Dropout(dropout, name="dropout")(values)
    return keras.layers.Dense(task.outputs, dtype="float32", name=HEAD)(values)  # also where the rest is float16


def chosen(network: str, options: Mapping[str, Any], **defaults: Any) -> dict[str, Any]:
    """Return the options of a network: those of a recipe over the defaults.

    Raises:
        ValueError: the network has no option of such a name.
    """
    unknown = sorted(set(options) - set(defaults))
    if unknown:
        raise ValueError(
            f"Expected the options {', '.join(defaults) or '(none)'} for the network {network}. Received: {unknown}."
        )
    return {**defaults, **options}


def inputs(
    network: str, size: int, scale: Sequence[float] = (), offset: Sequence[float] = ()
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return the input `image` (batch, size, size, 3) in -1..1, and the values that a backbone reads.

    Args:
        network: its name, for the sentence.
        size: side of the input, px.
        scale: by channel, from -1..1 to what the weights expect; empty where that is -1..1.
        offset: added afterwards, by channel.

    Raises:
        ValueError: the size is too small.
    """
    if size < SMALLEST:
        raise ValueError(f"Expected a size of at least {SMALLEST} for the network {network}. Received: {size}.")
    image = keras.Input((size, size, 3), name="image")
    if not scale:
        return image, image
    return image, keras.layers.Rescaling(list(scale), list(offset), name="range")(image)
