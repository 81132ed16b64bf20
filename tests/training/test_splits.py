"""Whole groups on one side, alike in labels, whatever the data."""

import hashlib
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training import dataset, splits
from training.dataset import DatasetError, Sample
from training.inspection import Copies
from training.splits import Sides


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


@settings(max_examples=40, deadline=None)
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


@settings(max_examples=40, deadline=None)
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


def copied(samples, links=()):
    """Copies among samples, each its own file, by links of two numbers."""
    clusters = list(range(len(samples)))
    for first, second in links:
        one, other = sorted((clusters[first], clusters[second]))
        clusters = [one if cluster == other else cluster for cluster in clusters]
    items = tuple(hashlib.sha256(str(item.path).encode()).hexdigest() for item in samples)
    return Copies(items, tuple(clusters), ())


@st.composite
def growing(draw):
    """A collection with copies in it, and how much of it was there at first."""
    samples = draw(collections())
    number = st.integers(0, len(samples) - 1)
    links = draw(st.lists(st.tuples(number, number), max_size=8))
    return samples, links, draw(st.integers(len(samples) // 2, len(samples)))


@settings(max_examples=40, deadline=None)
@given(growing(), st.integers(0, 9))
def test_no_group_and_no_copy_lies_on_two_sides_and_no_side_ever_changes(grown, seed):
    samples, links, first = grown
    mixed = random.Random(seed).sample(range(len(samples)), len(samples))
    samples = [samples[number] for number in mixed]
    early = [(one, other) for one, other in links if max(one, other) < first]
    before = splits.split(samples[:first], copied(samples[:first], early), seed=seed, previous=Sides({}))
    found = copied(samples, links)
    after = splits.split(samples, found, seed=seed, previous=before)
    assert set(after.items) == set(found.items)
    assert {item: after.items[item] for item in before.items} == before.items
    sides = [after.items[item].name for item in found.items]
    old = set(before.items)
    for key in ([item.group for item in samples], found.clusters):
        for value in set(key):
            members = [number for number, name in enumerate(key) if name == value]
            held = {sides[number] for number in members} - {splits.LEAK_CONFLICT}
            new = {sides[number] for number in members if found.items[number] not in old}
            assert len(held) < 2 or new <= {splits.LEAK_CONFLICT}


def test_a_split_is_near_its_shares_and_holds_every_label_everywhere():
    samples = [
        sample(f"{group}-{number}", ("fractured", *["not_fractured"] * 4)[group % 5], group, ("hand", "leg")[group % 2])
        for group in range(200)
        for number in range(1 + group % 3)
    ]
    dealt = splits.split(samples, copied(samples))
    for label, share in (("fractured", 0.2), ("not_fractured", 0.8)):
        chosen = [item for item in samples if item.label == label]
        held = Counter(dealt.items[item].name for item in copied(chosen).items)
        assert len(chosen) == pytest.approx(share * len(samples), rel=0.1)
        assert held["train"] == pytest.approx(0.7 * len(chosen), abs=3)
        assert held["val"] == pytest.approx(held["test"], abs=3)
    assert Sides.decoded(dealt.encoded()) == dealt


def test_an_image_that_would_join_two_sides_is_left_out_for_ever():
    samples = [sample(number, ("fractured", "not_fractured")[number % 2], number) for number in range(40)]
    before = splits.split(samples, copied(samples))
    named = dict(zip(copied(samples).items, samples, strict=True))
    train = next(samples.index(named[item]) for item, side in before.items.items() if side.name == "train")
    test = next(samples.index(named[item]) for item, side in before.items.items() if side.name == "test")
    more = [*samples, sample("bridge", "fractured", 99), sample("late", "fractured", train)]
    after = splits.split(more, copied(more, [(train, 40), (40, test)]), previous=before)
    bridge, late = copied(more).items[40:]
    assert after.items[bridge].name == splits.LEAK_CONFLICT
    assert after.items[late].name == splits.LEAK_CONFLICT  # its patient's picture is tied to the other side by now
    again = splits.split(more, copied(more), previous=after)
    assert again == after
    other = splits.split([*samples, more[41]], copied([*samples, more[41]]), previous=before)
    assert other.items[late].name == "train"


def test_a_patients_side_outlives_the_patients_images():
    samples = [sample(number, ("fractured", "not_fractured")[number % 2], number) for number in range(40)]
    before = splits.split(samples, copied(samples))
    for number in range(40):
        late = [*samples[:number], *samples[number + 1 :], sample("late", "fractured", number)]
        after = splits.split(late, copied(late), previous=before)
        gone = before.items[copied(samples).items[number]]
        assert after.items[copied(late).items[-1]] == gone


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (b"item,side\n", "Expected the columns item, group, side"),
        (b"item,group,side\na,b,left\n", "Received: 'left'"),
    ],
)
def test_a_spoilt_table_of_sides_is_refused(table, words):
    with pytest.raises(DatasetError, match=words):
        Sides.decoded(table)


def test_folds_of_fracatlas_are_even(shared_data):
    samples = [item for item in dataset.read(shared_data / "fracatlas").samples if item.split != "test"]
    dealt = splits.folds(samples, 5, 1)
    fractured = Counter(fold for item, fold in zip(samples, dealt, strict=True) if item.fractured)
    assert max(fractured.values()) - min(fractured.values()) <= 1
    assert max(Counter(dealt).values()) - min(Counter(dealt).values()) <= 2
