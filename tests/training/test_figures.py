"""The figures, against scikit-learn where it has them."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.calibration import calibration_curve

from training import calibrate
from training.calibrate import OperatingPoints
from training.evaluation import classes, verdicts, weighted
from training.evaluation.answers import Answers
from training.evaluation.intervals import Draws, plain
from training.predictions import Row
from training.tasks import BODY_PART, FRACTURE

POINTS = OperatingPoints(0.2, 0.7)


def rows_of(labels, logits, groups=None, task=FRACTURE, **facts):
    logits = np.asarray(logits, float).reshape(len(labels), -1)
    return [
        Row(f"{n:064x}", str(groups[n] if groups is not None else n), task.classes[int(label)], "val", None,
            tuple(map(float, logits[n])), None, {name: str(values[n]) for name, values in facts.items()})
        for n, label in enumerate(labels)
    ]  # fmt: skip


def ones(labels):
    return np.ones((1, len(labels)))


@pytest.fixture(params=[0, 1, 2])
def scored(request):
    """Labels and scores, many of them tied."""
    random = np.random.default_rng(request.param)
    labels = (random.random(300) < 0.3).astype(float)
    return labels, np.round(random.normal(labels, 1.0), request.param)


def test_areas_equal_those_of_scikit_learn(scored):
    labels, scores = scored
    expected = metrics.roc_auc_score(labels, scores)
    assert weighted.auroc(labels, scores, ones(labels)) == pytest.approx(expected, abs=1e-12)
    expected = metrics.average_precision_score(labels, scores)
    assert weighted.average_precision(labels, scores, ones(labels)) == pytest.approx(expected, abs=1e-12)
    false_positive, sensitivity, _ = metrics.roc_curve(labels, scores, drop_intermediate=False)
    for wanted in (0.5, 0.85, 0.99):
        best = sensitivity[false_positive <= 1 - wanted + 1e-12].max()
        found = weighted.sensitivity_at_specificity(labels, scores, ones(labels), wanted)
        assert found == pytest.approx(best, abs=1e-12)


def test_weights_are_repetitions(scored):
    """A weight of k is the same image k times, for every statistic and against scikit-learn's own weights."""
    labels, scores = scored
    random = np.random.default_rng(9)
    weights = random.integers(0, 4, (5, 300)).astype(float)
    calibrated = calibrate.probabilities(scores, 1.0)
    found = [weighted.auroc(labels, scores, weights), weighted.average_precision(labels, scores, weights),
             weighted.mean((calibrated - labels) ** 2, weights)]  # fmt: skip
    for number, weight in enumerate(weights):
        again = np.repeat(np.arange(300), weight.astype(int))
        assert found[0][number] == pytest.approx(metrics.roc_auc_score(labels, scores, sample_weight=weight))
        assert found[0][number] == pytest.approx(metrics.roc_auc_score(labels[again], scores[again]))
        assert found[1][number] == pytest.approx(metrics.average_precision_score(labels[again], scores[again]))
        assert found[2][number] == pytest.approx(metrics.brier_score_loss(labels[again], calibrated[again]))


def test_calibration_error_equals_that_of_scikit_learns_bins():
    random = np.random.default_rng(3)
    calibrated = random.permutation(np.linspace(0.01, 0.99, 400))
    labels = (random.random(400) < calibrated**1.5).astype(float)
    frequency, said = calibration_curve(labels, calibrated, n_bins=10, strategy="quantile")
    found = weighted.calibration_error(labels, calibrated, ones(labels))
    assert found == pytest.approx(np.abs(frequency - said).mean(), abs=1e-9)
    assert weighted.calibration_error(labels, labels, ones(labels)) == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=2, max_size=40))
def test_area_is_symmetric_and_bounded(pairs):
    labels, scores = (np.array(column, float) for column in zip(*pairs, strict=True))
    area = weighted.auroc(labels, scores, ones(labels))[0]
    if labels.min() == labels.max():
        assert np.isnan(area)
    else:
        assert 0 <= area <= 1
        assert area + weighted.auroc(labels, -scores, ones(labels))[0] == pytest.approx(1)
        assert area == pytest.approx(weighted.auroc(1 - labels, -scores, ones(labels))[0])
        assert area == pytest.approx(weighted.auroc(labels, np.exp(scores), ones(labels))[0])


