"""Whole groups on one side, alike in labels, whatever the data."""

import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training import dataset, splits
from training.dataset import DatasetError, Sample


def sample(number, label, group, region="hand"):
    return Sample(Path(f"{number}.png"), label, f"g{group}", "train", (), {"region": region})


@st.composite
def collections(draw):
    """Groups of one to six images, most of one label; enough groups of each label for five folds."""
    groups = draw(st.lists(st.tuples(st.integers(1, 6), st.booleans(), st.sampled_from(("hand", "leg"))), max_size=40))
    groups += [(1, label, "hip") for label in (False, True) for _ in range(5)]
    return [
        sample(f"{group}-{number}", "fractured" if fractured else "not_fractured", group, region)
        for group, (size, fractured, region) in enumerate(groups)
        for number in range(size)
    ]


@given(collections(), st.integers(2, 5), st.integers(0, 9))
def test_folds_keep_groups_whole_and_every_label_everywhere(samples, count, seed):
    dealt = splits.folds(samples, count, seed)
    assert len({(item.group, fold) for item, fold in zip(samples, dealt, strict=True)}) == len(
        {item.group for item in samples}
    )
    found = {(item.label, fold) for item, fold in zip(samples, dealt, strict=True)}
    assert found == {(label, fold) for label in ("fractured", "not_fractured") for fold in range(count)}
    for label in ("fractured", "not_fractured"):
        held = Counter(fold for item, fold in zip(samples, dealt, strict=True) if item.label == label)
        assert max(held.values()) - min(held.values()) <= 12


@given(collections(), st.integers(0, 99))
def test_the_order_of_the_samples_changes_no_fold(samples, seed):
    dealt = dict(zip((item.path for item in samples), splits.folds(samples, 5, 3), strict=True))
    mixed = random.Random(seed).sample(samples, len(samples))
    assert dealt == dict(zip((item.path for item in mixed), splits.folds(mixed, 5, 3), strict=True))


def test_another_seed_deals_otherwise():
    samples = [sample(number, ("fractured", "not_fractured")[number % 2], number) for number in range(40)]
    assert splits.folds(samples, 5, 1) == splits.folds(samples, 5, 1)
    assert splits.folds(samples, 5, 1) != splits.folds(samples, 5, 2)


def test_a_class_with_fewer_groups_than_folds_is_refused():
    samples = [sample(number, "fractured" if number < 4 else "not_fractured", number) for number in range(20)]
    with pytest.raises(DatasetError, match=r"at least 5 groups of fractured for 5 folds\. Received: 4"):
        splits.folds(samples, 5, 1)


def test_folds_of_fracatlas_are_even(shared_data):
    samples = [item for item in dataset.read(shared_data / "fracatlas").samples if item.split != "test"]
    dealt = splits.folds(samples, 5, 1)
    fractured = Counter(fold for item, fold in zip(samples, dealt, strict=True) if item.fractured)
    assert max(fractured.values()) - min(fractured.values()) <= 1
    assert max(Counter(dealt).values()) - min(Counter(dealt).values()) <= 2
