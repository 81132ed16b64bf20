"""Our own network: a verdict and a coarse fracture map from one forward pass.

Responsible for its shape. Over the folded MobileNetV2, a light head draws a map of fracture logits, one for each 16 px
of the input: the last features, which know the context, are brought to the grid of the finer ones of `block_12`, which
know the place. The verdict is a dense layer on the pooled features plus what the map says at its strongest cell and in
its strongest neighbourhood, so boxes that teach the map teach the verdict too.
"""

from __future__ import annotations

from typing import Final

import keras

from training.networks import folded_mobilenet_v2
from training.networks.classifier import HEAD
from training.tasks import Task

NAME: Final = "located_mobilenet_v2"
#: Pixels of the input that a cell of the map is wide.
MAP_STRIDE: Final = 16
_FINE: Final = "block_12_add"
_CHANNELS: Final = 64
#: The first logit of every cell: few cells hold a fracture.
_RARE: Final = -4.0


def located(size: int, task: Task, *, dropout: float = 0.3) -> keras.Model:
    """Return the network: `image` to `logit` (batch, 1), `features` (batch, h, w, 1280), `map` (batch, 2h, 2w).

    Args:
        size: side of the input, px, a multiple of 32.
        task: with two classes.
        dropout: share of the channels of features that a step of training leaves out.

    Raises:
        ValueError: the size is no multiple of 32, or the task has more than two classes.
    """
    if task.outputs != 1:
        raise ValueError(f"Expected a task of two classes for {NAME}. Received: {task.name}.")
    backbone = folded_mobilenet_v2.backbone(size)
    features = backbone.output
    kept = keras.layers.SpatialDropout2D(dropout, name="dropout")(features)
    cells = _map(kept, backbone.get_layer(_FINE).output)
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled")(kept)
    whole = keras.layers.Dense(1, name=HEAD)(pooled)
    spoken = keras.layers.Dense(
        1, use_bias=False, kernel_initializer=keras.initializers.Constant(0.25), name="head_of_map"
    )(_strongest(cells))
    side = int(cells.shape[1])
    outputs = {
        "logit": keras.layers.Add(name="logit")([whole, spoken]),
        "features": features,
        "map": keras.layers.Reshape((side, side), name="map")(cells),
    }
    return keras.Model(backbone.input, outputs, name=NAME)


def _map(deep: keras.KerasTensor, fine: keras.KerasTensor) -> keras.KerasTensor:
    """Return the logits of a fracture, (batch, 2h, 2w, 1), from deep (h, w) and fine (2h, 2w) features."""
    context = keras.layers.Conv2D(_CHANNELS, 1, name="map_context")(deep)
    context = keras.layers.UpSampling2D(2, interpolation="bilinear", name="map_raised")(context)
    place = keras.layers.Conv2D(_CHANNELS, 1, name="map_place")(fine)
    both = keras.layers.Add(name="map_both")([context, place])
    both = keras.layers.ReLU(name="map_both_relu")(both)
    around = keras.layers.Conv2D(_CHANNELS, 3, padding="same", name="map_around")(both)
    around = keras.layers.ReLU(name="map_around_relu")(around)
    return keras.layers.Conv2D(1, 1, bias_initializer=keras.initializers.Constant(_RARE), name="map_logit")(around)


def _strongest(cells: keras.KerasTensor) -> keras.KerasTensor:
    """Return (batch, 2): the largest logit of a cell, and of a neighbourhood of three by three cells."""
    single = keras.layers.GlobalMaxPooling2D(name="map_strongest")(cells)
    smooth = keras.layers.AveragePooling2D(3, strides=1, padding="same", name="map_smooth")(cells)
    return keras.layers.Concatenate(name="map_said")(
        [single, keras.layers.GlobalMaxPooling2D(name="map_strongest_smooth")(smooth)]
    )
