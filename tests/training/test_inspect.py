"""`python -m training inspect`: what it finds, says, writes and answers with."""

import errno
import json
import pathlib

import pytest
from PIL import Image

from training import dataset, synthetic
from training.__main__ import main
from training.inspection.shortcuts import EVERYTHING, shortcuts
from training.tasks import BODY_PART, FRACTURE

from .conftest import draw_bars


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def folder(tmp_path):
    """Two classes on three sides, and no copies."""
    for number in range(24):
        side, label = dataset.SPLITS[number // 8], ("fractured", "not_fractured")[number % 2]
        path = tmp_path / "data" / side / label / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        drawn = synthetic.radiograph(
            number, fractured=number % 2 == 0, part=synthetic.PARTS[number % 4], size=(120, 100)
        )
        Image.fromarray(drawn.pixels).save(path)
    return tmp_path / "data"


def inspect(capsys, *arguments):
    """Return exit code, standard output and standard error."""
    code = main(["inspect", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def turned(folder, number, degrees, target):
    source = next(folder.rglob(f"{number}.png"))
    Image.open(source).rotate(degrees, Image.Resampling.BICUBIC).save(folder / target)


def test_a_clean_split_is_described_and_answers_0(folder, tmp_path, capsys):
    code, told, _ = inspect(capsys, folder, "--out", tmp_path / "out")
    assert code == 0
    assert "24 images in 24 groups: train 4 fractured (50%), 4 not_fractured (50%)" in told
    assert "No radiograph was found on two sides of the split." in told
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"inspection.html", "inspection.json", "sheet.png"}
    found = json.loads((tmp_path / "out" / "inspection.json").read_text())
    assert found["counts"]["val"] == {"fractured": 4, "not_fractured": 4}
    assert found["sizes"] == {"smallest": [100, 120], "median": [100, 120], "largest": [100, 120], "distinct": 1}
    assert found["leak"]["status"] == "clean"
    page = (tmp_path / "out" / "inspection.html").read_text()
    assert "Not a medical device" in page
    assert 'src="data:image/jpeg;base64,' in page
    assert "http" not in page
    with Image.open(tmp_path / "out" / "sheet.png") as sheet:
        assert sheet.size[0] > 1000


def test_leaks_conflicts_and_copies_are_told_and_answer_1(folder, tmp_path, capsys):
    turned(folder, 0, 25, "test/fractured/other.png")
    turned(folder, 2, 200, "train/not_fractured/2<b>.png")
    code, told, _ = inspect(capsys, folder, "--out", tmp_path / "out")
    assert code == 1
    assert "The split leaks: 1 of 9 test images show a radiograph or a patient of train" in told
    assert f"test {folder}/test/fractured/other.png is a copy of train {folder}/train/fractured/0.png" in told
    assert "1 radiographs carry two labels." in told
    code, printed, _ = inspect(capsys, folder, "--json")
    found = json.loads(printed)
    assert code == 1
    assert found["leak"]["pairs"] == [["test/fractured/other.png", "train/fractured/0.png", "copy"]]
    assert found["conflicts"] == [
        [["train/fractured/2.png", "fractured"], ["train/not_fractured/2<b>.png", "not_fractured"]]
    ]
    assert found["copies"] == {"files": 0, "radiographs": 2, "largest": 2}
    page = (tmp_path / "out" / "inspection.html").read_text()
    assert '<p class="red">The split leaks' in page
    assert "2&lt;b&gt;.png (not_fractured)" in page
    assert "<b>.png" not in page


def test_sides_that_were_dealt_can_be_kept(folder, tmp_path, capsys):
    for label in ("fractured", "not_fractured"):
        (tmp_path / "flat" / label).mkdir(parents=True)
        for path in folder.rglob(f"{label}/*.png"):
            path.rename(tmp_path / "flat" / label / path.name)
    code, told, _ = inspect(capsys, tmp_path / "flat", "--out", tmp_path / "out")
    assert code == 0
    assert "Dealt by groups and copies: 70% train, 15% val, 15% test." in told
    (tmp_path / "out" / "splits.csv").rename(tmp_path / "flat" / "splits.csv")
    _, again, _ = inspect(capsys, tmp_path / "flat", "--out", tmp_path / "again")
    assert f"sides of {tmp_path / 'flat' / 'splits.csv'} kept" in again
    assert (tmp_path / "again" / "splits.csv").read_text() == (tmp_path / "flat" / "splits.csv").read_text()


def test_bad_input_is_one_sentence_and_leaves_nothing(folder, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("precious")
    code, told, sentence = inspect(capsys, folder, "--out", tmp_path / "out")
    assert (code, told) == (2, "")
    assert sentence == f"training inspect: Expected an empty or absent folder. Received: {tmp_path / 'out'}.\n"
    damaged = folder / "val" / "fractured" / "8.png"
    damaged.write_bytes(damaged.read_bytes()[:200])
    code, told, sentence = inspect(capsys, folder, "--out", tmp_path / "new")
    assert (code, told) == (2, "")
    assert f"Received: {damaged}" in sentence
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "out"]


def test_a_full_disk_leaves_nothing_half_written(folder, tmp_path, capsys, monkeypatch):
    written = pathlib.Path.write_text

    def fill(path, text, **options):
        if path.name == "inspection.html":
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return written(path, text, **options)

    monkeypatch.setattr(pathlib.Path, "write_text", fill)
    code, _, sentence = inspect(capsys, folder, "--out", tmp_path / "out")
    assert code == 2
    assert "No space left on device" in sentence
    assert "inspection.html" in sentence
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_metadata_that_tell_the_label_are_told(tmp_path):
    samples = dataset.read(draw_bars(tmp_path / "data", 240)).samples
    honest = {shortcut.name: shortcut.auroc for shortcut in shortcuts(samples, FRACTURE)}
    assert abs(honest["region"] - 0.5) < 0.1
    assert EVERYTHING in honest
    for sample in samples:
        sample.facts["hardware"] = "1" if sample.fractured else "0"
    found = shortcuts(samples, FRACTURE)
    assert {shortcut.name: shortcut.auroc for shortcut in found}["hardware"] == 1
    assert found[0].auroc == 1
    parts = dataset.read(tmp_path / "data", BODY_PART).samples
    assert "region" not in {shortcut.name for shortcut in shortcuts(parts, BODY_PART)}
    assert shortcuts(samples[:4], FRACTURE) == ()
