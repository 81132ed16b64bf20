"""Tiny models of the other kinds: one that names body parts, and one that draws a map of its own.

The files in ``parts/`` and ``located/`` were made by ``python -m tests.tiny.kinds``, which needs TensorFlow. The first
answers one logit a part: the brighter the rendition, the more it is a shoulder, and a dark one is a hand. The second
answers the brightness of each of its cells as the logit of a fracture there.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests import tiny
from training import artifact, tasks

PARTS, LOCATED = Path(__file__).parent / "parts", Path(__file__).parent / "located"
CHANNELS = 4


def _weights(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def parts(folder, **changes):
    """Write the artifact of a body-part model and return its folder."""
    known = {
        "name": "tiny-parts",
        "task": "body_part",
        "classes": list(tasks.BODY_PART.classes),
        "operating_points": None,
        "map": "none",
        "shows_regions": False,
    }
    artifact.write(
        folder, tiny.files(**{"table": tiny.named_rows(tasks.BODY_PART.classes), **known, **changes}) | _weights(PARTS)
    )
    return folder


def located(folder, **changes):
    """Write the artifact of a fracture model with a map of its own and return its folder."""
    known = {"name": "tiny-located", "map": "head", "report": tiny.report("head")}
    artifact.write(folder, tiny.files(**known | changes) | _weights(LOCATED))
    return folder


def _models():
    import keras

    from tests.tiny.__main__ import backbone

    base = backbone()
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled")(base.output)
    logits = keras.layers.Dense(4, name="head")(pooled)
    of_parts = keras.Model(base.input, {"logit": logits, "features": base.output})
    rising = np.array([-3.0, -1.0, 1.0, 3.0], np.float32)
    kernel = np.repeat(rising[np.newaxis], CHANNELS, axis=0)
    of_parts.get_layer("head").set_weights([kernel, -rising * 1.5])

    base = backbone()
    pooled = keras.layers.GlobalAveragePooling2D(name="pooled")(base.output)
    logit = keras.layers.Dense(1, name="head")(pooled)
    side = base.output.shape[1]
    cells = keras.layers.Conv2D(1, 1, name="cells_of_map")(base.output)
    map_ = keras.layers.Reshape((side, side), name="map")(cells)
    drawing = keras.Model(base.input, {"logit": logit, "features": base.output, "map": map_})
    weights = np.array([4.0, 2.0, 1.0, 1.0], np.float32)
    drawing.get_layer("head").set_weights([weights[:, np.newaxis], np.array([-3.5], np.float32)])
    drawing.get_layer("cells_of_map").set_weights([weights.reshape(1, 1, -1, 1), np.array([-3.5], np.float32)])
    return {PARTS: of_parts, LOCATED: drawing}


def _make(folder, model):
    from training.convert import flatbuffer, golden_renditions
    from training.preprocessing import Preprocessing

    folder.mkdir(exist_ok=True)
    model.save(folder / "model.keras")
    (folder / "model.tflite").write_bytes(flatbuffer(model))
    kernel, bias = model.get_layer("head").get_weights()
    np.savez(folder / "head.npz", kernel_0=kernel, bias_0=bias)
    preprocessing = Preprocessing(tiny.SIZE)
    squares = golden_renditions(preprocessing)
    said = [model.predict_on_batch(preprocessing.model_input(square)) for square in squares]
    answers = {name: np.concatenate([np.asarray(one[name]) for one in said]) for name in said[0]}
    features = answers["features"]
    golden = {
        "renditions": squares,
        "logits": answers["logit"][:, 0] if answers["logit"].shape[1] == 1 else answers["logit"],
        "feature_means": features.mean(axis=(1, 2)),
        "feature_maxima": features.max(axis=(1, 2, 3)),
    }
    if "map" in answers:
        golden["maps"] = answers["map"]
    np.savez_compressed(folder / "golden.npz", **golden)


if __name__ == "__main__":
    for folder, model in _models().items():
        _make(folder, model)
