"""The networks by name: their shapes, one step of training, the range of their input, files of weights."""

import json

import numpy as np
import pytest

from tests.conftest import ROOT
from training import config, tasks
from training.explanation import Head, activation_map

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

SIZE = 64
NAMES = sorted(path.stem for path in config.RECIPES.glob("*.json"))
WEIGHTS = ROOT.parent / "shared/data/weights"
#: Cells of the features, channels, units of the dense layers, layers of the backbone with the input, by network.
SHAPES = {
    "mobilenet": (2, 768, (128,), 86),
    "mobilenet_v2": (2, 1280, (), 154),
    "mobilenet_v2_types": (2, 1280, (128,), 154),
    "resnet50": (2, 2048, (), 176),
    "resnet50_parts": (2, 2048, (128, 50), 176),
    "densenet121": (2, 1024, (), 428),
    "efficientnet_v2_b0": (2, 1280, (), 269),
    "simple_cnn": (6, 128, (128,), 8),
    "folded_mobilenet_v2": (2, 1280, (), 103),
    "tiny": (4, 32, (), 9),
}
#: What black and white are to the channels of a backbone: 0..255 less ImageNet's means, standardised, or 0..1.
CENTRED = [(-mean, 255 - mean) for mean in (103.939, 116.779, 123.68)]
STANDARD = [(-mean / deviation, (1 - mean) / deviation)
            for mean, deviation in ((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))]  # fmt: skip
RANGES = {
    "resnet50": CENTRED, "resnet50_parts": CENTRED, "densenet121": STANDARD, "efficientnet_v2_b0": STANDARD,
    "simple_cnn": [(0, 1)] * 3,
}  # fmt: skip


def built(name, size=SIZE, task=tasks.FRACTURE_TYPE, **options):
    import keras

    from training.networks import recipes

    keras.utils.set_random_seed(3)
    return recipes.named(name).build(size, task, options)


def images(count, size=SIZE):
    values = np.random.default_rng(0).uniform(-1, 1, (count, size, size, 1)).astype(np.float32)
    return np.repeat(values, 3, axis=-1)


@pytest.mark.parametrize("name", SHAPES)
def test_shape_and_one_step_of_training(name):
    """As its recipes build it, which open layers that it has."""
    import keras

    from training.fitting import cut

    cells, channels, hidden, layers = SHAPES[name]
    courses = [recipe for recipe in map(config.read, NAMES) if recipe.network == name]
    model = built(name, **(courses[0].options if courses else {}))
    for phase in (phase for recipe in courses for phase in recipe.phases):
        assert "head" in cut.opened(model, phase.open)
    assert model.input_shape == (None, SIZE, SIZE, 3)
    assert model.output["logit"].shape == (None, 10)
    assert model.output["features"].shape == (None, cells, cells, channels)
    assert [model.get_layer(f"hidden_{number}").units for number in range(len(hidden))] == list(hidden)
    backbone = keras.Model(model.input, model.output["features"])
    assert len(backbone.layers) == layers
    assert not any(isinstance(layer, keras.layers.Lambda) for layer in model.layers)
    assert_head_is_read(model)
    assert_range(model)
    teacher = keras.Model(model.input, model.output["logit"])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    teacher.compile(keras.optimizers.Adam(1e-3), loss, run_eagerly=True)
    before = [weight.numpy() for weight in model.trainable_weights]
    assert np.isfinite(teacher.train_on_batch(images(2), np.array([0, 1])))
    moved = [bool((old != new.numpy()).any()) for old, new in zip(before, model.trainable_weights, strict=True)]
    assert np.mean(moved) > 0.8, [w.path for w, m in zip(model.trainable_weights, moved, strict=True) if not m]


def assert_head_is_read(model):
    """The head that draws maps answers what the model answers, from the model's own features."""
    head = Head.of(model)
    if model.name == "simple_cnn":
        assert head.layers == ()
        return
    answered = {key: np.asarray(value)[0] for key, value in model(images(1)).items()}
    expected = pytest.approx(answered["logit"], abs=1e-4 * max(1.0, float(abs(answered["logit"]).max())))
    assert head.logits(answered["features"].mean(axis=(0, 1))) == expected
    assert activation_map(answered["features"], head, 9).shape == answered["features"].shape[:2]


def assert_range(model):
    """The backbone reads -1 and 1 as the ends of the range that its weights want."""
    if model.name not in RANGES:
        assert "range" not in {layer.name for layer in model.layers}
        return
    ends = np.array([-1.0, 1.0], np.float32).reshape(1, 2, 1, 1).repeat(3, axis=-1)
    seen = np.asarray(model.get_layer("range")(ends))[0, :, 0].T
    assert seen == pytest.approx(np.array(RANGES[model.name]), abs=1e-4)


def test_two_classes_have_one_logit():
    assert built("tiny", task=tasks.FRACTURE).output["logit"].shape == (None, 1)
    assert built("simple_cnn", task=tasks.BODY_PART).output["logit"].shape == (None, 4)


