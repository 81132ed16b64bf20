"""Strata, the baseline without pixels, and the pointing game."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from training.calibrate import OperatingPoints
from training.evaluation import pointing, strata
from training.evaluation.answers import Answers
from training.evaluation.pointing import Game, Target
from training.tasks import BODY_PART, FRACTURE

from .test_figures import rows_of

POINTS = OperatingPoints(0.2, 0.7)


@pytest.fixture
def answers():
    """Four hundred images in pairs; hardware gives half of the fractured away, hips are few."""
    random = np.random.default_rng(1)
    labels = (random.random(400) < 0.35).astype(float)
    facts = {
        "region": np.where(np.arange(400) < 20, "hip", np.where(np.arange(400) < 200, "hand", "hand+leg")),
        "hardware": ((labels == 1) & (random.random(400) < 0.5)).astype(int),
        "multiscan": (random.random(400) < 0.1).astype(int),
        "frontal": (random.random(400) < 0.6).astype(int),
        "orig_width": random.choice([400, 1500], 400),
        "orig_height": np.full(400, 300),
    }
    logits = random.normal(1.5 * labels, 1)
    return Answers.of(FRACTURE, rows_of(labels, logits, np.arange(400) // 2, **facts), 1.0)


def test_strata_are_those_that_the_images_name(answers):
    rows = {row["name"]: row for row in strata.strata(answers, POINTS, rounds=20)}
    assert set(rows) == {
        "hand", "hip", "leg", "frontal", "hardware", "no hardware", "several panels", strata.PLAIN,
        "original up to 1000 px", "original over 1000 px",
    }  # fmt: skip
    assert rows["hand"]["images"] == 380
    assert rows["leg"]["images"] == 200
    assert rows["hand"]["evaluated"]
    assert not rows["hip"]["evaluated"]
    assert "auroc" not in rows["hardware"]
    assert rows["hardware"]["fractured"] == rows["hardware"]["images"]
    chosen = np.array(["hand" in row.facts["region"] for row in answers.rows])
    expected = metrics.roc_auc_score(answers.labels[chosen], answers.positive[chosen])
    assert rows["hand"]["auroc"]["value"] == pytest.approx(expected)
    assert rows["no hardware"]["images"] + rows["hardware"]["images"] == 400
    plain = [row for row in answers.rows if row.facts["hardware"] == row.facts["multiscan"] == "0"]
    assert rows[strata.PLAIN]["images"] == len(plain)


@pytest.mark.parametrize(("fractured", "others", "is_evaluated"), [(50, 50, True), (49, 50, False), (50, 49, False)])
def test_fifty_groups_of_either_label_are_needed(fractured, others, is_evaluated):
    labels = np.array([1] * fractured + [0] * others)
    groups = np.arange(len(labels))
    rows = rows_of(labels, np.arange(len(labels)), groups, region=["leg"] * len(labels))
    (row,) = strata.strata(Answers.of(FRACTURE, rows * 2, 1.0), POINTS, rounds=5)
    assert row["images"] == 2 * len(labels)
    assert row["evaluated"] is is_evaluated


def test_mean_within_regions_is_the_mean_of_the_regions(answers):
    found = strata.within_regions(answers, rounds=20)
    assert set(found["within"]) == {"hand", "leg", "hip"}
    values = [figure["value"] for figure in found["within"].values()]
    assert found["mean"]["value"] == pytest.approx(np.mean(values))
    alone = Answers.of(FRACTURE, rows_of([1, 1], [0, 1], region=["leg", "leg"]), 1.0)
    assert strata.within_regions(alone) is None


def test_baseline_finds_the_shortcut_without_a_pixel(answers):
    found = strata.baseline(answers.rows, answers, rounds=20)
    hardware = np.array([int(row.facts["hardware"]) for row in answers.rows])
    assert found["value"] > metrics.roc_auc_score(answers.labels, hardware) - 0.03


def test_baseline_of_folds_does_not_answer_what_it_learnt():
    """Facts that are noise: learnt and asked at once they seem to tell something, across folds they do not."""
    random = np.random.default_rng(2)
    labels = (random.random(60) < 0.5).astype(float)
    noise = {name: random.integers(0, 2, 60) for name in ("hardware", "multiscan", "frontal", "lateral", "oblique")}
    rows = rows_of(labels, np.zeros(60), **noise)
    seen = strata.baseline(rows, Answers.of(FRACTURE, rows, 1.0), rounds=5)["value"]
    folded = [type(row)(row.item, row.group, row.label, "oof", n % 5, row.logits, None, row.facts)
              for n, row in enumerate(rows)]  # fmt: skip
    unseen = strata.baseline(folded, Answers.of(FRACTURE, folded, 1.0), rounds=5)["value"]
    assert seen > unseen + 0.1


def test_baseline_of_a_part_does_not_read_the_part():
    labels = np.arange(40) % 4
    parts = [BODY_PART.classes[label] for label in labels]
    rows = rows_of(labels, np.zeros((40, 4)), task=BODY_PART, region=parts)
    assert strata.baseline(rows, Answers.of(BODY_PART, rows, 1.0), rounds=5)["value"] == pytest.approx(0.5)


def test_the_strongest_cell_is_told_in_fractions_of_the_radiograph():
    cells = np.zeros((4, 4))
    cells[1, 3] = 2
    assert pointing.strongest(cells, (0, 0, 1, 1)) == (0.875, 0.375)
    assert pointing.strongest(cells, (0, 0.25, 1, 0.75)) == (0.875, 0.25)
    assert pointing.room((4, 4), (0, 0.25, 1, 0.75)) == (0.125, 0.25)


def test_a_point_hits_a_box_or_the_room_around_it():
    target = Target(((0.2, 0.2, 0.4, 0.4), (0.8, 0.8, 0.9, 0.9)), (0.05, 0.1))
    assert target.is_hit((0.3, 0.3))
    assert target.is_hit((0.85, 0.75))
    assert target.is_hit((0.44, 0.49))
    assert not target.is_hit((0.46, 0.3))
    assert not target.is_hit((0.3, 0.51))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 0.7), st.floats(0, 0.7)), min_size=1, max_size=8))
def test_no_point_of_the_grid_hits_more_than_the_best_constant(corners):
    targets = [Target(((x, y, x + 0.3, y + 0.3),), (0.01, 0.01)) for x, y in corners]
    best = pointing.best_constant(targets)
    hits = sum(target.is_hit(best) for target in targets)
    for x in np.linspace(0, 1, 9):
        for y in np.linspace(0, 1, 9):
            assert hits >= sum(target.is_hit((x, y)) for target in targets)
    assert pointing.best_constant([]) == pointing.CENTRE


def game(**shares):
    """A game of 200 images, each rival hitting the first of them."""
    hits = {name: (np.arange(200) < 200 * share).astype(float) for name, share in shares.items()}
    return Game(tuple(str(number) for number in range(200)), hits)


def test_a_map_is_a_finding_only_where_it_beats_grad_cam_and_the_centre():
    better = game(map=0.8, activation=0.6, centre_prior=0.3, constant=0.35)
    figures = better.figures(rounds=200)
    assert better.drawn == figures["drawn"] == "map"
    assert figures["map"]["value"] == 0.8
    assert figures["over_activation"]["value"] == pytest.approx(0.2)
    assert pointing.shows_regions(figures)
    assert not pointing.shows_regions(game(map=0.605, activation=0.6, centre_prior=0.3).figures(rounds=200))
    assert not pointing.shows_regions(game(map=0.8, activation=0.6, centre_prior=0.8).figures(rounds=200))
    assert not pointing.shows_regions(None)


def test_grad_cam_draws_where_it_hits_more_and_is_never_a_finding():
    worse = game(map=0.4, activation=0.6, centre_prior=0.1)
    figures = worse.figures(rounds=50)
    assert figures["drawn"] == "activation"
    assert figures["over_activation"] is None
    assert figures["over_centre_prior"]["value"] == pytest.approx(0.5)
    assert not pointing.shows_regions(figures)
    assert game(centre_prior=0.1).drawn == ""
