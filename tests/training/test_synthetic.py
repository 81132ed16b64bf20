"""Drawn radiographs: the same for a seed, broken where they say."""

import itertools

import numpy as np
import pytest

from training import anatomy, dataset, synthetic, tasks
from training.synthetic import skeleton, types

#: Types whose far part of the bone lies elsewhere than it was.
DISPLACED = {"comminuted", "greenstick", "impacted", "oblique", "pathological", "spiral", "transverse"}


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


def test_the_break_changes_pixels_inside_its_box():
    """The same bones drawn whole differ from the broken ones in the box, and on the far part of that bone."""
    broken = synthetic.radiograph(11, fractured=True, part="leg", size=(480, 400))
    random = np.random.default_rng([11, synthetic.PARTS.index("leg"), 1])
    view, side = str(random.choice(synthetic.VIEWS)), str(random.choice(("left", "right")))
    sketch = anatomy.bones("leg", view, random)
    bones = anatomy.posed(sketch, (480, 400), random, mirrored=side == "left")
    breaks = skeleton.plain(bones, random)
    whole, none = skeleton.attenuated(bones, None, (480, 400), np.random.default_rng(1))
    cut, box = skeleton.attenuated(bones, breaks, (480, 400), np.random.default_rng(1))
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


@pytest.mark.parametrize("kind", synthetic.KINDS)
def test_a_type_is_drawn_the_same_for_a_seed_and_changes_the_bone_in_its_box(kind, monkeypatch):
    """Against the same bone, film and noise without the fracture."""
    shape = {"size": (300, 250), "part": "leg"}
    one = synthetic.of_type(5, kind=kind, **shape)
    assert (one.pixels == synthetic.of_type(5, kind=kind, **shape).pixels).all()
    assert (one.pixels != synthetic.of_type(6, kind=kind, **shape).pixels).mean() > 0.2
    broken = types.Named.depth

    def unbroken(self, bone, along, across, random):
        broken(self, bone, along, across, random)  # the film's noise follows in the same generator
        return bone.depth(along, across)

    monkeypatch.setattr(types.Named, "depth", unbroken)
    whole = synthetic.of_type(5, kind=kind, **shape)
    assert whole.box == one.box
    x0, y0, x1, y1 = (round(value * side) for value, side in zip(one.box, (250, 300, 250, 300), strict=True))
    assert 0 <= x0 < x1 <= 250
    assert 0 <= y0 < y1 <= 300
    changed = np.abs(one.pixels.astype(int) - whole.pixels) > 25
    assert changed[y0:y1, x0:x1].sum() > 20
    if kind not in DISPLACED:
        assert changed[y0:y1, x0:x1].sum() > 0.9 * changed.sum()


def test_types_differ_more_than_seeds():
    """Two films of one seed and bone differ by their type alone, so every pair of types is told apart in its middle."""
    drawn = {}
    for kind in synthetic.KINDS:
        fracture = types.Named(kind, 0, 0.5, 1)
        bone = anatomy.Bone(100, -100, 100, 400, 26, may_break=True)
        along, across = bone.coordinates((slice(0, 300), slice(0, 200)))
        drawn[kind] = fracture.depth(bone, along, across, np.random.default_rng(1))
        assert drawn[kind].dtype == np.float32
        assert drawn[kind].min() >= 0
    for kind, other in itertools.combinations(synthetic.KINDS, 2):
        assert (np.abs(drawn[kind] - drawn[other]) > 0.2).sum() > 40, (kind, other)


def test_folder_of_types_is_a_data_set_of_that_task(tmp_path):
    synthetic.write_types(tmp_path / "out", count=70, size=(96, 80))
    data = dataset.read(tmp_path / "out", tasks.FRACTURE_TYPE)
    assert tuple(sorted(synthetic.KINDS)) == tasks.FRACTURE_TYPE.classes
    assert [len(data.split(name)) for name in dataset.SPLITS] == [50, 10, 10]
    for side in dataset.SPLITS:
        assert {sample.label for sample in data.split(side)} == set(synthetic.KINDS)
    assert all(sample.boxes for sample in data.samples)
    assert all(sample.fractured for sample in dataset.read(tmp_path / "out").samples)


@pytest.mark.parametrize("wrong", [{"kind": "bent"}, {"kind": "spiral", "part": "tail"}, {"kind": "spiral", "bits": 9}])
def test_impossible_types_are_refused(wrong):
    with pytest.raises(ValueError, match="Expected"):
        synthetic.of_type(1, **wrong)
