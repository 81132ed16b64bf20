"""A network of four strided convolutions, for trying out the machinery in seconds.

Responsible for its shape; no model for radiographs of people.
"""

from __future__ import annotations

import keras

NAME = "tiny"
FEATURE_STRIDE = 16
_CHANNELS = (8, 16, 32, 32)


def backbone(size: int) -> keras.Model:
    """Return the network from (batch, size, size, 3) to features (batch, size/16, size/16, 32).

    Raises:
        ValueError: the size is no multiple of 16.
    """
    if size % FEATURE_STRIDE:
        raise ValueError(f"Expected a size that is a multiple of {FEATURE_STRIDE}. Received: {size}.")
    image = features = keras.Input((size, size, 3), name="image")
    for number, channels in enumerate(_CHANNELS):
        layer = keras.layers.Conv2D(
            channels, 3, strides=2, padding="same", kernel_initializer="he_normal", name=f"conv_{number}"
        )
        features = layer(features)
        name = "features" if number == len(_CHANNELS) - 1 else f"relu_{number}"
        features = keras.layers.ReLU(name=name)(features)
    return keras.Model(image, features, name=NAME)
