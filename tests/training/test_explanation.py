"""The closed form of the map, with Grad-CAM by a gradient tape as the oracle."""

import io

import numpy as np
import pytest
from PIL import Image

from training.explanation import Head, activation_map, encode_map, regions, visible
from training.preprocessing import Preprocessing


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_map_is_grad_cam_on_the_logit(packed):
    """Selvaraju et al. 2017 by automatic differentiation: the weight of a channel is the mean of its gradient."""
    import keras
    import tensorflow as tf

    from training.artifact import Artifact

    artifact = Artifact.load(packed)
    model = keras.models.load_model(artifact.keras_file, compile=False)
    backbone = keras.Model(model.input, model.output["features"])
    head = model.get_layer("head")
    for rendition in artifact.golden.renditions:
        features = tf.Variable(backbone(artifact.preprocessing.model_input(rendition)))
        with tf.GradientTape() as tape:
            logit = head(tf.reduce_mean(features, axis=(1, 2)))
        weights = tf.reduce_mean(tape.gradient(logit, features), axis=(1, 2))
        oracle = tf.einsum("bhwc,bc->bhw", features, weights)[0].numpy()
        closed = activation_map(features.numpy()[0], artifact.head)
        cells = closed.size
        assert np.abs(closed / cells - oracle).max() <= 1e-5 * max(1.0, np.abs(oracle).max())
        assert closed.mean() + artifact.head.bias == pytest.approx(float(logit[0, 0]), abs=1e-4)


def test_mean_of_the_map_and_bias_are_the_logit():
    random = np.random.default_rng(1)
    features, head = random.random((3, 5, 7), np.float32), Head(random.random(7, np.float32) - 0.5, 0.25)
    expected = features.mean(axis=(0, 1)) @ head.kernel + head.bias
    assert activation_map(features, head).mean() + head.bias == pytest.approx(expected, abs=1e-6)
    with pytest.raises(ValueError, match=r"\(h, w, 7\)"):
        activation_map(features[..., :6], head)
    with pytest.raises(ValueError, match="channels"):
        Head(np.zeros((7, 1), np.float32), 0.0)


def test_stored_map_is_the_positive_part_one_pixel_a_cell():
    contributions = np.array([[-3.0, 0.0, 1.0], [2.0, 4.0, -1.0]], np.float32)
    with Image.open(io.BytesIO(encode_map(contributions))) as image:
        assert image.format == "PNG"
        assert image.mode == "L"
        assert np.asarray(image).tolist() == [[0, 0, 64], [128, 255, 0]]
    assert not visible(-np.ones((2, 2))).any()


def test_regions_lie_where_the_map_is_strong_in_fractions_of_the_radiograph():
    contributions = np.zeros((8, 8), np.float32)
    contributions[2:4, 3] = 5.0
    contributions[6, 6] = 9.0
    contributions[0, 0] = 2.0
    assert regions(contributions) == [(0.75, 0.75, 0.875, 0.875), (0.375, 0.25, 0.5, 0.5)]
    assert len(regions(contributions, threshold=0.1, most=2)) == 2
    assert regions(np.zeros((8, 8))) == []
    assert regions(-contributions) == []


def test_regions_outside_the_picture_are_cut_off():
    content = Preprocessing(64).content_box(100, 50)
    assert content == (0.25, 0.0, 0.75, 1.0)
    contributions = np.zeros((8, 8), np.float32)
    contributions[4, 0] = 3.0
    contributions[4, 5] = 2.0
    contributions[1, 1:3] = 2.0
    assert regions(contributions, content) == [(0.0, 0.125, 0.25, 0.25), (0.75, 0.5, 1.0, 0.625)]
