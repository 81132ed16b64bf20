"""The figures, against scikit-learn where it has them."""

import numpy as np
import pytest
from sklearn import metrics

from training import evaluate
from training.calibrate import OperatingPoints


@pytest.fixture(params=[0, 1, 2])
def scored(request):
    """Labels and scores, many of them tied."""
    random = np.random.default_rng(request.param)
    labels = (random.random(300) < 0.3).astype(float)
    return labels, np.round(random.normal(labels, 1.0), request.param)


def test_areas_equal_those_of_scikit_learn(scored):
    labels, scores = scored
    assert evaluate.auroc(labels, scores) == pytest.approx(metrics.roc_auc_score(labels, scores), abs=1e-12)
    expected = metrics.average_precision_score(labels, scores)
    assert evaluate.average_precision(labels, scores) == pytest.approx(expected, abs=1e-12)
    false_positive, sensitivity = evaluate.roc(labels, scores)
    assert np.trapezoid(sensitivity, false_positive) == pytest.approx(evaluate.auroc(labels, scores), abs=1e-12)


def test_probability_figures(scored):
    labels, scores = scored
    calibrated = 1 / (1 + np.exp(-scores))
    assert evaluate.brier(labels, calibrated) == pytest.approx(metrics.brier_score_loss(labels, calibrated))
    assert evaluate.calibration_error(labels, labels) == 0
    assert evaluate.calibration_error(labels, np.full(300, labels.mean()), bins=1) == pytest.approx(0, abs=1e-12)
    four = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.3, 0.6, 0.6])
    assert evaluate.calibration_error(*four, bins=2) == pytest.approx(0.3)
    confusion = metrics.confusion_matrix(labels, calibrated >= 0.6)
    assert evaluate.sensitivity(labels, calibrated, 0.6) == pytest.approx(confusion[1, 1] / confusion[1].sum())
    assert evaluate.specificity(labels, calibrated, 0.6) == pytest.approx(confusion[0, 0] / confusion[0].sum())


def test_one_label_has_no_auroc():
    with pytest.raises(ValueError, match="both labels"):
        evaluate.auroc(np.ones(4), np.arange(4.0))


def test_interval_is_wider_when_images_come_in_groups(scored):
    labels, scores = scored
    alone = [str(number) for number in range(300)]
    order = np.argsort(labels * 1000 + scores)
    paired = np.empty(300, object)
    paired[order] = [str(number // 10) for number in range(300)]
    single = evaluate.bootstrap(evaluate.auroc, labels, scores, alone, rounds=300)
    grouped = evaluate.bootstrap(evaluate.auroc, labels, scores, list(paired), rounds=300)
    assert single.value == grouped.value == evaluate.auroc(labels, scores)
    assert single.low < single.value < single.high
    assert grouped.high - grouped.low > 1.3 * (single.high - single.low)
    assert evaluate.bootstrap(evaluate.auroc, labels, scores, alone, rounds=300) == single


def test_interval_covers_the_truth_about_as_often_as_it_says():
    random = np.random.default_rng(5)
    covered = 0
    for _ in range(60):
        labels = (random.random(120) < 0.4).astype(float)
        figure = evaluate.bootstrap(
            evaluate.auroc, labels, random.normal(0, 1, 120), [str(n) for n in range(120)], rounds=120
        )
        covered += figure.low <= 0.5 <= figure.high
    assert covered >= 50


def test_states_are_counted_by_label():
    labels = np.array([1, 1, 1, 0, 0, 0, 0])
    calibrated = np.array([0.9, 0.5, 0.1, 0.9, 0.3, 0.2, 0.0])
    table = evaluate.states(labels, calibrated, OperatingPoints(0.3, 0.9))
    assert table == {
        "fractured": {"positive": 1, "doubt": 1, "negative": 1},
        "not_fractured": {"positive": 1, "doubt": 1, "negative": 2},
    }


def test_counts_name_groups_of_each_label():
    counted = evaluate.counts(np.array([1, 0, 0, 1]), ["a", "a", "b", "c"])
    assert counted == {"images": 4, "fractured": 2, "groups": 3, "fractured_groups": 2, "other_groups": 2}
