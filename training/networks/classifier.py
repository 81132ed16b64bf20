"""The head on a backbone: what is served, and what is trained.

Responsible for two models over the same layers. The *classifier* answers `logit` and `features` from one forward
pass: global average pooling and one dense logit, so that its explanation is a closed form (see
`training.explanation`). The *teacher's view* of it adds what boxes can teach: where the logit comes from, and which
cells are covered by a fracture.
"""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from training.tasks import FRACTURE, Task

#: Name of the dense layer whose kernel (channels, 1) and bias (1,) are the head.
HEAD = "head"


def classifier(backbone: keras.Model, task: Task = FRACTURE) -> keras.Model:
    """Return the model that is served: `image` to `logit` (batch, outputs) and `features` (batch, h, w, channels)."""
    features = backbone.output
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled")(features)
    logit = keras.layers.Dense(task.outputs, name=HEAD)(pooled)
    return keras.Model(backbone.input, {"logit": logit, "features": features}, name="classifier")


def taught(served: keras.Model, *, dropout: float) -> keras.Model:
    """Return a model over the same weights that answers what the losses of `training.fit` ask.

    Its outputs are `logit` (batch, 1), `where` (batch, cells), the logit's contribution of each cell, and `covered`
    (batch, cells), the logits of a second head that is dropped after training. A dense layer commutes with the mean,
    so `logit` is the mean of `where`.
    """
    features = served.output["features"]
    kept = keras.layers.SpatialDropout2D(dropout, name="dropout")(features)
    where = keras.layers.Reshape((-1,), name="where")(served.get_layer(HEAD)(kept))
    logit = keras.layers.Lambda(_mean_of_cells, output_shape=(1,), name="logit")(where)
    covered = keras.layers.Dense(1, name="covered_head", bias_initializer=keras.initializers.Constant(-4.0))(kept)
    covered = keras.layers.Reshape((-1,), name="covered")(covered)
    return keras.Model(served.input, {"logit": logit, "where": where, "covered": covered}, name="taught")


def set_head(served: keras.Model, kernel: NDArray[np.floating], bias: float) -> None:
    """Put a linear head (channels,) and its bias into the classifier."""
    served.get_layer(HEAD).set_weights([kernel.reshape(-1, 1).astype(np.float32), np.array([bias], np.float32)])


def _mean_of_cells(cells: keras.KerasTensor) -> keras.KerasTensor:
    return keras.ops.mean(cells, axis=1, keepdims=True)
