"""The one seam behind which a model runs, and its two implementations.

LiteRT serves; Keras on TensorFlow is for a model that LiteRT cannot run and the oracle of tests. Neither is imported
before a model is loaded, TensorFlow never where LiteRT serves. Knows artifacts and arrays; no row, no store, no Django.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from training.artifact import Artifact, ArtifactError

LITERT: Final = "litert"
KERAS: Final = "keras"
KINDS: Final = (LITERT, KERAS)
_OUTPUTS: Final = frozenset({"logit", "features"})
_MAP: Final = "map"


@dataclass(frozen=True, slots=True)
class Output:
    """One forward pass.

    Attributes:
        logits: (n,) float32, one for each output of the task.
        features: (h, w, channels) float32 that they were pooled from.
        map: (h', w') float32, the logit of a fracture in each cell; None of a network that does not locate.
    """

    logits: NDArray[np.float32]
    features: NDArray[np.float32]
    map: NDArray[np.float32] | None = None


class Engine(Protocol):
    """A loaded model."""

    def predict(self, model_input: NDArray[np.float32]) -> Output:
        """Return the output for one input, (1, size, size, 3) float32."""


def kind_for(artifact: Artifact, wanted: str = LITERT) -> str:
    """Return the engine that can run an artifact: Keras where its model.tflite is empty, since it did not convert."""
    return wanted if artifact.model_file.stat().st_size > 0 else KERAS


def load(artifact: Artifact, kind: str = LITERT) -> Engine:
    """Return a verified artifact's model, ready to run.

    Args:
        artifact: What to load.
        kind: ``litert`` or ``keras``; see ``kind_for``.

    Raises:
        ArtifactError: The model has other inputs or outputs than its artifact promises.
    """
    return LiteRTEngine(artifact) if kind_for(artifact, kind) == LITERT else KerasEngine(artifact)


class LiteRTEngine:
    """A model on LiteRT, one thread: two one-thread processes serve more than one with two threads.

    Args:
        artifact: Whose model.tflite is run. Outputs are read by name: the order of tensors is not stable.
    """

    def __init__(self, artifact: Artifact) -> None:
        from ai_edge_litert.interpreter import Interpreter

        try:
            self._interpreter = Interpreter(model_path=str(artifact.model_file), num_threads=1)
            self._interpreter.allocate_tensors()
            signatures = self._interpreter.get_signature_list()
        except (RuntimeError, ValueError) as error:
            raise ArtifactError(f"{artifact.model_file}: expected a LiteRT model. Received: {error}.") from error
        key = next(iter(signatures), "")
        names = signatures.get(key, {"inputs": [], "outputs": []})
        if list(names["inputs"]) != ["image"]:
            raise ArtifactError(f"{artifact.model_file}: expected the input image. Received: {names}.")
        _require_outputs(artifact, artifact.model_file, names["outputs"])
        self._run = self._interpreter.get_signature_runner(key)

    def predict(self, model_input: NDArray[np.float32]) -> Output:
        """Return the output for one input, (1, size, size, 3) float32."""
        return _output(self._run(image=model_input))


class KerasEngine:
    """The same model on Keras and TensorFlow, compiled to a graph once: an eager call takes twelve times as long.

    Args:
        artifact: Whose model.keras is run. Code in it is refused.
    """

    def __init__(self, artifact: Artifact) -> None:
        import keras
        import tensorflow

        try:
            model = keras.saving.load_model(artifact.keras_file, compile=False, safe_mode=True)
        except (OSError, TypeError, ValueError) as error:
            raise ArtifactError(f"{artifact.keras_file}: expected a Keras model. Received: {error}.") from error
        self._artifact = artifact
        self._convert = tensorflow.constant
        self._run = tensorflow.function(lambda image: model(image, training=False), jit_compile=False)

    def predict(self, model_input: NDArray[np.float32]) -> Output:
        """Return the output for one input, (1, size, size, 3) float32."""
        outputs = self._run(self._convert(model_input))
        _require_outputs(self._artifact, self._artifact.keras_file, outputs)
        return _output({name: value.numpy() for name, value in outputs.items()})


def _require_outputs(artifact: Artifact, file: Path, names: Iterable[str]) -> None:
    """Raise ``ArtifactError`` unless a model answers what its artifact promises: a map where it draws one itself."""
    expected = _OUTPUTS | {_MAP} if artifact.map_kind == "head" else _OUTPUTS
    if set(names) - {_MAP} != _OUTPUTS or not expected <= set(names):
        raise ArtifactError(f"{file}: expected the outputs {sorted(expected)}. Received: {sorted(names)}.")


def _output(outputs: Mapping[str, Any]) -> Output:
    located = outputs.get(_MAP)
    return Output(
        logits=np.asarray(outputs["logit"], np.float32).reshape(-1),
        features=np.asarray(outputs["features"][0], np.float32),
        map=None if located is None else np.asarray(located[0], np.float32),
    )
