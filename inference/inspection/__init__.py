"""Looks into the models of an artifact before a runtime opens them: what is no plain feed-forward network is refused.

Responsible for the three formats in which a model could carry more than weights: a Keras archive, its HDF5 weights and
a LiteRT flatbuffer. Runs in the process of ``inference.replay``, which is confined: these readers meet hostile files
first. Knows no Django, and imports a reader only when it is needed.
"""

from __future__ import annotations

from inference.inspection.flatbuffers import require_plain_flatbuffer
from inference.inspection.kerasfiles import require_plain_keras

__all__ = ["require_plain_flatbuffer", "require_plain_keras"]
