"""Where a network can be cut in two: a frozen part that is computed once, and the part that is trained.

Responsible for which layers a phase opens and for the last single tensor before all of them; not for training. A cut
is a tensor through which everything that is asked of the network passes, so that the part above it is a network of
its own over the same weights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import keras

from training.config import ConfigError

#: The output that the heads stand on.
FEATURES: Final = "features"


def opened(model: keras.Model, wanted: str) -> list[str]:
    """Return the names of the layers that a phase opens and that training changes or that are random in it.

    Args:
        model: the network.
        wanted: `head`, `all`, `last N` or `from NAME`; see `training.config.Phase`.

    Raises:
        ConfigError: there is no such layer, or nothing with weights would be open.
    """
    names = [layer.name for layer in model.layers]
    if wanted == "all":
        first = 0
    elif wanted == "head":
        return _with_weights(model, _above_features(model), wanted)
    elif wanted.startswith("last "):
        first = max(0, len(names) - int(wanted.removeprefix("last ")))
    else:
        name = wanted.removeprefix("from ")
        if name not in names:
            raise ConfigError(f"Expected a layer of {model.name}. Received: {name!r}.")
        first = names.index(name)
    return _with_weights(model, names[first:], wanted)


def below(model: keras.Model, asked: Sequence[str], open_layers: Sequence[str]) -> keras.KerasTensor:
    """Return the last tensor through which all of the asked outputs pass and which no open layer has made.

    The network's own input, where there is no later one, or nothing but padding and scaling before it.
    """
    outputs = [model.output[name] for name in asked]
    needed = keras.Model(model.input, outputs)
    nodes = _in_order(needed)
    readers = Counter(id(tensor) for node in nodes for tensor in node.input_tensors)
    readers.update(id(tensor) for tensor in outputs)
    alive = {id(needed.inputs[0]): needed.inputs[0]}
    found: keras.KerasTensor = needed.inputs[0]
    is_worth_keeping = False
    for node in nodes:
        if node.operation.name in open_layers:
            break
        alive |= {id(tensor): tensor for tensor in node.output_tensors}
        readers.subtract(id(tensor) for tensor in node.input_tensors)
        alive = {key: tensor for key, tensor in alive.items() if readers[key] > 0}
        is_worth_keeping = is_worth_keeping or bool(node.operation.weights)
        if len(alive) == 1 and is_worth_keeping:
            (found,) = alive.values()
    return found


def above(model: keras.Model, cut: keras.KerasTensor, asked: Sequence[str]) -> keras.Model:
    """Return the part of a network from the cut to the asked outputs, over the same weights."""
    return keras.Model(cut, {name: model.output[name] for name in asked}, name=f"{model.name}_above")


def _above_features(model: keras.Model) -> list[str]:
    """Return the names of the layers that are not needed for the features: the heads."""
    backbone = keras.Model(model.input, model.output[FEATURES])
    inside = {layer.name for layer in backbone.layers}
    return [layer.name for layer in model.layers if layer.name not in inside]


def _with_weights(model: keras.Model, names: Sequence[str], wanted: str) -> list[str]:
    layers = [model.get_layer(name) for name in names]
    if not any(layer.weights for layer in layers):
        raise ConfigError(f"Expected layers with weights to be open. Received: {wanted!r} of {model.name}.")
    return [layer.name for layer in layers if layer.weights or isinstance(layer, keras.layers.Dropout)]


def _in_order(model: keras.Model) -> list[Any]:
    """Return the calls of a network's layers, each after those that it reads from."""
    by_depth: dict[int, list[Any]] = model._nodes_by_depth
    ordered = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
    return [node for node in ordered if node.input_tensors]
