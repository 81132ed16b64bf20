"""The closed form of the map, with Grad-CAM by a gradient tape as the oracle."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image

from training.explanation import Dense, Head, activation_map, encode_map, located, regions, visible
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
        assert closed.mean() + artifact.head.layers[0].bias[0] == pytest.approx(float(logit[0, 0]), abs=1e-4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
@pytest.mark.parametrize("hidden", [(), (6,), (9, 5)])
def test_map_through_hidden_layers_is_grad_cam_on_each_logit(hidden):
    import tensorflow as tf

    random = np.random.default_rng(len(hidden))
    sizes = (7, *hidden, 3)
    layers = [
        Dense(
            random.normal(0, 1, (inputs, outputs)).astype(np.float32), random.normal(0, 1, outputs).astype(np.float32)
        )
        for inputs, outputs in itertools.pairwise(sizes)
    ]
    head = Head(tuple(layers))
    features = tf.Variable(random.normal(0, 1, (4, 5, 7)).astype(np.float32))
    for output in range(3):
        with tf.GradientTape() as tape:
            value = tf.reduce_mean(features, axis=(0, 1))[None]
            for layer in layers[:-1]:
                value = tf.nn.relu(value @ layer.kernel + layer.bias)
            logits = (value @ layers[-1].kernel + layers[-1].bias)[0]
            logit = logits[output]
        gradient = tape.gradient(logit, features)
        oracle = tf.einsum("hwc,c->hw", features, tf.reduce_mean(gradient, axis=(0, 1))).numpy()
        closed = activation_map(features.numpy(), head, output)
        assert closed / closed.size == pytest.approx(oracle, abs=1e-5)
        assert head.logits(features.numpy().mean(axis=(0, 1))) == pytest.approx(logits.numpy(), abs=1e-5)


def test_mean_of_the_map_and_bias_are_the_logit():
    random = np.random.default_rng(1)
    features, kernel = random.random((3, 5, 7), np.float32), random.random(7, np.float32) - 0.5
    head = Head.linear(kernel, 0.25)
    expected = features.mean(axis=(0, 1)) @ kernel + 0.25
    assert activation_map(features, head).mean() + 0.25 == pytest.approx(expected, abs=1e-6)
    with pytest.raises(ValueError, match=r"\(h, w, 7\)"):
        activation_map(features[..., :6], head)
    with pytest.raises(ValueError, match="one of 1 outputs"):
        activation_map(features, head, 1)
    with pytest.raises(ValueError, match="channels"):
        Head.linear(np.zeros((7, 1), np.float32), 0.0)


def test_head_comes_back_from_its_file(tmp_path):
    random = np.random.default_rng(2)
    head = Head(
        tuple(Dense(random.random((n, m), np.float32), random.random(m, np.float32)) for n, m in ((5, 4), (4, 2)))
    )
    np.savez(tmp_path / "two.npz", **head.arrays())
    np.savez(tmp_path / "none.npz", **Head(()).arrays())
    np.savez(tmp_path / "format_1.npz", kernel=head.layers[0].kernel[:, 0], bias=np.float32(0.5))
    np.savez(tmp_path / "torn.npz", kernel_0=head.layers[0].kernel, bias_1=head.layers[0].bias)
    with np.load(tmp_path / "two.npz") as stored:
        again = Head.load(stored)
        assert set(stored) == {"kernel_0", "bias_0", "kernel_1", "bias_1"}
    assert (again.channels, again.outputs) == (5, 2)
    assert again.logits(np.ones(5)) == pytest.approx(head.logits(np.ones(5)))
    with np.load(tmp_path / "format_1.npz") as stored:
        old = Head.load(stored)
    assert old.logits(np.ones(5)) == pytest.approx([head.layers[0].kernel[:, 0].sum() + 0.5])
    with np.load(tmp_path / "none.npz") as stored:
        empty = Head.load(stored)
    assert (empty.layers, empty.channels, empty.outputs) == ((), 0, 0)
    with pytest.raises(ValueError, match="pools"):
        activation_map(np.ones((2, 2, 5)), empty)
    with (
        np.load(tmp_path / "torn.npz") as stored,
        pytest.raises(ValueError, match="bias_1"),
    ):
        Head.load(stored)


def test_layers_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="bias of shape"):
        Dense(np.zeros((3, 2), np.float32), np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="Received: 4 inputs"):
        Head((Dense(np.zeros((3, 2), np.float32), np.zeros(2, np.float32)),
              Dense(np.zeros((4, 1), np.float32), np.zeros(1, np.float32))))  # fmt: skip


def test_located_is_the_sigmoid_of_every_cell():
    said = located(np.array([[0.0, 2.0], [-2.0, 1000.0]]))
    assert said.dtype == np.float32
    assert said == pytest.approx(np.array([[0.5, 0.880797], [0.119203, 1.0]]), abs=1e-6)
    with pytest.raises(ValueError, match=r"map of logits \(h, w\)"):
        located(np.zeros((2, 2, 1)))


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
