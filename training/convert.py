"""From a fitted Keras model to the file that is served, with proof that they agree.

Responsible for `model.tflite`, `head.npz` and `golden.npz` of a run's folder; needs TensorFlow, whatever backend the
model was trained on. Not responsible for figures or packing.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training import synthetic
from training.explanation import Head
from training.litert import LiteModel
from training.preprocessing import Preprocessing

#: The largest difference of logits, and of features relative to their maximum, between Keras and LiteRT.
LOGIT_TOLERANCE: Final = 1e-4
FEATURE_TOLERANCE: Final = 1e-3

Answers = dict[str, NDArray[np.float32]]


class ConversionError(RuntimeError):
    """The converted model does not answer what the Keras model answers."""


def convert(run: Path) -> None:
    """Write the served files of a fitted run.

    Raises:
        FileNotFoundError: the run has no `model.keras`.
        ConversionError: the two models differ by more than the tolerances.
    """
    source = run / "model.keras"
    if not source.is_file():
        raise FileNotFoundError(f"Expected a fitted run with model.keras. Received: {run}.")
    model = _loaded(source)
    preprocessing = Preprocessing(int(model.input_shape[1]))
    (run / "model.tflite").write_bytes(flatbuffer(model))
    arrays: Any = Head.of(model).arrays()
    np.savez(run / "head.npz", **arrays)
    squares = golden_renditions(preprocessing)
    answered = keras_answers(model, squares)
    _compare(LiteModel(run / "model.tflite"), squares, preprocessing, answered)
    _write_golden(run / "golden.npz", squares, answered)


def flatbuffer(model: Any) -> bytes:
    """Return the LiteRT form (fp32) of a classifier: `image` (1, size, size, 3) to `logit` and `features`."""
    import keras
    import tensorflow as tf

    size = int(model.input_shape[1])
    archive = keras.export.ExportArchive()
    archive.track(model)
    signature = tf.TensorSpec((1, size, size, 3), tf.float32, name="image")
    archive.add_endpoint("serving_default", lambda image: model(image, training=False), input_signature=[signature])
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serving_default"])
        converted: bytes = converter.convert()
    return converted


def golden_renditions(preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Return (n, size, size) uint8: one drawn radiograph of each part, broken and not in turn."""
    drawn = [
        synthetic.radiograph(number, fractured=number % 2 == 0, part=part, bits=12 if number == 1 else 8).pixels
        for number, part in enumerate(synthetic.PARTS)
    ]
    return np.stack([preprocessing.rendition(pixels) for pixels in drawn])


def keras_answers(model: Any, squares: NDArray[np.uint8]) -> Answers:
    """Return what the Keras model answers to renditions, one image a call as in serving: (n, ...) for each output."""
    preprocessing = Preprocessing(squares.shape[1])
    answered = [model.predict_on_batch(preprocessing.model_input(square)) for square in squares]
    return {name: np.concatenate([np.asarray(answer[name]) for answer in answered]) for name in answered[0]}


def _write_golden(path: Path, squares: NDArray[np.uint8], answered: Answers) -> None:
    """Write the golden cases; one logit a case where the model has one."""
    logits, features = answered["logit"], answered["features"]
    content = {
        "renditions": squares,
        "logits": logits[:, 0] if logits.shape[1] == 1 else logits,
        "feature_means": features.mean(axis=(1, 2)),
        "feature_maxima": features.max(axis=(1, 2, 3)),
    }
    if "map" in answered:
        content["maps"] = answered["map"]
    np.savez_compressed(path, **content)


def _loaded(source: Path) -> Any:
    """Return the Keras model, on TensorFlow."""
    import keras

    if keras.backend.backend() != "tensorflow":
        raise ConversionError(f"Expected Keras on TensorFlow to convert. Received: {keras.backend.backend()}.")
    return keras.models.load_model(source, compile=False)


def _compare(served: LiteModel, squares: NDArray[np.uint8], preprocessing: Preprocessing, answered: Answers) -> None:
    """Refuse a conversion whose answers lie outside the tolerances."""
    for number, square in enumerate(squares):
        answer = served(preprocessing.model_input(square))
        expected = {name: values[number] for name, values in answered.items()}
        off = float(np.abs(answer.logits - expected["logit"]).max())
        if answer.map is not None:
            off = max(off, float(np.abs(answer.map - expected["map"]).max()))
        feature_off = float(np.abs(answer.features - expected["features"]).max() / expected["features"].max())
        if not (off <= LOGIT_TOLERANCE and feature_off <= FEATURE_TOLERANCE):  # NaN is no agreement either
            raise ConversionError(
                f"Expected logits within {LOGIT_TOLERANCE} and features within {FEATURE_TOLERANCE} of Keras. "
                f"Received differences of {off:.2g} and {feature_off:.2g}."
            )
