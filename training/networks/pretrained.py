"""Files of weights that others trained, read into the backbone of a served model.

Responsible for Keras weights of a network without its top (`.weights.h5`, or the older HDF5 layout of
`keras.applications`) and for refusing any other file before a weight is changed; knows no network by itself.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import h5py
import keras
import numpy as np

Shapes = Counter[tuple[int, ...]]


def load(served: keras.Model, weights: Path) -> None:
    """Read a file of weights into everything before the pooling of a served model.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no HDF5, or holds the weights of another network.
    """
    load_backbone(keras.Model(served.input, served.output["features"], name=served.name), weights)


def load_backbone(backbone: keras.Model, weights: Path) -> None:
    """Read a file of weights into a network without top.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no HDF5, or holds the weights of another network.
    """
    received = _stored(weights)
    expected: Shapes = Counter(tuple(int(side) for side in weight.shape) for weight in backbone.weights)
    if received != expected:
        raise ValueError(
            f"Expected the weights of {backbone.name} without top in {weights}: {_said(expected)}. "
            f"Received: {_said(received)}; {_difference(expected, received)}."
        )
    backbone.load_weights(weights)


def _stored(weights: Path) -> Shapes:
    """Return how often each shape of an array occurs in a file."""
    if not weights.is_file():
        raise FileNotFoundError(f"Expected a file of weights. Received: {weights}.")
    shapes: Shapes = Counter()

    def note(name: str, item: h5py.Dataset | h5py.Group) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith("optimizer"):
            shapes[tuple(item.shape)] += 1

    try:
        with h5py.File(weights, "r") as file:
            file.visititems(note)
    except OSError as error:
        raise ValueError(f"Expected an HDF5 file of weights in {weights}. Received: {error}.") from error
    return shapes


def _said(shapes: Shapes) -> str:
    numbers = sum(int(np.prod(shape)) * count for shape, count in shapes.items())
    return f"{shapes.total()} arrays of {numbers:,} numbers"


def _difference(expected: Shapes, received: Shapes) -> str:
    """Name the largest array that only one of the two has."""
    lacking, surplus = expected - received, received - expected
    largest = max([*lacking, *surplus], key=lambda shape: (int(np.prod(shape)), shape in lacking))
    return f"an array of shape {largest} is {'missing' if largest in lacking else 'not of this network'}"
