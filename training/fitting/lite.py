"""The frozen part of a network on LiteRT: on a CPU several times as fast as Keras.

Responsible for converting it in a process of its own, where Keras runs on TensorFlow whatever trains here, and for one
interpreter a thread; not for what is kept of its answers.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

_ANSWER = "kept"


def is_faster() -> bool:
    """Whether LiteRT is the quicker way here: no GPU, and TensorFlow is there to convert with."""
    return not has_gpu() and importlib.util.find_spec("tensorflow") is not None


def has_gpu() -> bool:
    """Whether Keras computes on a GPU."""
    if keras.backend.backend() == "torch":
        import torch

        return bool(torch.cuda.is_available())
    if keras.backend.backend() == "tensorflow":
        import tensorflow

        return bool(tensorflow.config.list_physical_devices("GPU"))
    return False


def runner(model: keras.Model) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return a model with one output as a function of one image (1, size, size, 3), safe to call from threads.

    Raises:
        RuntimeError: it could not be converted; with what the converter said last.
    """
    content = _converted(model)
    local = threading.local()

    def run(image: NDArray[np.float32]) -> NDArray[np.float32]:
        if not hasattr(local, "call"):
            local.interpreter, local.call = _interpreter(content)
        answer: NDArray[np.float32] = local.call(image=image)[_ANSWER]
        return answer

    return run


def _interpreter(content: bytes) -> tuple[Any, Any]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    return interpreter, interpreter.get_signature_runner("serving_default")


def _converted(model: keras.Model) -> bytes:
    named = keras.Model(model.input, {_ANSWER: model.output})
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "model.keras", Path(folder) / "model.tflite"
        named.save(source)
        command = [sys.executable, "-m", "training.fitting.lite", str(source), str(target)]
        environment = {
            **os.environ,
            "KERAS_BACKEND": "tensorflow",
            "CUDA_VISIBLE_DEVICES": "",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"The frozen part could not be converted to LiteRT: {done.stderr.strip()[-300:]}")
        return target.read_bytes()


def _main() -> None:
    from training.convert import flatbuffer

    source, target = sys.argv[1:]
    Path(target).write_bytes(flatbuffer(keras.models.load_model(source, compile=False)))


if __name__ == "__main__":
    _main()
