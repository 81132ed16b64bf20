"""Folders that can be trained on, and those that cannot."""

import shutil

import numpy as np
import pytest

from training import augmentation, dataset
from training.augmentation import Augmentation
from training.dataset import DatasetError
from training.preprocessing import Preprocessing


@pytest.fixture
def copy(bars, tmp_path):
    return shutil.copytree(bars, tmp_path / "data")


def test_reads_labels_groups_boxes(bars):
    data = dataset.read(bars)
    first = data.samples[0]
    assert first.fractured
    assert first.group == "g0"
    assert first.region == "hand"
    assert len(first.boxes) == 1
    assert first.boxes[0][2] - first.boxes[0][0] == pytest.approx(18 / 64)
    assert [len(data.split(name)) for name in dataset.SPLITS] == [160, 40, 40]
    assert dataset.labels(data.samples[:3]).tolist() == [1, 0, 1]
    squares = dataset.renditions(data.samples[:2], Preprocessing(64))
    assert (squares[0] == Preprocessing(64).rendition(dataset.grey_levels(first.path))).all()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("file,label", "name,label", "Missing: file"),
        ("fractured,g0", "broken,g0", "'broken'"),
        ("0.png,fractured", "absent.png,fractured", r"Missing: .*absent\.png"),
        ("g119,test", "g0,test", "one side of the split. Received on two: g0"),
    ],
)
def test_a_spoilt_manifest_is_refused_with_a_sentence(copy, old, new, words):
    manifest = copy / "manifest.csv"
    assert old in manifest.read_text()
    manifest.write_text(manifest.read_text().replace(old, new, 1))
    with pytest.raises(DatasetError, match=words):
        dataset.read(copy)


def test_a_side_needs_both_labels(copy):
    manifest = copy / "manifest.csv"
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(line for line in lines if ",val," not in line or "not_fractured" in line))
    with pytest.raises(DatasetError, match="every class of fracture in the split 'val'"):
        dataset.read(copy).split("val")


def test_other_sides_are_left_out_and_the_digest_follows_the_content(copy):
    before = dataset.read(copy)
    manifest = copy / "manifest.csv"
    manifest.write_text(manifest.read_text().replace(",test,", ",exclude_label_conflict,"))
    after = dataset.read(copy)
    assert len(after.samples) == len(before.samples) - 40
    assert after.digest != before.digest


def test_a_file_that_is_no_picture(tmp_path):
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(DatasetError, match=r"Expected a picture.*a\.png"):
        dataset.grey_levels(tmp_path / "a.png")
    with pytest.raises(DatasetError, match=r"manifest\.csv"):
        dataset.read(tmp_path)


def test_fracatlas_reads_as_its_readme_says(shared_data):
    data = dataset.read(shared_data / "fracatlas")
    counted = {name: sum(sample.fractured for sample in data.split(name)) for name in dataset.SPLITS}
    assert counted == {"train": 501, "val": 107, "test": 51}
    assert all(sample.boxes for sample in data.split("val") if sample.fractured)


def test_box_lies_where_the_picture_lies_in_its_rendition():
    content = Preprocessing(64).content_box(100, 50)
    covered = augmentation.coverage(64, [(0.5, 0.5, 1.0, 1.0)], content)
    rows, columns = np.nonzero(covered)
    assert (rows.min(), rows.max()) == (32, 63)
    assert (columns.min(), columns.max()) == (32, 47)
    cells = augmentation.cells(covered, 16)
    assert cells.shape == (4, 4)
    assert cells[2, 2] == cells[3, 2] == 1
    assert cells.sum() == 2


def test_a_view_moves_picture_and_box_alike_and_keeps_black_outside():
    random = np.random.default_rng(3)
    rendition = np.zeros((64, 64), np.uint8)
    rendition[20:30, 36:44] = 200
    covered = np.where(rendition > 0, 255, 0).astype(np.uint8)
    seen = set()
    for _ in range(30):
        view, moved = Augmentation().view(rendition, covered, random)
        overlap = (view > 40) == (moved > 100)
        assert overlap.mean() > 0.97
        assert (view == 0).mean() > 0.9
        seen.add(view.tobytes())
    assert len(seen) == 30


def test_views_are_mirrored_about_half_the_time():
    random = np.random.default_rng(3)
    still = Augmentation(degrees=0, scale=0, shift=0, contrast=0)
    rendition = np.zeros((32, 32), np.uint8)
    rendition[:, :16] = 255
    mirrored = [still.view(rendition, rendition, random)[0][16, 24] == 255 for _ in range(100)]
    assert 30 < sum(mirrored) < 70
    assert {still.view(rendition, rendition, random)[0].sum() for _ in range(5)} == {rendition.sum()}
