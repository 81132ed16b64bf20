"""A converted model, run by LiteRT on renditions.

Responsible for the call by names (the order of output tensors is not stable); used to measure the very file that is
served. Workers have their own engine above this layer. Needs no TensorFlow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

_NEEDED: Final = frozenset({"logit", "features"})
_MAP: Final = "map"


class Answer(NamedTuple):
    """What a model answers to one input.

    Attributes:
        logits: (outputs,) float32.
        features: (h, w, channels) float32.
        map: (h', w') float32, the logit of a fracture in each cell; None of a network without one.
    """

    logits: NDArray[np.float32]
    features: NDArray[np.float32]
    map: NDArray[np.float32] | None = None


class LiteModel:
    """One .tflite file with the signature image → logit, features and, of a network that locates, map.

    Raises:
        ValueError: the file is no such model.
    """

    def __init__(self, path: Path, threads: int = 2) -> None:
        self._interpreter: Any = Interpreter(model_path=str(path), num_threads=threads)
        self._runner = self._interpreter.get_signature_runner("serving_default")
        outputs = set(self._runner.get_output_details())
        if not _NEEDED <= outputs <= _NEEDED | {_MAP}:
            raise ValueError(f"Expected the outputs logit, features[, map] in {path}. Received: {sorted(outputs)}.")

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of the features."""
        _, rows, columns, _ = self._runner.get_output_details()["features"]["shape"]
        return int(rows), int(columns)

    def __call__(self, image: NDArray[np.float32]) -> Answer:
        """Return what the model answers to one input (1, size, size, 3)."""
        answered = self._runner(image=image)
        own = answered.get(_MAP)
        return Answer(answered["logit"][0], answered["features"][0], None if own is None else own[0])
