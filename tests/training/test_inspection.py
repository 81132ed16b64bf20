"""Copies are found at any angle, look-alikes are not joined, and a split that leaks is told."""

import csv
import io
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageOps

from training import dataset, inspection, synthetic
from training.dataset import DatasetError, Sample

COUNT = 8


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """Drawn radiographs of four parts, two of each, as samples of train."""
    folder = tmp_path_factory.mktemp("originals")
    samples = []
    for number in range(COUNT):
        part = synthetic.PARTS[number % 4]
        drawn = synthetic.radiograph(number, fractured=number % 2 == 0, part=part, size=(360, 300))
        path = folder / f"{number}.png"
        Image.fromarray(drawn.pixels).save(path)
        samples.append(Sample(path, "fractured" if number % 2 == 0 else "not_fractured", f"g{number}", "train"))
    return samples


def exposed(image):
    return image.point(lambda grey: min(255, round(12 + grey * 0.7)))


def as_jpeg(image):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=60)
    return Image.open(buffer)


CHANGES = {
    "turned by 7": lambda image: image.rotate(7, Image.Resampling.BICUBIC),
    "turned by 133": lambda image: image.rotate(133, Image.Resampling.BICUBIC),
    "on a canvas that grew": lambda image: image.rotate(40, Image.Resampling.BICUBIC, expand=True),
    "on its side": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "mirrored": ImageOps.mirror,
    "mirrored and turned": lambda image: ImageOps.mirror(image).rotate(-61, Image.Resampling.BICUBIC),
    "turned three times": lambda image: image.rotate(20).rotate(31).rotate(-75),
    "exposed otherwise": exposed,
    "compressed": as_jpeg,
    "smaller": lambda image: image.resize((200, 240), Image.Resampling.LANCZOS),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_in_test_leaks(originals, tmp_path, change):
    copied = CHANGES[change](Image.open(originals[2].path))
    copied.save(tmp_path / "copy.png")
    measured = Sample(tmp_path / "copy.png", "fractured", "other", "test")
    found = inspection.leaks([*originals, measured], cache=tmp_path)
    assert [(leak.learnt.path, leak.measured.path, leak.kind) for leak in found.pairs] == [
        (originals[2].path, measured.path, "copy")
    ]
    assert found.status == "leaking"
    assert found.sentence == (
        "The split leaks: 1 of 1 test images show a radiograph or a patient of train "
        "(0 the same files, 1 copies, 0 other images of a group)."
    )
    assert found.lines() == (f"test {measured.path} is a copy of train {originals[2].path}",)


def test_different_radiographs_are_not_joined(originals, tmp_path):
    sides = [replace(sample, split=dataset.SPLITS[number % 3]) for number, sample in enumerate(originals)]
    found = inspection.copies(sides, cache=tmp_path)
    assert (found.joins, found.members) == ((), {})
    clean = inspection.leaks(sides, cache=tmp_path)
    assert (clean.status, clean.lines()) == ("clean", ())
    assert clean.sentence == "No radiograph was found on two sides of the split."


def test_the_same_file_is_told_from_a_copy(originals, tmp_path):
    shutil.copy(originals[0].path, tmp_path / "same.png")
    Image.open(originals[0].path).rotate(9).save(tmp_path / "turned.png")
    sides = [
        originals[0],
        Sample(tmp_path / "turned.png", "fractured", "b", "val"),
        Sample(tmp_path / "same.png", "fractured", "c", "test"),
        Sample(tmp_path / "same.png", "fractured", "c", "exclude"),
    ]
    found = inspection.leaks(sides, cache=tmp_path)
    assert [(leak.learnt.split, leak.measured.split, leak.kind) for leak in found.pairs] == [
        ("train", "test", "file"), ("train", "val", "copy"),
    ]  # fmt: skip
    assert found.images == {"train": 1, "val": 1, "test": 1}
    assert found.lines(1)[1:] == ("and 1 more",)


def test_a_patient_on_two_sides_leaks_too(originals, tmp_path):
    other = replace(originals[3], group=originals[0].group, split="test")
    found = inspection.leaks([originals[0], other], cache=tmp_path)
    assert [leak.kind for leak in found.pairs] == ["group"]
    assert found.lines() == (f"test {other.path} is of one group, g0, with train {originals[0].path}",)


def test_groups_that_share_a_radiograph_become_one(originals, tmp_path):
    Image.open(originals[0].path).rotate(50).save(tmp_path / "turned.png")
    samples = [*originals, Sample(tmp_path / "turned.png", "fractured", "g5", "train")]
    merged = inspection.regrouped(samples, inspection.copies(samples, cache=tmp_path))
    groups = [sample.group for sample in merged]
    assert groups == ["g0", "g1", "g2", "g3", "g4", "g0", "g6", "g7", "g0"]


def test_what_was_found_is_kept_until_a_file_changes(originals, tmp_path, monkeypatch):
    Image.open(originals[0].path).rotate(50).save(tmp_path / "turned.png")
    samples = [*originals, Sample(tmp_path / "turned.png", "fractured", "g5", "train")]
    first = inspection.copies(samples, cache=tmp_path / "cache")
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_text("[]")
    assert inspection.copies(samples[::-1], cache=tmp_path / "cache").joins == ()
    kept.write_text("spoilt")
    assert inspection.copies(samples, cache=tmp_path / "cache") == first
    Image.open(originals[0].path).rotate(51).save(tmp_path / "turned.png")
    assert inspection.copies(samples, cache=tmp_path / "cache").joins[0].degrees != first.joins[0].degrees
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "kept.json"))
    (tmp_path / "kept.json").write_text("a file where the folder should be")
    assert len(inspection.copies(samples).joins) == 1


