"""Temperature, centring, operating points and states."""

import numpy as np
import pytest

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