def test_verdict_figures_equal_those_of_scikit_learn(scored):
    labels, scores = scored
    answers = Answers.of(FRACTURE, rows_of(labels, scores), 2.0)
    said = calibrate.probabilities(scores, 2.0)
    report = verdicts.figures(answers, POINTS, rounds=30)
    assert report["auroc"]["value"] == pytest.approx(metrics.roc_auc_score(labels, scores))
    assert report["brier"]["value"] == pytest.approx(metrics.brier_score_loss(labels, said))
    before = calibrate.probabilities(scores, 1.0)
    assert report["brier_before"]["value"] == pytest.approx(metrics.brier_score_loss(labels, before))
    for name, threshold in (("lower", 0.2), ("half", 0.5), ("upper", 0.7)):
        table = metrics.confusion_matrix(labels, said >= threshold)
        assert report["confusion"]["at"][name] == table.tolist()
        assert report[f"accuracy_at_{name}"]["value"] == pytest.approx(
            metrics.accuracy_score(labels, said >= threshold)
        )
        assert report[f"sensitivity_at_{name}"]["value"] == pytest.approx(table[1, 1] / table[1].sum())
        assert report[f"specificity_at_{name}"]["value"] == pytest.approx(table[0, 0] / table[0].sum())
    expected = metrics.classification_report(labels, said >= 0.5, output_dict=True, zero_division=0)
    for entry, key in zip(report["per_class"], ("0.0", "1.0"), strict=True):
        for ours, theirs in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
            assert (entry[ours] or {"value": 0})["value"] == pytest.approx(expected[key][theirs])
        assert entry["support"] == expected[key]["support"]
    assert report["doubt"]["value"] == pytest.approx(((said >= 0.2) & (said < 0.7)).mean())
    assert sum(sum(part.values()) for part in report["states"].values()) == 300


def test_predictive_values_follow_bayes():
    labels = np.array([1.0] * 10 + [0.0] * 10)
    said = np.array([0.9] * 8 + [0.1] * 2 + [0.9] * 3 + [0.1] * 7)
    report = verdicts.figures(Answers.of(FRACTURE, rows_of(labels, np.log(said / (1 - said))), 1.0), POINTS, rounds=50)
    assert [(row["at"], row["prevalence"]) for row in report["predictive"][:5]] == [
        ("lower", 0.05), ("lower", 0.1), ("lower", 0.2), ("lower", 0.3), ("half", 0.05),
    ]  # fmt: skip
    at = {(row["at"], row["prevalence"]): row for row in report["predictive"]}
    assert at["half", 0.1]["ppv"]["value"] == pytest.approx(0.8 * 0.1 / (0.8 * 0.1 + 0.3 * 0.9))
    assert at["half", 0.1]["npv"]["value"] == pytest.approx(0.7 * 0.9 / (0.7 * 0.9 + 0.2 * 0.1))
    assert at["half", 0.1]["ppv"]["low"] < at["half", 0.1]["ppv"]["value"] < at["half", 0.1]["ppv"]["high"]


def test_what_nothing_is_said_of_is_null():
    report = verdicts.figures(Answers.of(FRACTURE, rows_of([1, 1, 0], [-3, -3, -3]), 1.0), POINTS, rounds=20)
    assert report["per_class"][1]["precision"] is None
    assert report["per_class"][0]["precision"]["value"] == pytest.approx(1 / 3)
    one_label = verdicts.brief_figures(Answers.of(FRACTURE, rows_of([1, 1], [0, 1]), 1.0), POINTS, rounds=20)
    assert one_label["auroc"] is None
    assert one_label["specificity_at_half"] is None
    assert one_label["sensitivity_at_half"]["value"] == 1


def test_the_worst_image_of_a_group_speaks():
    answers = Answers.of(FRACTURE, rows_of([0, 1, 0, 0], [2.0, -1.0, -2.0, -3.0], ["a", "a", "b", "b"]), 1.0)
    grouped = answers.by_group()
    assert grouped.groups == ["a", "b"]
    assert grouped.labels.tolist() == [1, 0]
    assert [row.logits[0] for row in grouped.rows] == [2.0, -2.0]
    assert [row.label for row in grouped.rows] == ["fractured", "not_fractured"]
    report = verdicts.group_figures(answers, POINTS, rounds=20)
    assert report["images"] == report["groups"] == 2
    assert report["auroc"]["value"] == 1


