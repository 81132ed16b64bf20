"""A converted model, run by LiteRT on renditions.

Responsible for the call by names (the order of output tensors is not stable); used to measure the very file that is
served. Workers have their own engine above this layer. Needs no TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from training.explanation import Head, activation_map
from training.preprocessing import Preprocessing


class LiteModel:
    """One .tflite file with the signature image → logit, features.

    Raises:
        ValueError: the file is no such model.
    """

    def __init__(self, path: Path, threads: int = 2) -> None:
        self._interpreter: Any = Interpreter(model_path=str(path), num_threads=threads)
        self._runner = self._interpreter.get_signature_runner("serving_default")
        outputs = set(self._runner.get_output_details())
        if outputs != {"logit", "features"}:
            raise ValueError(f"Expected the outputs logit and features in {path}. Received: {sorted(outputs)}.")

    def __call__(self, image: NDArray[np.float32]) -> tuple[float, NDArray[np.float32]]:
        """Return the logit and the features (h, w, c) of one input (1, size, size, 3)."""
        answers = self._runner(image=image)
        return float(answers["logit"][0, 0]), answers["features"][0]


def answers(
    model: LiteModel, squares: Sequence[NDArray[np.uint8]], head: Head, preprocessing: Preprocessing
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return logits (n,) and activation maps (n, h, w) of renditions."""
    values, maps = [], []
    for square in squares:
        logit, features = model(preprocessing.model_input(square))
        values.append(logit)
        maps.append(activation_map(features, head))
    return np.array(values), np.stack(maps)