def test_options_are_known_by_name_or_refused():
    model = built("mobilenet", alpha=0.25, until="conv_dw_13_relu", hidden=[16, 8], dropout=0.0)
    assert model.output["features"].shape == (None, 2, 2, 256)
    assert Head.of(model).layers[1].kernel.shape == (16, 8)
    assert "dropout" not in {layer.name for layer in model.layers}
    for wrong, sentence in (
        ({"hiden": [3]}, "options alpha, until, hidden, dropout .*Received: ..hiden"),
        ({"until": "conv_99"}, "name of a layer as until.*conv_99"),
        ({"hidden": [0]}, "units above 0"),
        ({"dropout": 1.0}, "0 <= dropout < 1"),
    ):
        with pytest.raises(ValueError, match=sentence):
            built("mobilenet", **wrong)
    with pytest.raises(ValueError, match=r"at least 32 for the network resnet50_parts\. Received: 16"):
        built("resnet50_parts", size=16)


def test_weights_of_another_network_are_a_sentence_and_change_nothing(tmp_path):
    from training.networks import recipes

    wide, narrow = built("mobilenet", alpha=0.5), built("mobilenet", alpha=0.25)
    file = tmp_path / "alpha_050.weights.h5"
    _without_top(wide).save_weights(file)
    load = recipes.named("mobilenet").load_pretrained
    kept = [weight.numpy() for weight in narrow.weights]
    with pytest.raises(
        ValueError, match=r"mobilenet without top in .*alpha_050.*: \d+ arrays.*Received: .*missing|not of this"
    ):
        load(narrow, file)
    assert all((old == new.numpy()).all() for old, new in zip(kept, narrow.weights, strict=True))
    other = built("mobilenet", alpha=0.5)
    other.set_weights([weight * 0 for weight in other.get_weights()])
    load(other, file)
    assert _without_top(other)(images(1)).numpy() == pytest.approx(_without_top(wide)(images(1)).numpy())
    with pytest.raises(FileNotFoundError, match=r"none\.h5"):
        load(other, tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("no weights")
    with pytest.raises(ValueError, match=r"HDF5 file of weights in .*text\.h5"):
        load(other, tmp_path / "text.h5")


def _without_top(model):
    import keras

    return keras.Model(model.input, model.output["features"])


LONG = ("mobilenet", "resnet50_parts", "densenet121", "efficientnet_v2_b0")


@pytest.mark.timeout(400)  # ResNet50 takes minutes on loaded cores
@pytest.mark.parametrize("name", ["simple_cnn", *(pytest.param(name, marks=pytest.mark.long) for name in LONG)])
def test_litert_answers_what_keras_answers(name, tmp_path):
    """Through `convert`, which refuses a form that does not; with statistics of images in the normalisations."""
    from training import convert
    from training.litert import LiteModel

    model = built(name, task=tasks.BODY_PART, **({"alpha": 0.25} if name == "mobilenet" else {}))
    model(images(8), training=True)
    model.save(tmp_path / "model.keras")
    convert.convert(tmp_path)
    with np.load(tmp_path / "head.npz") as stored:
        head = Head.load(stored)
    answer = LiteModel(tmp_path / "model.tflite")(images(1))
    assert len(answer.logits) == 4
    assert len(np.unique(answer.logits)) == 4
    assert head.outputs == (0 if name == "simple_cnn" else 4)
    if head.layers:
        assert head.logits(answer.features.mean(axis=(0, 1))) == pytest.approx(answer.logits, abs=1e-4)


@pytest.mark.shared_data
@pytest.mark.skipif(not WEIGHTS.is_dir(), reason="wants the weights of ../shared/data")
@pytest.mark.parametrize(
    ("name", "file", "options"),
    [
        ("mobilenet_v2", "mobilenet_v2_1.0_224_no_top", {}),
        ("mobilenet_v2_types", "mobilenet_v2_1.0_224_no_top", {}),
        ("mobilenet", "mobilenet_v1_0.75_224_no_top", {"alpha": 0.75}),
        ("mobilenet", "mobilenet_v1_1.0_224_upto_conv_dw_13_relu", {"until": "conv_dw_13_relu"}),
    ],
)
def test_real_weights_answer_what_they_are_known_to_answer(name, file, options):
    from training.networks import recipes

    model = built(name, size=224, **options)
    recipes.named(name).load_pretrained(model, WEIGHTS / f"{file}.weights.h5")
    ramp = (np.arange(224 * 224 * 3) % 997 / 498.5 - 1).astype(np.float32).reshape(1, 224, 224, 3)
    features = np.asarray(model(ramp, training=False)["features"])
    known = json.loads((WEIGHTS / "weights.json").read_text())[f"{file}.weights.h5"]
    assert list(features.shape) == known["output_shape"]
    assert features.mean() == pytest.approx(known["ramp_mean"], rel=1e-4)
    assert features.std() == pytest.approx(known["ramp_std"], rel=1e-4)
