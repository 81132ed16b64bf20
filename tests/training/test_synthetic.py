"""Drawn radiographs: the same for a seed, broken where they say."""

import numpy as np
import pytest

from training import dataset, synthetic


@pytest.mark.parametrize("part", synthetic.PARTS)
def test_a_seed_always_gives_the_same_pixels(part):
    one = synthetic.radiograph(3, fractured=True, part=part, size=(240, 200))
    again = synthetic.radiograph(3, fractured=True, part=part, size=(240, 200))
    other = synthetic.radiograph(4, fractured=True, part=part, size=(240, 200))
    assert (one.pixels == again.pixels).all()
    assert one.box == again.box
    assert (one.pixels != other.pixels).mean() > 0.2
    assert one.pixels.shape == (240, 200)
    assert one.pixels.dtype == np.uint8
    assert one.view in synthetic.VIEWS
    assert one.side in ("left", "right")


@pytest.mark.parametrize("part", synthetic.PARTS)
@pytest.mark.parametrize("seed", range(4))
def test_only_the_fractured_have_a_box_and_it_lies_inside(part, seed):
    assert synthetic.radiograph(seed, fractured=False, part=part, size=(240, 200)).box is None
    x0, y0, x1, y1 = synthetic.radiograph(seed, fractured=True, part=part, size=(240, 200)).box
    assert 0 <= x0 < x1 <= 1
    assert 0 <= y0 < y1 <= 1
    assert (x1 - x0) * (y1 - y0) < 0.25


def test_the_break_changes_pixels_inside_its_box(monkeypatch):
    """The same bones drawn whole differ from the broken ones in the box, and on the far part of that bone."""
    broken = synthetic.radiograph(11, fractured=True, part="leg", size=(480, 400))
    random = np.random.default_rng([11, synthetic.PARTS.index("leg"), 1])
    view, side = str(random.choice(synthetic.VIEWS)), str(random.choice(("left", "right")))
    sketch = synthetic.anatomy.bones("leg", view, random)
    bones = synthetic.anatomy.posed(sketch, (480, 400), random, mirrored=side == "left")
    breaks = synthetic._broken(bones, random)
    whole, none = synthetic._attenuated(bones, None, (480, 400), np.random.default_rng(1))
    cut, box = synthetic._attenuated(bones, breaks, (480, 400), np.random.default_rng(1))
    changed = abs(cut - whole) > 0.05
    x0, y0, x1, y1 = (round(value * side) for value, side in zip(box, (400, 480, 400, 480), strict=True))
    assert none is None
    assert box == broken.box
    assert changed[y0:y1, x0:x1].mean() > 0.05
    assert changed.mean() < 0.2


def test_depth_of_twelve_bits():
    deep = synthetic.radiograph(1, fractured=False, part="hip", size=(300, 250), bits=12).pixels
    assert deep.dtype == np.uint16
    assert 2000 < deep.max() <= 4095
    assert len(np.unique(deep)) > 256


@pytest.mark.parametrize("wrong", [{"part": "tail"}, {"size": (10, 10)}, {"bits": 16}])
def test_impossible_wishes_are_refused(wrong):
    with pytest.raises(ValueError, match="Expected"):
        synthetic.radiograph(1, fractured=False, **wrong)


def test_folder_is_a_data_set(tmp_path):
    synthetic.write_folder(tmp_path / "out", count=28, size=(96, 80))
    data = dataset.read(tmp_path / "out")
    assert len(data.samples) == 28
    assert {sample.region for sample in data.samples} == set(synthetic.PARTS)
    assert all(bool(sample.boxes) == sample.fractured for sample in data.samples)
    assert sum(sample.fractured for sample in data.samples) == 14
    assert [len(data.split(name)) for name in dataset.SPLITS] == [20, 4, 4]
    depths = {dataset.grey_levels(sample.path).dtype for sample in data.samples}
    assert depths == {np.dtype(np.uint8), np.dtype(np.uint16)}
    with pytest.raises(FileExistsError, match="empty or absent"):
        synthetic.write_folder(tmp_path / "out", count=1)
    with pytest.raises(ValueError, match="count"):
        synthetic.write_folder(tmp_path / "none", count=0)
