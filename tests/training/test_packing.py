"""From a run's folder to an artifact: which side may be used for what, and what follows from the figures."""

import csv
import dataclasses
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics

from tests import tiny
from tests.tiny import kinds
from training import calibrate, dataset, predictions, seen
from training.__main__ import main
from training.artifact import Artifact
from training.evaluation import ledger, measurement, packing
from training.evaluation.measurement import Served
from training.evaluation.packing import Title, Wishes
from training.preprocessing import Preprocessing
from training.seen import Seen
from training.tasks import BODY_PART

TITLE = Title("discs", "1", "synthetic")
QUICK = Wishes(rounds=20, pictures="none")
#: Images of each side; val has enough groups of hands and too few of hips.
SIDES = {"train": 42, "val": 200, "test": 60}
REGIONS = ("hand", "hand", "hip", "hand", "leg", "hand", "shoulder")


@pytest.fixture(scope="module")
def discs(tmp_path_factory):
    """Drawn discs: the fractured ones are larger on the whole, so brighter to the tiny model, and have a box."""
    folder = tmp_path_factory.mktemp("discs") / "data"
    folder.mkdir()
    random = np.random.default_rng(3)
    rows, boxes = [], []
    y, x = np.mgrid[:64, :64]
    for number in range(sum(SIDES.values())):
        fractured = number % 2 == 0
        radius = random.normal(18 if fractured else 13, 4)
        picture = random.normal(30, 4, (64, 64)) + 180 * ((x - 32) ** 2 + (y - 32) ** 2 < radius**2)
        name = f"{number}.png"
        Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(folder / name)
        side = next(side for side, last in zip(SIDES, np.cumsum(list(SIDES.values())), strict=True) if number < last)
        label = "fractured" if fractured else "not_fractured"
        rows.append(
            (name, label, f"g{number}", side, REGIONS[number % 7], int(fractured and number % 3 == 0), 0, 400, 300)
        )
        if fractured:
            boxes.append((name, 0.5, 0.5, 0.2, 0.2))
    _write(
        folder / "manifest.csv",
        ("file", "label", "group", "split", "region", "hardware", "multiscan", "orig_width", "orig_height"), rows,
    )  # fmt: skip
    _write(folder / "boxes.csv", ("image_id", "x_center", "y_center", "width", "height"), boxes)
    return dataset.read(folder)


def _write(path, head, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])


@pytest.fixture
def run(tmp_path, discs):
    """A run without folds, as `fit` and `convert` leave it."""
    return build(tmp_path / "run", discs)


def build(folder, data, *, leak="clean", known=(), model=tiny.FOLDER):
    shutil.copytree(model, folder)
    config = {
        "recipe": {"network": "tiny", "size": tiny.SIZE, "seed": 4, "phases": []},
        "task": data.task.name,
        "data": {"digest": data.digest, "name": "discs"},
        "weights": "random",
        "versions": {"backend": "Keras 3 on tensorflow"},
        "made": "2026-11-21",
        "leak": {"status": leak, "pairs": 3 if leak == "leaking" else 0, "allowed": leak == "leaking"},
    }
    history = [
        {"phase": phase, "epoch": epoch, "loss": 1 / (epoch + 1), "accuracy": 0.5, "val_loss": 1.0, "val_auroc": 0.7}
        for phase, epoch in ((0, 1), (0, 2), (1, 1))
    ]
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "history.json").write_text(json.dumps(history))
    taught = [sample for sample in data.samples if sample.split == "train"]
    table = [Seen(dataset.item_of(sample.path), predictions.group_digest(sample.group), "train") for sample in taught]
    (folder / "seen.csv").write_bytes(seen.encoded([*table, *known]))
    return folder


