"""Fitting: where networks are cut, what a round shows, what boxes teach, and going on after a kill."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import ROOT
from training.augmentation import Augmentation
from training.config import Config, ConfigError, Phase
from training.tasks import BODY_PART, FRACTURE

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

PHASE = Phase("all", 3, 1e-3)
CONFIG = Config("tiny", (PHASE,), size=64, batch=16, seed=3)


# Configurations.


def test_a_configuration_survives_json():
    config = replace(CONFIG, augmentation=Augmentation(degrees=5), options={"hidden": [8]}, folds=2)
    assert Config.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"nework": "tiny"}, r"Unknown: \['nework'\]"),
        ({"phases": []}, "Expected phases"),
        ({"phases": [{"open": "head"}]}, r"missing: \['epochs', 'learning_rate'\]"),
        ({"phases": [{"open": "last x", "epochs": 1, "learning_rate": 1}]}, "Received: 'last x'"),
        ({"phases": [{"open": "all", "epochs": 0, "learning_rate": 1}]}, "epochs >= 1"),
        ({"task": "age"}, "Expected task to be one of"),
        ({"balance": "draws"}, "draws with the balance"),
        ({"folds": 1}, "0 or at least 2 folds"),
        ({"augmentation": {"blur": 1}}, r"Unknown: \['blur'\]"),
        ({"size": "big"}, "Expected numbers"),
    ],
)
def test_what_cannot_be_is_a_sentence(changed, words):
    data = {"network": "tiny", "phases": [{"open": "all", "epochs": 1, "learning_rate": 0.1}], **changed}
    with pytest.raises(ConfigError, match=words):
        Config.from_dict(data)


# Cuts.


@pytest.fixture(scope="module")
def located():
    import keras

    from training.networks import recipes

    keras.utils.set_random_seed(0)
    return recipes.named("located_mobilenet_v2").build(64, FRACTURE, {})


@pytest.mark.parametrize(
    ("wanted", "shape"),
    [
        ("head", (4, 4, 96)),
        ("all", (64, 64, 3)),
        ("last 50", (4, 4, 96)),
        ("from block_6_expand", (8, 8, 32)),
        ("from block_5_add", (8, 8, 32)),
        ("from block_5_project", (8, 8, 32)),
        ("from block_13_expand", (4, 4, 96)),
    ],
)
def test_both_parts_of_a_cut_are_the_network(located, wanted, shape):
    import keras

    from training.fitting import cut

    names = cut.opened(located, wanted)
    tensor = cut.below(located, ("logit", "map"), names)
    above = cut.above(located, tensor, ("logit", "map"))
    assert tensor.shape[1:] == shape
    assert set(names) <= {layer.name for layer in above.layers}
    image = np.random.default_rng(0).uniform(-1, 1, (2, 64, 64, 3)).astype(np.float32)
    whole, parts = located(image), above(keras.Model(located.input, tensor)(image))
    for name in ("logit", "map"):
        assert np.asarray(parts[name]) == pytest.approx(np.asarray(whole[name]), abs=1e-5)


def test_a_frozen_backbone_is_cut_at_its_pooled_features():
    from training.fitting import cut
    from training.networks import recipes

    served = recipes.named("mobilenet").build(64, FRACTURE, {"hidden": [8], "dropout": 0.5})
    tensor = cut.below(served, ("logit",), cut.opened(served, "head"))
    assert len(tensor.shape) == 2  # pooled: a few numbers an image
    with pytest.raises(ConfigError, match="Received: 'conv_99'"):
        cut.opened(served, "from conv_99")


# Rounds.


TARGETS = np.array([0] * 90 + [1] * 10)


def test_a_balanced_round_shows_every_image_before_any_twice():
    from training.fitting import batches

    config = replace(CONFIG, balance="draws", draws=60)
    shown = batches.order(np.arange(100), TARGETS, config, np.random.default_rng(0))
    assert (TARGETS[shown] == 1).sum() == (TARGETS[shown] == 0).sum() == 30
    assert set(np.bincount(shown, minlength=100)[90:]) == {3}
    assert set(np.bincount(shown, minlength=100)[:90]) == {0, 1}
    plain = batches.order(np.arange(50, 100), TARGETS, CONFIG, np.random.default_rng(0))
    assert sorted(plain) == list(range(50, 100))


def test_class_weights_give_each_class_the_same_total():
    from sklearn.utils.class_weight import compute_class_weight

    from training.fitting import batches

    expected = compute_class_weight("balanced", classes=np.array([0, 1]), y=TARGETS)
    assert batches.class_weights(TARGETS, CONFIG) == pytest.approx(expected)
    assert set(batches.class_weights(TARGETS, replace(CONFIG, balance="none"))) == {1}
    parts = replace(CONFIG, task="body_part")
    assert len(batches.class_weights(np.array([0, 1, 1]), parts)) == len(BODY_PART.classes)


def test_rarer_classes_get_more_views():
    from training.fitting import frozen

    views = frozen.views_of(TARGETS, 2)
    assert views == [2] * 90 + [8] * 10
    assert frozen.views_of(np.array([0, 0, 1]), 2) == [2, 2, 4]


def test_boxes_teach_the_map():
    from training.fitting import losses

    loss = losses.losses(replace(CONFIG, covered=1.0, pointed=1.0))["map"]
    covered = np.zeros((2, 2, 2), np.float32)
    covered[0, 0, 1] = 1
    right = np.full((2, 2, 2), -4, np.float32)
    right[0, 0, 1] = 8
    wrong = np.full((2, 2, 2), -4, np.float32)
    wrong[0, 1, 0] = 8
    assert np.asarray(loss(covered, right))[0] < 0.1 < 5 < np.asarray(loss(covered, wrong))[0]
    assert np.asarray(loss(covered, right))[1] == pytest.approx(np.log1p(np.exp(-4)), rel=1e-3)
    assert "map" not in losses.losses(CONFIG)


def test_marks_are_those_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    from training.fitting import marks

    random = np.random.default_rng(0)
    logits = random.normal(0, 1, (200, 1))
    targets = (logits[:, 0] + random.normal(0, 1, 200) > 0).astype(int)
    said = marks.of(logits, targets, FRACTURE)
    assert said["val_auroc"] == pytest.approx(roc_auc_score(targets, logits[:, 0]))
    assert said["val_accuracy"] == ((logits[:, 0] > 0) == targets).mean()
    several = marks.of(np.eye(4)[np.arange(40) % 4] * 5, np.arange(40) % 4, BODY_PART)
    assert several["val_accuracy"] == several["val_auroc"] == 1


def test_a_phase_ends_and_slows_down_when_the_validation_loss_stays():
    import keras

    from training.fitting import marks

    rounds = [{"val_loss": value} for value in (3, 2, 2.5, 2.4)]
    assert marks.is_stalled(rounds, 2)
    assert not marks.is_stalled(rounds, 3)
    assert not marks.is_stalled(rounds, None)
    optimizer = keras.optimizers.Adam(0.5)
    marks.slow_down(optimizer, rounds, replace(PHASE, reduce_on_plateau=2, factor=0.1))
    assert float(optimizer.learning_rate) == pytest.approx(0.05)
    marks.slow_down(optimizer, rounds, replace(PHASE, reduce_on_plateau=3, factor=0.1))
    assert float(optimizer.learning_rate) == pytest.approx(0.05)


# A whole run, killed.


def run_fit(recipe, data, run, *, kill_after=None, by=signal.SIGKILL):
    """Run `fit`; with `kill_after` send it a signal once its output holds those words."""
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "training", "fit", str(recipe), str(data), str(run), "--allow-leak"]
    # A background shell hands on SIGINT as ignored; a person's terminal does not.
    heed = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=heed
    ) as process:
        said, deadline = "", time.monotonic() + 280
        for line in process.stdout:
            said += line
            if kill_after and kill_after in said:
                process.send_signal(by)
                kill_after = None
            assert time.monotonic() < deadline, said
    return process.returncode, said


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_killed_run_goes_on_fold_by_fold_and_round_by_round(bars, tmp_path):
    recipe = tmp_path / "recipe.json"
    phase = {"open": "from conv_2", "epochs": 3, "learning_rate": 3e-3, "optimizer": "adamw", "schedule": "cosine"}
    config = {
        "network": "tiny", "size": 64, "batch": 16, "balance": "draws", "draws": 96, "augmentation": {},
        "averaging": 0.9, "folds": 2, "phases": [phase],
    }  # fmt: skip
    recipe.write_text(json.dumps(config))
    straight, broken = tmp_path / "straight", tmp_path / "broken"
    assert run_fit(recipe, bars, straight)[0] == 0
    killed, _ = run_fit(recipe, bars, broken, kill_after="fold 2 of 2, phase 1, round 2")
    assert killed == -signal.SIGKILL
    first_fold = (broken / "fold-0" / "predictions.csv").read_bytes()
    assert not (broken / "predictions.csv").exists()
    ended, said = run_fit(recipe, bars, broken)
    assert ended == 0
    assert "fold 1 of 2" not in said
    assert "fold 2 of 2, phase 1, round 1" not in said
    assert (broken / "fold-0" / "predictions.csv").read_bytes() == first_fold
    logits = [_logits(run / "predictions.csv") for run in (straight, broken)]
    assert np.ptp(logits[0]) > 0.05
    assert logits[0] == pytest.approx(logits[1], abs=0.02)
    assert not (broken / "going").exists()
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**config, "seed": 9}))
    ended, said = run_fit(other, bars, broken)
    assert (ended, "Received: another recipe" in said) == (2, True)


def _logits(path):
    from training import predictions

    return np.array([row.logits[0] for row in predictions.decoded(path.read_bytes())])


def test_a_disk_without_room_for_kept_features_is_a_sentence(tmp_path):
    """Space that is taken only when it is written would end the process by a signal."""
    import keras

    from training.fitting import frozen

    image = keras.Input((64, 64, 3))
    bottom = keras.Model(image, keras.layers.AveragePooling2D(8)(image))
    shown = pictures_of(8)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"rows\.npy: Expected room .* 3072 bytes\. Received: File too large"):
            frozen.kept(tmp_path / "kept", bottom, shown, [0] * 8, None, map_side=0, seed=0, told=lambda *_: None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not (tmp_path / "kept" / "rows.npy").exists()


def pictures_of(count):
    from training.fitting.pictures import Pictures

    squares = np.random.default_rng(0).integers(0, 255, (count, 64, 64)).astype(np.uint8)
    return Pictures(squares, ((),) * count, ((0.0, 0.0, 1.0, 1.0),) * count)


@pytest.mark.timeout(600)
def test_ctrl_c_leaves_a_model_and_a_sentence(bars, tmp_path):
    import keras

    recipe = tmp_path / "recipe.json"
    phase = {"open": "all", "epochs": 40, "learning_rate": 1e-3}
    recipe.write_text(json.dumps({"network": "tiny", "size": 64, "batch": 16, "phases": [phase]}))
    ended, said = run_fit(recipe, bars, tmp_path / "run", kill_after="phase 1, round 2", by=signal.SIGINT)
    assert ended == 130
    assert "First weights: random" in said
    assert "stopped. What was finished is kept; the same command goes on." in said
    assert keras.models.load_model(tmp_path / "run" / "model.keras", compile=False).input_shape[1] == 64


def test_a_model_that_has_learnt_nothing_is_not_moved(capsys):
    from training.fitting import run

    class Learnt(run._Run):
        def __init__(self):
            self._config, self._targets = replace(CONFIG, balance="draws", draws=8), TARGETS

    shift = Learnt()._centre(None, -TARGETS[:, None].astype(float), range(len(TARGETS)))
    assert shift == 0
    assert "not moved to the prevalence. Expected logits that rise with the label" in capsys.readouterr().out
