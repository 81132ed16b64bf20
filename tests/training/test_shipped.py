"""The models in the box: intact, small, honest, and answering the same in LiteRT and Keras."""

import os
import subprocess
import sys

import numpy as np
import pytest

from training import calibrate, dataset
from training.artifact import Artifact
from training.evaluation import measurement, verdicts, weighted
from training.evaluation.measurement import Served
from training.explanation import activation_map
from training.litert import LiteModel

from .conftest import ROOT

SHIPPED = sorted(path for path in (ROOT / "inference" / "shipped").iterdir() if path.is_dir())


@pytest.fixture(params=SHIPPED, ids=lambda path: path.name)
def shipped(request):
    return Artifact.load(request.param)


@pytest.fixture
def fracture():
    (found,) = [path for path in SHIPPED if path.name == "fracture-mobilenetv2"]
    return Artifact.load(found)


def test_there_are_models_in_the_box(fracture):
    assert fracture.task == "fracture"


def test_golden_cases_on_litert(shipped):
    model, golden = LiteModel(shipped.model_file), shipped.golden
    assert len(golden.renditions) >= 3
    assert golden.logits.std() > 0.1
    for number, rendition in enumerate(golden.renditions):
        answer = model(shipped.preprocessing.model_input(rendition))
        largest = golden.feature_maxima[number]
        assert np.abs(answer.logits - golden.logits[number]).max() <= 1e-4
        assert abs(answer.features.max() - largest) <= 1e-3 * largest
        assert np.abs(answer.features.mean(axis=(0, 1)) - golden.feature_means[number]).max() <= 1e-3 * largest


def test_litert_answers_what_keras_answers_everywhere_in_the_features(shipped):
    """In a process of its own: TensorFlow stays out of the others' memory."""
    code = """
import sys, pathlib, keras, numpy as np
from training import convert
from training.artifact import Artifact
from training.litert import LiteModel
artifact = Artifact.load(pathlib.Path(sys.argv[1]))
loaded = keras.models.load_model(artifact.keras_file, compile=False)
said = convert.keras_answers(loaded, artifact.golden.renditions)
model = LiteModel(artifact.model_file)
for number, rendition in enumerate(artifact.golden.renditions):
    answer = model(artifact.preprocessing.model_input(rendition))
    off = np.abs(answer.logits - said["logit"][number]).max()
    if answer.map is not None:
        off = max(off, np.abs(answer.map - said["map"][number]).max())
    features = said["features"][number]
    print(off, np.abs(answer.features - features).max() / features.max())
"""
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, "-c", code, str(shipped.path)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    differences = np.array([[float(value) for value in line.split()] for line in done.stdout.splitlines()])
    assert len(differences) == len(shipped.golden.renditions)
    assert differences[:, 0].max() <= 1e-4
    assert differences[:, 1].max() <= 1e-3


def test_it_is_small_enough(shipped):
    sizes = {path.name: path.stat().st_size for path in shipped.path.iterdir()}
    assert sizes["model.tflite"] <= 15e6
    assert max(sizes.values()) <= 15e6
    assert sum(path.stat().st_size for folder in SHIPPED for path in folder.iterdir()) <= 50e6


def test_its_card_names_limits_and_origin(shipped):
    for words in (
        "Not a medical device", "not evaluated", "What it is not for", "10.1038/s41597-023-02432-4", "CC BY 4.0",
        "Apache-2.0", "Keras 3", "had not seen its group",
    ):  # fmt: skip
        assert words in shipped.card


def test_every_weight_of_it_was_trained(shipped):
    """The first weights are another's work: none of them may be passed on as it was."""
    (last,) = [phase for phase in shipped.report["made"]["recipe"]["phases"] if phase["open"] == "all"]
    assert last["epochs"] >= 1


def test_the_fracture_model_reaches_what_was_promised(fracture):
    said = fracture.report["splits"]["oof"]
    assert fracture.report["folds"]["mean"] >= 0.90
    assert said["auroc"]["value"] > said["baseline_auroc"]["value"] + 0.1
    assert said["sensitivity_at_specificity_85"]["value"] >= 0.80
    assert said["calibration_error"]["value"] <= 0.05
    assert fracture.map_kind == "head"
    assert fracture.shows_regions
    assert "without any pixel" in fracture.card


def test_its_table_gives_the_figures_of_its_report(fracture):
    rows = [row for row in fracture.predictions if row.role == "oof"]
    logits = np.array([row.logits[0] for row in rows])
    labels = np.array([row.label == "fractured" for row in rows], np.float32)
    split = fracture.report["splits"]["oof"]
    calibrated = calibrate.probabilities(logits, fracture.temperature)
    assert weighted.area(labels, logits) == pytest.approx(split["auroc"]["value"], abs=1e-4)
    assert verdicts.states(labels, calibrated, fracture.operating_points) == split["states"]
    assert {row.item for row in rows} <= {entry.item for entry in fracture.seen}
    assert not {row.group for row in fracture.predictions if row.role == "test"} & {one.group for one in fracture.seen}


def test_it_refuses_what_it_does_not_know(fracture):
    assert fracture.scope.assess(body_part="chest").sentence == "not assessed: chest radiograph"
    assert fracture.scope.assess(modality="CT").code == "modality"
    assert fracture.scope.assess(body_part="hand", modality="DX") is None
    assert fracture.scope.assess(body_part="hip").code == "not_evaluated"
    assert fracture.scope.assess() is None


@pytest.mark.long
def test_its_figures_are_those_of_the_file_that_is_served(fracture, shared_data):
    samples = dataset.read(shared_data / "fracatlas").split("test")
    served = Served(LiteModel(fracture.model_file), fracture.head, fracture.preprocessing)
    said = {entry.row.item: entry.row.logits[0] for entry in measurement.measured(served, samples, "test")}
    known = {row.item: row.logits[0] for row in fracture.predictions if row.role == "test"}
    assert said.keys() == known.keys()
    assert max(abs(said[item] - known[item]) for item in known) <= 1e-3


def test_its_map_says_where(fracture):
    model = LiteModel(fracture.model_file)
    for rendition in fracture.golden.renditions:
        answer = model(fracture.preprocessing.model_input(rendition))
        assert answer.map.shape == (fracture.preprocessing.size // 16,) * 2
        assert answer.map.std() > 0
        assert activation_map(answer.features, fracture.head).shape == model.cells