@pytest.fixture
def folded(tmp_path, discs):
    """A run by two folds, both answered by the tiny model; the run's logits were centred, the folds' models not."""
    folder = build(tmp_path / "folded", discs)
    rows = []
    for fold in range(2):
        shutil.copytree(tiny.FOLDER, folder / f"fold-{fold}")
        samples = [s for s in discs.samples if s.split != "test" and int(s.group[1:]) // 2 % 2 == fold]
        said = measurement.measured(Served.of(folder, Preprocessing(tiny.SIZE)), samples, "oof", fold)
        rows += [dataclasses.replace(entry.row, logits=(entry.row.logits[0] - 0.4,)) for entry in said]
    (folder / "predictions.csv").write_bytes(predictions.encoded(rows))
    return folder


def packed(run, data, out, title=TITLE, **wishes):
    packing.pack(run, data, out, title, dataclasses.replace(QUICK, **wishes))
    return Artifact.load(out)


@pytest.fixture(scope="module")
def plain(discs, tmp_path_factory):
    """The artifact of a run without folds, its test side not looked at."""
    folder = tmp_path_factory.mktemp("plain")
    return packed(build(folder / "run", discs), discs, folder / "out")


@pytest.fixture(scope="module")
def tested(discs, tmp_path_factory):
    """The artifact of a run without folds, its test side looked at once."""
    folder = tmp_path_factory.mktemp("tested")
    return packed(build(folder / "run", discs), discs, folder / "out", with_test=True)


def test_without_folds_val_calibrates_and_test_is_not_looked_at(plain):
    artifact = plain
    assert list(artifact.report["splits"]) == ["val"]
    assert {row.role for row in artifact.predictions} == {"val"}
    labels = np.array([row.label == "fractured" for row in artifact.predictions], float)
    logits = np.array([row.logits[0] for row in artifact.predictions])
    assert len(labels) == SIDES["val"]
    assert artifact.temperature == pytest.approx(calibrate.temperature(labels, logits))
    said = calibrate.probabilities(logits, artifact.temperature)
    split = artifact.report["splits"]["val"]
    assert split["auroc"]["value"] == pytest.approx(metrics.roc_auc_score(labels, logits))
    assert split["auroc"]["low"] < split["auroc"]["value"] < split["auroc"]["high"]
    assert (said[labels == 1] >= artifact.operating_points.lower).mean() >= 0.95
    assert (said[labels == 0] < artifact.operating_points.upper).mean() >= 0.95
    assert not (artifact.path.parent / "run" / ledger.FILE).exists()
    assert "was not looked at" in artifact.card
    assert "its figures flatter" in artifact.card
    assert artifact.config["shows_regions"] is False


def test_what_calibrated_it_is_among_what_it_has_seen(tested):
    roles = [entry.role for entry in tested.seen]
    assert roles.count("train") == SIDES["train"]
    assert roles.count("calibrate") == SIDES["val"]
    assert not {entry.item for entry in tested.seen} & {r.item for r in tested.predictions if r.role == "test"}
    assert tested.report["leak"]["learnt_from"] == {"val": 0, "test": 0}


def test_without_a_table_of_what_was_seen_nobody_knows(run, discs, tmp_path):
    (run / "seen.csv").unlink()
    artifact = packed(run, discs, tmp_path / "out")
    assert artifact.seen == ()
    assert artifact.report["leak"]["learnt_from"] == {"val": None}


def test_a_part_without_fifty_groups_of_either_label_is_outside_the_scope(plain):
    assert plain.scope.body_parts == ("hand",)
    assert "hip" in plain.scope.not_evaluated
    assert "hand" not in plain.scope.not_evaluated
    assert "silent on parts that it was not evaluated on: hip, leg, shoulder" in plain.card


def test_a_task_of_many_classes_has_no_points_and_no_map(discs, tmp_path):
    data = dataset.read(discs.root, BODY_PART)
    run = build(tmp_path / "run", data, model=kinds.PARTS)
    artifact = packed(run, data, tmp_path / "out", with_test=True, pictures="data")
    assert artifact.operating_points is None
    assert (artifact.map_kind, artifact.shows_regions) == ("none", False)
    labels = [row.label for row in artifact.predictions if row.role == "test"]
    logits = np.array([row.logits for row in artifact.predictions if row.role == "test"])
    said = np.array(BODY_PART.classes)[logits.argmax(axis=1)]
    split = artifact.report["splits"]["test"]
    assert split["accuracy"]["value"] == pytest.approx(np.mean(said == labels))
    expected = metrics.confusion_matrix(labels, said, labels=BODY_PART.classes)
    assert split["confusion"]["at"]["largest"] == expected.tolist()
    assert split["pointing"] is None
    page = (artifact.path / "report.html").read_text()
    assert "Accuracy" in artifact.card
    assert "which of these parts of the body" in artifact.card
    assert page.count("data:image/png") == 2 + 3
    assert page.count("data:image/jpeg") == 12
    assert artifact.scope.body_parts == ("hand",)


def test_a_network_that_draws_its_own_map_plays_too(discs, tmp_path):
    artifact = packed(build(tmp_path / "run", discs, model=kinds.LOCATED), discs, tmp_path / "out", pictures="data")
    pointing = artifact.report["splits"]["val"]["pointing"]
    assert artifact.map_kind == "head"
    assert pointing["drawn"] == "map"
    assert pointing["map"]["value"] == pointing["activation"]["value"] > 0.4
    assert pointing["over_activation"]["value"] == 0
    assert not artifact.shows_regions
    assert "none is shown as a finding" in (artifact.path / "report.html").read_text()
    assert "shown as no finding" in artifact.card


def test_folds_answer_calibrate_and_point(folded, discs, tmp_path):
    artifact = packed(folded, discs, tmp_path / "out", with_test=True)
    report = artifact.report
    assert set(report["splits"]) == {"oof", "test"}
    assert report["headline"] == "test"
    assert report["calibration"]["fitted_on"] == "oof"
    rows = [row for row in artifact.predictions if row.role == "oof"]
    assert {entry.item for entry in artifact.seen if entry.role == "calibrate"} == {row.item for row in rows}
    assert len(rows) == SIDES["train"] + SIDES["val"]
    assert report["folds"]["count"] == 2
    for fold, value in enumerate(report["folds"]["auroc"]):
        chosen = [row for row in rows if row.fold == fold]
        expected = metrics.roc_auc_score([r.label == "fractured" for r in chosen], [r.logits[0] for r in chosen])
        assert value == pytest.approx(expected)
    assert report["folds"]["mean"] == pytest.approx(np.mean(report["folds"]["auroc"]))
    pointing = report["splits"]["oof"]["pointing"]
    assert pointing["boxed"] == sum(row.label == "fractured" for row in rows)
    assert pointing["centre_prior"]["value"] == 1
    assert pointing["map"] is None
    assert all((row.pointed is not None) == (row.label == "fractured") for row in artifact.predictions)
    hits = [row.pointed for row in rows if row.pointed is not None]
    assert np.mean(hits) == pytest.approx(pointing["activation"]["value"])
    assert "out of fold" in report["summary"]


def test_a_fold_that_answers_something_else_is_refused(folded, discs, tmp_path):
    rows = list(predictions.decoded((folded / "predictions.csv").read_bytes()))
    number = next(n for n, row in enumerate(rows) if row.label == "fractured")
    rows[number] = dataclasses.replace(rows[number], logits=(rows[number].logits[0] + 1,))
    (folded / "predictions.csv").write_bytes(predictions.encoded(rows))
    with pytest.raises(ValueError, match=r"fold-\d to answer what the table says"):
        packed(folded, discs, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_every_use_of_the_test_side_is_told(tested, discs, tmp_path):
    run = shutil.copytree(tested.path.parent / "run", tmp_path / "run")
    first, second = tested, packed(run, discs, tmp_path / "second", with_test=True)
    assert first.report["test_uses"]["count"] == 1
    assert "Test was measured once, by this run" in first.card
    assert second.report["test_uses"]["count"] == 2
    assert "Test was measured 2 times, by this run" in second.card
    assert "measured 2 times by this run" in (second.path / "report.html").read_text()
    assert [use.artifact for use in ledger.uses(run)] == [first.sha256, second.sha256]
    items = [row.item for row in first.predictions if row.role == "test"]
    assert second.report["test_uses"]["digest"] == ledger.side_digest(items)


def test_a_leak_that_was_allowed_is_red_for_ever(plain, discs, tmp_path):
    clean = plain
    leaking = packed(build(tmp_path / "b", discs, leak="leaking"), discs, tmp_path / "leaking")
    assert not clean.report["leak"]["red"]
    assert 'class="red"' not in (clean.path / "report.html").read_text()
    assert leaking.report["leak"]["red"]
    assert leaking.config["leak"] == {"status": "leaking", "pairs": 3, "allowed": True, "red": True}
    assert '<p class="red">Leak. The data leak: 3 pairs' in (leaking.path / "report.html").read_text()
    assert "**Leak. The data leak: 3 pairs" in leaking.card


def test_images_that_were_learnt_from_are_found_whatever_the_run_says(discs, tmp_path):
    tested = discs.split("test")
    known = [
        Seen(dataset.item_of(tested[0].path), "another group", "train"),
        Seen("another image", predictions.group_digest(tested[1].group), "tune"),
    ]
    artifact = packed(build(tmp_path / "run", discs, known=known), discs, tmp_path / "out", with_test=True)
    assert artifact.report["leak"]["learnt_from"] == {"val": 0, "test": 2}
    assert artifact.report["leak"]["red"]
    assert "2 of 60 images of test" in artifact.card


def test_pictures_are_those_that_were_wished(run, discs, tmp_path):
    pages = {
        kind: (packed(run, discs, tmp_path / kind, pictures=kind).path / "report.html").read_text()
        for kind in ("none", "drawn", "data")
    }
    counts = {kind: page.count("data:image/jpeg") for kind, page in pages.items()}
    assert counts == {"none": 0, "drawn": 2 * 4, "data": counts["data"]}
    assert counts["data"] >= 2 * 6
    assert "not passed on with it" in pages["none"]
    assert "show no person" in pages["drawn"]
    for page in pages.values():
        assert page.count("data:image/png") == 4 + 3
        assert "Research and evaluation. Not a medical device. A qualified person decides." in page
        assert "<script" not in page
        assert "http" not in page


def test_another_artifact_stands_beside(plain, run, discs, tmp_path):
    first = plain
    second = packed(run, discs, tmp_path / "second", Title("discs", "2", "synthetic"), beside=first.path)
    beside = second.report["beside"]
    assert beside["sha256"] == first.sha256
    assert beside["splits"]["val"]["auroc"] == first.report["splits"]["val"]["auroc"]
    assert "Beside another model" in (second.path / "report.html").read_text()
    older = packed(run, discs, tmp_path / "third", beside=tiny.write(tmp_path / "older", version=1))
    assert older.report["beside"]["splits"]["val"]["auroc"]["value"] == 0.9


def test_conformal_points_are_the_more_careful_ones(plain, run, discs, tmp_path):
    careful = packed(run, discs, tmp_path / "careful", way="conformal")
    assert careful.operating_points.lower <= plain.operating_points.lower
    assert careful.operating_points.upper >= plain.operating_points.upper
    assert careful.operating_points != plain.operating_points
    assert "split-conformal" in careful.card


def test_the_same_run_gives_the_same_artifact(plain, run, discs, tmp_path):
    assert packed(run, discs, tmp_path / "again").sha256 == plain.sha256


def test_data_of_another_question_are_refused(run, discs, tmp_path):
    parts = dataset.read(discs.root, BODY_PART)
    with pytest.raises(dataset.DatasetError, match="task fracture"):
        packed(run, parts, tmp_path / "out")


def test_the_command_line(run, discs, tmp_path, capsys):
    options = ["--name", "discs", "--version", "1", "--source", "synthetic", "--rounds", "10", "--points", "conformal"]
    command = ["evaluate", str(run), str(discs.root), str(tmp_path / "out"), *options]
    assert main([*command, "--test", "--pictures", "none", "--beside", str(tiny.write(tmp_path / "older"))]) == 0
    artifact = Artifact.load(tmp_path / "out")
    printed = capsys.readouterr().out
    assert artifact.sha256 in printed
    assert artifact.report["summary"] in printed
    assert f"doubt {artifact.report['splits']['test']['doubt']['value']:.3f}" in printed
    assert "by this run so far: 1." in printed
    assert artifact.report["calibration"]["way"] == "conformal"
    assert set(artifact.report["splits"]) == {"val", "test"}
    assert artifact.report["pictures"]["kind"] == "none"


@pytest.mark.parametrize(
    ("spoil", "options", "words"),
    [
        ("config.json", (), "Missing: config.json"),
        ("history.json", (), "Missing: history.json"),
        ("model.tflite", (), "Missing: model.tflite"),
        ("", ("--beside", "absent"), "SHA256SUMS"),
        ("", ("--rounds", "0"), "at least one round"),
        ("", ("--source", "export"), "--source export"),
    ],
)
def test_what_cannot_be_evaluated_is_a_sentence(run, discs, tmp_path, capsys, spoil, options, words):
    if spoil:
        (run / spoil).unlink()
    command = ["evaluate", str(run), str(discs.root), str(tmp_path / "out"), "--name", "a", "--version", "1"]
    assert main([*command, "--source", "synthetic", *options]) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_help_reads_well(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "--help"])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    for words in ("out-of-fold", "every use is counted", "--beside ARTIFACT", "--points", "--pictures"):
        assert words in printed