@pytest.fixture
def parts():
    random = np.random.default_rng(4)
    targets = random.integers(0, 4, 200)
    logits = random.normal(0, 1, (200, 4)) + 1.5 * np.eye(4)[targets]
    return targets, logits


def test_class_figures_equal_those_of_scikit_learn(parts):
    targets, logits = parts
    answers = Answers.of(BODY_PART, rows_of(targets, logits, task=BODY_PART), 1.3)
    report = classes.figures(answers, rounds=20)
    probabilities = answers.probabilities
    said = probabilities.argmax(axis=1)
    assert probabilities.sum(axis=1) == pytest.approx(1)
    expected = metrics.roc_auc_score(targets, probabilities, multi_class="ovr", average="macro")
    assert report["macro_auroc"]["value"] == pytest.approx(expected)
    assert report["accuracy"]["value"] == pytest.approx(metrics.accuracy_score(targets, said))
    assert report["confusion"]["at"]["largest"] == metrics.confusion_matrix(targets, said).tolist()
    expected = metrics.classification_report(targets, said, output_dict=True)
    for number, entry in enumerate(report["per_class"]):
        assert entry["f1"]["value"] == pytest.approx(expected[str(number)]["f1-score"])
        assert entry["recall"]["value"] == pytest.approx(expected[str(number)]["recall"])
    frequency, largest = calibration_curve(said == targets, probabilities.max(axis=1), n_bins=10, strategy="quantile")
    assert report["calibration_error"]["value"] == pytest.approx(np.abs(frequency - largest).mean(), abs=1e-9)


def test_a_class_that_is_absent_is_left_out_of_the_mean(parts):
    targets, logits = parts
    kept = targets != 2
    answers = Answers.of(BODY_PART, rows_of(targets[kept], logits[kept], task=BODY_PART), 1.0)
    report = classes.figures(answers, rounds=20)
    assert report["per_class"][2]["auroc"] is None
    assert report["per_class"][2]["recall"] is None
    areas = [entry["auroc"]["value"] for entry in report["per_class"] if entry["auroc"]]
    assert report["macro_auroc"]["value"] == pytest.approx(np.mean(areas))


def test_rows_of_another_task_are_refused():
    with pytest.raises(ValueError, match="4 logits"):
        Answers.of(BODY_PART, rows_of([0], [1.0], task=BODY_PART), 1.0)
    with pytest.raises(ValueError, match="at least one image"):
        Answers.of(FRACTURE, [], 1.0)


def test_interval_is_wider_when_images_come_in_groups(scored):
    labels, scores = scored
    statistic = lambda weights: weighted.auroc(labels, scores, weights)  # noqa: E731
    order = np.argsort(labels * 1000 + scores)
    paired = np.empty(300, object)
    paired[order] = [str(number // 10) for number in range(300)]
    alone = Draws.of([str(number) for number in range(300)], rounds=300)
    single, grouped = alone.figure(statistic), Draws.of(list(paired), rounds=300).figure(statistic)
    assert single.value == grouped.value
    assert single.low < single.value < single.high
    assert grouped.high - grouped.low > 1.3 * (single.high - single.low)
    assert alone.figure(statistic) == single


def test_interval_covers_the_truth_about_as_often_as_it_says():
    random = np.random.default_rng(5)
    covered = 0
    for _ in range(100):
        labels = (random.random(120) < 0.4).astype(float)
        scores = random.normal(0, 1, 120)
        figure = Draws.of([str(n) for n in range(120)], rounds=200).figure(
            lambda weights, labels=labels, scores=scores: weighted.auroc(labels, scores, weights)
        )
        covered += figure.low <= 0.5 <= figure.high
    assert 88 <= covered <= 100


def test_a_thousand_rounds_of_a_large_set_take_seconds():
    random = np.random.default_rng(6)
    labels = (random.random(3700) < 0.2).astype(float)
    answers = Answers.of(FRACTURE, rows_of(labels, random.normal(labels, 1), random.integers(0, 1300, 3700)), 1.0)
    started = time.process_time()
    report = verdicts.figures(answers, POINTS, rounds=1000)
    assert time.process_time() - started < 30
    assert report["evaluated"]
    assert plain({"none": None}) == {"none": None}
