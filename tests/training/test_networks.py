"""The networks: folding changes nothing, sizes are refused, pretrained weights go where they belong."""

import numpy as np
import pytest

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")


def test_folded_mobilenet_is_the_original_function(tmp_path):
    """Against keras.applications with random statistics in every normalisation."""
    import keras

    from training.networks import folded_mobilenet_v2

    original = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(64, 64, 3))
    random = np.random.default_rng(0)
    for layer in original.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            layer.set_weights(
                [random.uniform(*bounds, shape) for bounds in ((0.5, 1.5), (-0.5, 0.5), (-0.2, 0.2), (0.5, 2))]
            )
    original.save_weights(tmp_path / "original.weights.h5")
    folded = folded_mobilenet_v2.backbone(64)
    folded_mobilenet_v2.load_imagenet(folded, tmp_path / "original.weights.h5")
    image = random.uniform(-1, 1, (2, 64, 64, 3)).astype(np.float32)
    expected = np.asarray(original(image, training=False))
    assert expected.max() > 0.1
    assert np.abs(np.asarray(folded(image)) - expected).max() <= 1e-4 * expected.max()
    assert len(folded.layers) < 0.75 * len(original.layers)


def test_sizes_and_names_that_cannot_be_are_sentences(tmp_path):
    from training.networks import folded_mobilenet_v2, recipes, tiny

    with pytest.raises(ValueError, match="multiple of 32"):
        folded_mobilenet_v2.backbone(100)
    with pytest.raises(ValueError, match="multiple of 16"):
        tiny.backbone(60)
    with pytest.raises(ValueError, match="Received: 'resnet'"):
        recipes.named("resnet")
    with pytest.raises(FileNotFoundError, match="file of weights"):
        folded_mobilenet_v2.load_imagenet(folded_mobilenet_v2.backbone(32), tmp_path / "none.h5")


def test_probe_separates_what_a_line_can_separate():
    from sklearn.linear_model import LogisticRegression

    from training import probe

    random = np.random.default_rng(0)
    columns = random.normal(3, (1, 5, 0.1), (400, 3))
    labels = (columns @ (1, -0.3, 2) + random.normal(0, 0.5, 400) > 8.1).astype(float)
    kernel, bias = probe.logistic(columns, labels, penalty=0.01, steps=2000)
    standard = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    expected = LogisticRegression(C=1 / (0.01 * 400), tol=1e-8).fit(standard, labels)
    assert kernel * columns.std(axis=0) == pytest.approx(expected.coef_[0], rel=1e-3)
    assert columns @ kernel + bias == pytest.approx(expected.decision_function(standard), abs=1e-2)
