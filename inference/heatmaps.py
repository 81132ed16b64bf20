"""Draws the small map of a prediction and hands out the stored one: one grey pixel a cell.

Colour, opacity and scale are the viewer's. Who may see it is decided above, by ``studies``.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bonefrac.errors import NotFound
from bonefrac.stores import MAPS
from inference.engine import Output
from inference.models import Prediction
from training.artifact import Artifact
from training.explanation import activation_map, encode_map, located


def cells_of(artifact: Artifact, output: Output) -> NDArray[np.float32] | None:
    """Return a model's map (h, w) of one forward pass, None of a model without one.

    By ``head`` it holds the model's own probability of a fracture in each cell; by ``activation`` what each cell
    contributes to the logit.
    """
    if artifact.map_kind == "head" and output.map is not None:
        return located(output.map)
    return activation_map(output.features, artifact.head) if artifact.map_kind == "activation" else None


def encode(artifact: Artifact, cells: NDArray[np.float32]) -> bytes:
    """Return a map as 8-bit grey PNG.

    Probabilities keep their scale, so that a picture in which nothing is suspected stays dark; contributions have none
    and are shown relative to the largest of the picture.
    """
    if artifact.map_kind != "head":
        return encode_map(cells)
    buffer = io.BytesIO()
    Image.fromarray(np.rint(cells * 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def read(prediction: Prediction) -> bytes:
    """Return the map as 8-bit grey PNG; raise ``NotFound`` where there is none, or it was erased."""
    if not prediction.heat_map:
        raise NotFound
    try:
        return MAPS.read(prediction.heat_map)
    except FileNotFoundError:
        raise NotFound from None
