"""MobileNetV2 with its batch normalisations folded into the convolutions.

Responsible for the shape of the network and for reading ImageNet weights into it; not for training.
The statistics of a normalisation are frozen while a pretrained network is fine-tuned on a small data set, so
each one is only a scale and a shift per channel. Folding them (Jacob et al. 2018, section 3.2) leaves the same
function with half the layers: training on a CPU is about twice as fast and the network that is served is the one
that was trained.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from training.networks import pretrained

NAME = "folded_mobilenet_v2"
FEATURE_CHANNELS = 1280
FEATURE_STRIDE = 32
#: (expansion, channels out, repeats, stride of the first repeat), table 2 of Sandler et al. 2018.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
_NORMALISATION_EPSILON = 1e-3


def backbone(size: int) -> keras.Model:
    """Return the folded network from (batch, size, size, 3) to features (batch, size/32, size/32, 1280).

    Raises:
        ValueError: the size is no multiple of 32.
    """
    if size % FEATURE_STRIDE:
        raise ValueError(f"Expected a size that is a multiple of {FEATURE_STRIDE}. Received: {size}.")
    image = keras.Input((size, size, 3), name="image")
    features = _strided(image, keras.layers.Conv2D(32, 3, strides=2, name="Conv1"))
    features = keras.layers.ReLU(max_value=6.0, name="Conv1_relu")(features)
    channels, number = 32, 0
    for expansion, out, repeats, stride in _STAGES:
        for repeat in range(repeats):
            features = _block(features, number, channels, out, expansion, stride if repeat == 0 else 1)
            channels, number = out, number + 1
    features = keras.layers.Conv2D(FEATURE_CHANNELS, 1, name="Conv_1")(features)
    features = keras.layers.ReLU(max_value=6.0, name="features")(features)
    return keras.Model(image, features, name=NAME)


def load_imagenet(network: keras.Model, weights: Path) -> None:
    """Fold the weights of `keras.applications.MobileNetV2` (no top) into `network`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file holds the weights of another network.
    """
    size = network.input_shape[1]
    original = keras.applications.MobileNetV2(
        include_top=False, weights=None, input_shape=(size, size, 3), name="MobileNetV2"
    )
    pretrained.load_backbone(original, weights)
    names = {layer.name for layer in original.layers}
    for layer in network.layers:
        if layer.weights and layer.name in names:
            convolution = original.get_layer(layer.name)
            normalisation = original.get_layer(_normalisation_of(layer.name))
            layer.set_weights(_folded(convolution, normalisation))


def _block(
    source: keras.KerasTensor, number: int, channels: int, out: int, expansion: int, stride: int
) -> keras.KerasTensor:
    """Return one inverted residual: expand, filter each channel, project."""
    prefix = f"block_{number}_" if number else "expanded_conv_"
    inside = source
    if expansion > 1:
        inside = keras.layers.Conv2D(expansion * channels, 1, name=f"{prefix}expand")(inside)
        inside = keras.layers.ReLU(max_value=6.0, name=f"{prefix}expand_relu")(inside)
    if stride == 2:
        inside = _strided(inside, keras.layers.DepthwiseConv2D(3, strides=2, name=f"{prefix}depthwise"))
    else:
        inside = keras.layers.DepthwiseConv2D(3, padding="same", name=f"{prefix}depthwise")(inside)
    inside = keras.layers.ReLU(max_value=6.0, name=f"{prefix}depthwise_relu")(inside)
    inside = keras.layers.Conv2D(out, 1, name=f"{prefix}project")(inside)
    if stride == 1 and channels == out:
        return keras.layers.Add(name=f"{prefix}add")([source, inside])
    return inside


def _strided(source: keras.KerasTensor, layer: keras.layers.Layer) -> keras.KerasTensor:
    """Halve the sides as the pretrained network does: padded below and to the right only (even sides)."""
    padding = keras.layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"{layer.name}_pad")
    return layer(padding(source))


def _normalisation_of(convolution: str) -> str:
    """Name the normalisation that follows a convolution in `keras.applications`."""
    if convolution == "Conv1":
        return "bn_Conv1"
    return f"{convolution}_bn" if convolution == "Conv_1" else f"{convolution}_BN"


def _folded(convolution: keras.layers.Layer, normalisation: keras.layers.Layer) -> list[NDArray[np.float32]]:
    """Return kernel and bias of one convolution that does the work of both layers."""
    (kernel,) = convolution.get_weights()
    gamma, beta, mean, variance = normalisation.get_weights()
    scale = gamma / np.sqrt(variance + _NORMALISATION_EPSILON)
    shape = (1, 1, -1, 1) if isinstance(convolution, keras.layers.DepthwiseConv2D) else (1, 1, 1, -1)
    return [kernel * scale.reshape(shape), beta - mean * scale]
