"""The recipes that come with the package: each can be read by its name, built, and opened as it says."""

import pytest

from training import config

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
NAMES = sorted(path.stem for path in config.RECIPES.glob("*.json"))
PUBLISHED = {
    "mobilenet", "mobilenet_v2", "resnet50", "mobilenet_v2_types", "simple_cnn", "resnet50_parts", "densenet121",
    "efficientnet_v2_b0",
}  # fmt: skip


def test_every_published_system_has_one():
    assert set(NAMES) >= PUBLISHED


@pytest.mark.parametrize("name", NAMES)
def test_recipe_is_read_by_its_name_and_comes_back_from_a_run(name):
    recipe = config.read(name)
    assert config.Config.from_dict(recipe.to_dict()) == recipe
    assert config.read(str(config.RECIPES / f"{name}.json")) == recipe
    assert recipe.folds or sum(phase.epochs for phase in recipe.phases) >= 15


def test_published_courses():
    """What PRIOR systems say of their training, in numbers."""
    types = config.read("mobilenet_v2_types")
    assert [phase.open for phase in types.phases] == ["head", "last 53"]
    assert [phase.epochs for phase in config.read("simple_cnn").phases] == [30]
    parts = config.read("resnet50_parts")
    assert [(phase.open, phase.learning_rate, phase.early_stopping) for phase in parts.phases] == [("head", 1e-4, 5)]
    assert all(phase.early_stopping and phase.reduce_on_plateau for phase in config.read("mobilenet").phases)


def test_last_layers_of_the_types_are_fifty_of_the_backbone():
    import keras

    from training.networks import recipes

    recipe = config.read("mobilenet_v2_types")
    model = recipes.named(recipe.network).build(64, recipe.question, recipe.options)
    backbone = keras.Model(model.input, model.output["features"])
    last = [layer.name for layer in model.layers[-53:]]
    assert last == [layer.name for layer in backbone.layers[-50:]] + ["pooled", "hidden_0", "head"]
