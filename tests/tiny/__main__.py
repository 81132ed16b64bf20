"""Makes the files in ``model/`` anew; needs TensorFlow."""

import shutil
import tempfile
from pathlib import Path

import keras
import numpy as np

from tests.tiny import FOLDER, SIZE
from training.convert import convert
from training.networks.classifier import HEAD, classifier

CHANNELS = 4


def backbone():
    image = keras.Input((SIZE, SIZE, 3), name="image")
    cells = keras.layers.AveragePooling2D(8, name="cells")(image)
    features = keras.layers.Conv2D(CHANNELS, 1, activation="relu", name="lit")(cells)
    model = keras.Model(image, features)
    # Channel i answers how far a cell is brighter than a level; -1..1 is the range of the input.
    levels = np.linspace(-1, 0.5, CHANNELS).astype(np.float32)
    model.get_layer("lit").set_weights([np.full((1, 1, 3, CHANNELS), 1 / 3, np.float32), -levels])
    return model


if __name__ == "__main__":
    model = classifier(backbone())
    kernel, bias = np.array([[4.0], [2.0], [1.0], [1.0]], np.float32), np.array([-3.5], np.float32)
    model.get_layer(HEAD).set_weights([kernel, bias])
    with tempfile.TemporaryDirectory() as name:
        run = Path(name)
        model.save(run / "model.keras")
        convert(run)
        FOLDER.mkdir(exist_ok=True)
        for made in ("model.keras", "model.tflite", "head.npz", "golden.npz"):
            shutil.copy(run / made, FOLDER / made)
