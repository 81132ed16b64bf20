"""A run by the command line: a tiny network learns, is converted, measured and packed; bad input is a sentence."""

import json

import numpy as np
import pytest
from PIL import Image

from training import calibrate, dataset
from training.__main__ import main
from training.artifact import Artifact
from training.evaluation import measurement, weighted
from training.evaluation.measurement import Served
from training.explanation import activation_map
from training.litert import LiteModel

from .conftest import RECIPE, command


def test_the_network_learns_and_its_best_round_is_kept(fitted):
    history = json.loads((fitted / "history.json").read_text())
    values = [entry["val_auroc"] for entry in history]
    assert [entry["epoch"] for entry in history] == list(range(1, 11))
    assert max(values) > 0.95
    assert history[-1]["loss"] < history[0]["loss"]
    made = json.loads((fitted / "config.json").read_text())
    assert made["versions"]["backend"].endswith("on tensorflow")
    assert made["recipe"]["network"] == "tiny"
    assert made["leak"]["status"] == "clean"


def said_of(artifact, samples):
    """Labels and logits: what the served file says of samples."""
    served = Served(LiteModel(artifact.model_file), artifact.head, artifact.preprocessing)
    rows = [entry.row for entry in measurement.measured(served, samples, "val")]
    return dataset.labels(samples), np.array([row.logits[0] for row in rows])


def test_report_repeats_what_the_served_file_says(packed, bars):
    artifact = Artifact.load(packed)
    labels, logits = said_of(artifact, dataset.read(bars).split("test"))
    split = artifact.report["splits"]["test"]
    calibrated = calibrate.probabilities(logits, artifact.temperature)
    assert split["auroc"]["value"] == pytest.approx(weighted.area(labels, logits))
    assert split["brier"]["value"] == pytest.approx(np.mean((calibrated - labels) ** 2))
    assert split["pointing"]["boxed"] == 20
    assert 0.3 <= split["baseline_auroc"]["value"] <= 0.7
    strata = {row["name"]: row for row in split["strata"]}
    assert set(strata) == {"hand", "leg", "hip"}
    assert not any(row["evaluated"] for row in strata.values())


def test_logits_are_centred_on_the_prevalence(packed, bars):
    """After the shift, the mean calibrated probability on val is about the share of fractured images."""
    artifact = Artifact.load(packed)
    _, logits = said_of(artifact, dataset.read(bars).split("val"))
    assert calibrate.probabilities(logits, artifact.temperature).mean() == pytest.approx(0.5, abs=0.06)


def test_other_outputs_are_no_model(packed):
    with pytest.raises(ValueError, match=r"Expected|model|flatbuffer|identifier"):
        LiteModel(packed / "head.npz")


def test_maps_of_the_golden_cases_add_up_to_their_logits(packed):
    artifact = Artifact.load(packed)
    model = LiteModel(artifact.model_file)
    for rendition, logit in zip(artifact.golden.renditions, artifact.golden.logits, strict=True):
        answer = model(artifact.preprocessing.model_input(rendition))
        assert abs(answer.logits[0] - logit) <= 1e-4
        cells = activation_map(answer.features, artifact.head)
        assert cells.shape == (4, 4)
        assert abs(cells.mean() + artifact.head.layers[0].bias[0] - answer.logits[0]) <= 1e-4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fit", "mobilenet_v2", "absent", "run"), "manifest.csv"),
        (("fit", "absent", "absent", "run"), "one of the recipes"),
        (("convert", "absent"), "model.keras"),
        (
            ("evaluate", "absent", "absent", "out", "--name", "a", "--version", "1", "--source", "export"),
            "fitted and converted run",
        ),
        (("synth", "out", "--count", "0"), "count of at least 1"),
        (("synth", "out", "--rows", "3"), "64 rows"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_two(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.err.count("\n") == 1
    assert "Traceback" not in printed.err


def test_unknown_command_names_the_known_ones(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["guess"])
    assert stopped.value.code == 2
    assert "synth" in capsys.readouterr().err


def test_a_bad_recipe_is_a_sentence(bars, tmp_path):
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({**RECIPE, "network": "resnet"}))
    done = command("fit", recipe, bars, tmp_path / "run")
    assert done.returncode == 2, done.stderr
    assert "Expected one of the networks" in done.stderr
    assert "Received: 'resnet'." in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_synth_draws_a_data_set(tmp_path, capsys):
    assert main(["synth", str(tmp_path / "out"), "--count", "6", "--rows", "96", "--columns", "80"]) == 0
    assert "6 drawn radiographs" in capsys.readouterr().out
    with Image.open(tmp_path / "out" / "hand" / "00000.png") as image:
        assert image.size == (80, 96)
