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


def test_there_is_a_model_in_the_box():
    assert "fracture-mobilenetv2" in [path.name for path in SHIPPED]


def test_golden_cases_on_litert(shipped):
    model, golden = LiteModel(shipped.model_file), shipped.golden
    assert len(golden.renditions) >= 3
    assert golden.logits.std() > 0.1
    for number, rendition in enumerate(golden.renditions):
        (logit,), features, _ = model(shipped.preprocessing.model_input(rendition))
        largest = golden.feature_maxima[number]
        assert abs(logit - golden.logits[number]) <= 1e-4
        assert abs(features.max() - largest) <= 1e-3 * largest
        assert np.abs(features.mean(axis=(0, 1)) - golden.feature_means[number]).max() <= 1e-3 * largest


def test_litert_answers_what_keras_answers_everywhere_in_the_features(shipped):
    """In a process of its own: TensorFlow stays out of the others' memory."""
    code = """
import sys, pathlib, keras, numpy as np
from training import convert
from training.artifact import Artifact
from training.litert import LiteModel
artifact = Artifact.load(pathlib.Path(sys.argv[1]))
loaded = keras.models.load_model(artifact.keras_file, compile=False)
logits, features = convert.keras_answers(loaded, artifact.golden.renditions)
model = LiteModel(artifact.model_file)
for number, rendition in enumerate(artifact.golden.renditions):
    (logit,), served, _ = model(artifact.preprocessing.model_input(rendition))
    print(abs(logit - logits[number]), np.abs(served - features[number]).max() / features[number].max())
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
    assert max(sizes.values()) <= 12e6
    assert sum(path.stat().st_size for folder in SHIPPED for path in folder.iterdir()) <= 30e6


def test_its_card_names_figures_limits_and_origin(shipped):
    for words in (
        "Not a medical device", "without any pixel", "not evaluated", "What it is not for",
        "10.1038/s41597-023-02432-4", "CC BY 4.0", "Apache-2.0", "Keras 3",
    ):  # fmt: skip
        assert words in shipped.card
    val = shipped.report["splits"]["val"]
    assert val["auroc"]["value"] >= 0.87
    assert val["auroc"]["value"] > val["baseline_auroc"]["value"] + 0.1
    assert f"{val['auroc']['value']:.3f}" in shipped.card


def test_it_refuses_what_it_does_not_know(shipped):
    assert shipped.scope.assess(body_part="chest").sentence == "not assessed: chest radiograph"
    assert shipped.scope.assess(modality="CT").code == "modality"
    assert shipped.scope.assess(body_part="hand", modality="DX") is None
    assert shipped.scope.assess() is None


@pytest.mark.long
def test_its_figures_are_those_of_the_file_that_is_served(shipped, shared_data):
    samples = dataset.read(shared_data / "fracatlas").split("val")
    served = Served(LiteModel(shipped.model_file), shipped.head, shipped.preprocessing)
    rows = [entry.row for entry in measurement.measured(served, samples, "val")]
    split = shipped.report["splits"]["val"]
    logits, labels = np.array([row.logits[0] for row in rows]), dataset.labels(samples)
    calibrated = calibrate.probabilities(logits, shipped.temperature)
    assert weighted.area(labels, logits) == pytest.approx(split["auroc"]["value"], abs=1e-3)
    assert verdicts.states(labels, calibrated, shipped.operating_points) == split["states"]


def test_a_map_of_it_says_where(shipped):
    model = LiteModel(shipped.model_file)
    for rendition in shipped.golden.renditions:
        answer = model(shipped.preprocessing.model_input(rendition))
        cells = activation_map(answer.features, shipped.head)
        assert cells.shape == model.cells == (shipped.preprocessing.size // 32,) * 2
        assert cells.std() > 0
