"""Temperature, centring, operating points and states."""

import numpy as np
import pytest
from sklearn import metrics

from training import calibrate
from training.calibrate import OperatingPoints


def drawn(count=4000, *, slope=1.0, shift=0.0, seed=0):
    """Labels whose probability is sigmoid((z + shift) / slope) for the logits z."""
    random = np.random.default_rng(seed)
    logits = random.normal(-1, 2, count)
    labels = random.random(count) < calibrate.probabilities(logits + shift, slope)
    return labels.astype(np.float32), logits


@pytest.mark.parametrize("slope", [0.4, 1.0, 3.0])
def test_temperature_finds_the_slope(slope):
    labels, logits = drawn(20000, slope=slope)
    found = calibrate.temperature(labels, logits)
    assert found == pytest.approx(slope, rel=0.1)
    best = calibrate.negative_log_likelihood(labels, logits / found)
    assert all(best <= calibrate.negative_log_likelihood(labels, logits / (found * off)) for off in (0.9, 1.1))


def test_centring_finds_the_shift_in_units_of_the_logit():
    labels, logits = drawn(40000, slope=2.0, shift=-1.5)
    assert calibrate.centred(labels, logits) == pytest.approx(-1.5, abs=0.15)
    with pytest.raises(ValueError, match="rise with the label"):
        calibrate.centred(labels, -logits)


def test_probabilities_do_not_overflow():
    assert calibrate.probability(0.0, 1.7) == 0.5
    assert calibrate.probability(-5000.0, 0.1) == 0.0
    assert calibrate.probability(5000.0, 0.1) == 1.0
    assert calibrate.probability(1.0, 2.0) == pytest.approx(1 / (1 + np.exp(-0.5)))


def test_operating_points_reach_what_they_promise_and_no_less():
    labels, logits = drawn(3000)
    calibrated = calibrate.probabilities(logits, 1.0)
    points = calibrate.operating_points(labels, calibrated)
    fractured, others = calibrated[labels == 1], calibrated[labels == 0]
    assert (fractured >= points.lower).mean() >= 0.95
    assert (others < points.upper).mean() >= 0.95
    assert (fractured >= np.nextafter(points.lower, 1)).mean() < 0.95 + 1 / len(fractured)
    assert (others < points.upper * (1 - 1e-12)).mean() < 0.95 + 1 / len(others)
    assert points.lower < points.upper


def test_operating_points_of_a_perfect_model_do_not_cross():
    labels = np.array([0.0] * 10 + [1.0] * 10)
    calibrated = np.concatenate([np.full(10, 0.1), np.full(10, 0.9)])
    points = calibrate.operating_points(labels, calibrated)
    assert points.lower == points.upper == 0.9
    assert {calibrate.state_of(float(value), points) for value in calibrated} == {"positive", "negative"}


@pytest.mark.parametrize(
    ("probability", "state"),
    [
        (0.0, "negative"),
        (np.nextafter(0.3, 0), "negative"),
        (0.3, "doubt"),
        (np.nextafter(0.7, 0), "doubt"),
        (0.7, "positive"),
        (1.0, "positive"),
    ],
)
def test_state_changes_exactly_at_the_points(probability, state):
    assert calibrate.state_of(probability, OperatingPoints(0.3, 0.7)) == state


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_has_no_state(probability):
    with pytest.raises(ValueError, match="probability"):
        calibrate.state_of(probability, OperatingPoints(0.3, 0.7))


@pytest.mark.parametrize(("lower", "upper"), [(0.7, 0.3), (-0.1, 0.5), (0.5, 1.1)])
def test_points_out_of_order_are_refused(lower, upper):
    with pytest.raises(ValueError, match="lower <= upper"):
        OperatingPoints(lower, upper)


def test_class_probabilities_are_the_softmax_and_the_sigmoid():
    logits = np.array([[1.0, -2.0, 700.0], [0.0, 0.0, 0.0]])
    found = calibrate.class_probabilities(logits, 2.0)
    assert found.sum(axis=1) == pytest.approx(1)
    assert found[1] == pytest.approx(1 / 3)
    assert found[0, 2] == pytest.approx(1)
    two = calibrate.class_probabilities(np.array([[1.5], [-3.0]]), 1.3)
    assert two[:, 1] == pytest.approx(calibrate.probabilities(np.array([1.5, -3.0]), 1.3))
    assert two.sum(axis=1) == pytest.approx(1)
    same = calibrate.class_probabilities(np.array([[0.0, 1.5]]), 1.3)
    assert same[0, 1] == pytest.approx(two[0, 1])


@pytest.mark.parametrize("slope", [0.5, 2.0])
def test_temperature_of_many_classes_finds_the_slope(slope):
    random = np.random.default_rng(1)
    logits = random.normal(0, 3, (8000, 4))
    shares = calibrate.class_probabilities(logits, slope).cumsum(axis=1)
    targets = (random.random((8000, 1)) > shares).sum(axis=1).clip(0, 3)
    assert calibrate.temperature(targets, logits) == pytest.approx(slope, rel=0.1)
    expected = metrics.log_loss(targets, calibrate.class_probabilities(logits, slope))
    assert calibrate.negative_log_likelihood(targets, logits / slope) == pytest.approx(expected)


def test_two_logits_of_two_classes_are_one():
    labels, logits = drawn(500)
    both = np.column_stack([np.zeros(500), logits])
    assert calibrate.temperature(labels, both) == pytest.approx(calibrate.temperature(labels, logits), rel=1e-4)


def test_conformal_points_keep_the_promise_for_the_next_image():
    """Over many draws of 40 images of each label, the next one keeps it at least as often as promised."""
    random = np.random.default_rng(2)
    kept = {"quantile": [], "conformal": []}
    for _ in range(2000):
        fractured, others = random.beta(4, 2, 41), random.beta(2, 4, 41)
        labels = np.array([1.0] * 40 + [0.0] * 40)
        known = np.concatenate([fractured[:40], others[:40]])
        for way, found in kept.items():
            points = calibrate.operating_points(labels, known, sensitivity=0.9, specificity=0.9, way=way)
            found.append((fractured[40] >= points.lower, others[40] < points.upper))
    conformal, plain = np.mean(kept["conformal"], axis=0), np.mean(kept["quantile"], axis=0)
    assert (conformal >= 0.9 - 0.012).all()
    assert (plain < conformal).all()
    assert (plain < 0.9).all()


def test_too_few_images_prove_nothing_conformally():
    labels, said = np.array([1.0] * 18 + [0.0] * 18), np.linspace(0.1, 0.9, 36)
    assert calibrate.operating_points(labels, said, way="conformal") == OperatingPoints(0.0, 1.0)
    assert calibrate.operating_points(labels, said) != OperatingPoints(0.0, 1.0)
