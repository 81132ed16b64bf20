"""Hands out the stored heat map of a prediction: one grey pixel a cell; colour, opacity and scale are the viewer's.

Who may see it is decided above, by ``studies``.
"""

from __future__ import annotations

from bonefrac.errors import NotFound
from bonefrac.stores import MAPS
from inference.models import Prediction


def read(prediction: Prediction) -> bytes:
    """Return the map as 8-bit grey PNG; raise ``NotFound`` where there is none, or it was erased."""
    if not prediction.heat_map:
        raise NotFound
    try:
        return MAPS.read(prediction.heat_map)
    except FileNotFoundError:
        raise NotFound from None