def test_even_pictures_look_like_nothing_and_unreadable_ones_are_named(tmp_path):
    for number in range(3):
        Image.new("L", (64, 64), 90 + number).save(tmp_path / f"{number}.png")
    samples = [Sample(tmp_path / f"{number}.png", "fractured", str(number), "train") for number in range(3)]
    assert inspection.copies(samples, cache=tmp_path).members == {}
    for number in range(2):
        (tmp_path / f"{number}.png").write_bytes(bytes([number]) * 9)
    with pytest.raises(DatasetError, match=r"Expected pictures\. Received: .*0\.png, .*1\.png\."):
        inspection.copies(samples, cache=tmp_path)


def test_sixteen_bits_look_like_eight(originals, tmp_path):
    deep = np.asarray(Image.open(originals[4].path)).astype(np.uint16) * 13
    Image.fromarray(deep).save(tmp_path / "deep.png")
    samples = [*originals, Sample(tmp_path / "deep.png", "fractured", "h", "test")]
    assert [leak.learnt.path for leak in inspection.leaks(samples, cache=tmp_path).pairs] == [originals[4].path]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_leak_of_a_published_split_is_found(shared_data, tmp_path):
    """All of it, with no two radiographs taken for one."""
    folder = shared_data / "kaggle_multiregion"
    samples, radiographs = [], []
    with (folder / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for side in dataset.SPLITS:
            if int(row[f"n_copies_{side}"]):
                samples.append(Sample(folder / row["file"], row["label"], row["file"], side))
                radiographs.append(row["radiograph"])
    found = inspection.copies(samples, cache=tmp_path)
    leaking = {id(leak.measured) for leak in inspection.leaks_of(samples, found).pairs}
    learnt = {one for one, sample in zip(radiographs, samples, strict=True) if sample.split == "train"}
    known = [
        sample for one, sample in zip(radiographs, samples, strict=True) if sample.split != "train" and one in learnt
    ]
    assert len(known) > 900
    assert sum(id(sample) in leaking for sample in known) >= 0.95 * len(known)
    mixed = [numbers for numbers in found.members.values() if len({radiographs[number] for number in numbers}) > 1]
    assert len(mixed) < 0.01 * len(found.members)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_split_without_a_leak_is_clean(shared_data, tmp_path):
    samples = dataset.read(shared_data / "fracatlas").samples
    found = inspection.copies(samples, cache=tmp_path)
    assert inspection.leaks_of(samples, found).status == "clean"
    assert 80 <= len(found.members) <= 100
