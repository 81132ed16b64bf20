"""A run by the command line: a tiny network learns, is converted, measured and packed; bad input is a sentence."""

import json

import numpy as np
import pytest
from PIL import Image

from training import dataset, litert, measurement, packing
from training.__main__ import main
from training.artifact import Artifact
from training.litert import LiteModel

from .conftest import command


def test_the_network_learns_and_its_best_round_is_kept(fitted):
    history = json.loads((fitted / "history.json").read_text())
    values = [entry["val_auroc"] for entry in history]
    assert [entry["epoch"] for entry in history] == list(range(11))
    assert values[0] < 0.8
    assert max(values) > 0.95
    assert history[-1]["loss"] < history[1]["loss"]
    made = json.loads((fitted / "recipe.json").read_text())
    assert made["backend"].endswith("on tensorflow")
    assert made["recipe"]["network"] == made["network"] == "tiny"


def test_report_repeats_what_the_served_file_says(packed, bars):
    artifact = Artifact.load(packed)
    data = dataset.read(bars)
    said = measurement.scores(LiteModel(artifact.model_file), data.split("test"), artifact.head, artifact.preprocessing)
    split = artifact.report["splits"]["test"]
    calibrated = packing.calibrate.probabilities(said.logits, artifact.temperature)
    assert split["auroc"]["value"] == packing.evaluate.auroc(said.labels, said.logits)
    assert split["brier"]["value"] == pytest.approx(packing.evaluate.brier(said.labels, calibrated))
    assert split["auroc"]["low"] <= split["auroc"]["value"] <= split["auroc"]["high"]
    assert split["pointing"]["boxed"] == 20
    assert 0.3 <= split["baseline_auroc"]["value"] <= 0.7
    strata = {row["name"]: row for row in split["strata"]}
    assert set(strata) == {"hand", "leg", "hip"}
    assert not any(row["evaluated"] for row in strata.values())
    assert strata["leg"]["images"] > strata["hip"]["images"]


def test_logits_are_centred_on_the_prevalence(packed, bars):
    """After the shift, the mean calibrated probability on val is about the share of fractured images."""
    artifact = Artifact.load(packed)
    said = measurement.scores(
        LiteModel(artifact.model_file), dataset.read(bars).split("val"), artifact.head, artifact.preprocessing
    )
    calibrated = packing.calibrate.probabilities(said.logits, artifact.temperature)
    assert calibrated.mean() == pytest.approx(0.5, abs=0.06)


def test_card_and_page_say_what_must_be_said(packed):
    artifact = Artifact.load(packed)
    page = (packed / "report.html").read_text()
    for text in (artifact.card, page):
        assert "Research and evaluation. Not a medical device. A qualified person decides." in text
        assert "not evaluated" in text
    assert "measured once" in artifact.card
    assert "What it is not for" in artifact.card
    assert page.count("data:image/png;base64,") == 4
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_without_the_flag_test_is_not_looked_at(fitted, bars, tmp_path):
    title = packing.Title("bars", "2", "synthetic")
    data = dataset.read(bars)
    for sample in data.split("test"):
        assert sample.path.is_file()
    packing.pack(fitted, data, tmp_path / "out", title, with_test=False, rounds=10)
    artifact = Artifact.load(tmp_path / "out")
    assert list(artifact.report["splits"]) == ["val"]
    assert "was not looked at" in artifact.card


def test_maps_point_at_the_gap_more_often_than_chance(packed, bars):
    artifact = Artifact.load(packed)
    split = artifact.report["splits"]["test"]["pointing"]
    assert split["inside"] >= 0.5 * split["boxed"]


def test_going_on_from_an_earlier_run(fitted, bars, tmp_path):
    done = command(
        "fit", bars, tmp_path / "on", "--network", "tiny", "--size", 64, "--epochs", 0,
        "--start", fitted / "model.keras",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    history = json.loads((tmp_path / "on" / "history.json").read_text())
    best = max(entry["val_auroc"] for entry in json.loads((fitted / "history.json").read_text()))
    assert history[0]["val_auroc"] == pytest.approx(best, abs=1e-6)


def test_other_outputs_are_no_model(packed):
    with pytest.raises(ValueError, match=r"Expected|model|flatbuffer|identifier"):
        LiteModel(packed / "head.npz")


def test_answers_keep_the_order_of_the_renditions(packed):
    artifact = Artifact.load(packed)
    model = LiteModel(artifact.model_file)
    logits, maps = litert.answers(model, list(artifact.golden.renditions), artifact.head, artifact.preprocessing)
    assert np.abs(logits - artifact.golden.logits).max() <= 1e-4
    assert maps.shape == (4, 4, 4)
    assert np.abs(maps.mean(axis=(1, 2)) + artifact.head.bias - logits).max() <= 1e-4


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fit", "absent", "run"), "manifest.csv"),
        (("convert", "absent"), "model.keras"),
        (
            ("evaluate", "absent", "absent", "out", "--name", "a", "--version", "1", "--source", "export"),
            "manifest.csv",
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
    done = command("fit", bars, tmp_path / "run", "--network", "resnet")
    assert done.returncode == 2, done.stderr
    assert "Expected one of the networks folded_mobilenet_v2, tiny. Received: 'resnet'." in done.stderr
    assert "Traceback" not in done.stderr


def test_synth_draws_a_data_set(tmp_path, capsys):
    assert main(["synth", str(tmp_path / "out"), "--count", "6", "--rows", "96", "--columns", "80"]) == 0
    assert "6 drawn radiographs" in capsys.readouterr().out
    with Image.open(tmp_path / "out" / "hand" / "00000.png") as image:
        assert image.size == (80, 96)
