"""The gate: a worse model fails, an equal one passes where there is enough to tell, and little evidence is no pass."""

from __future__ import annotations

import dataclasses
import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from tests import tiny
from training import comparison
from training.calibrate import OperatingPoints
from training.comparison import Witness, compare, meets_floors
from training.comparison.paired import Z, holm, mcnemar, tango
from training.predictions import Row, group_digest
from training.seen import Seen
from training.tasks import BODY_PART, FRACTURE

POINTS = OperatingPoints(0.2, 0.7)
ROUNDS = 400


def witness(rows, name="candidate", *, seen=None, points=POINTS, classes=FRACTURE.classes):
    return Witness(name, rows, tiny.learnt(rows) if seen is None else seen, classes, 1.0, points)


def answered(count=2000, *, share=0.3, quality=5.0, noise=0.3, seed=1, of="common", role="oof", worse_in=None):
    """Return what a model said; images, groups and difficulty depend on ``of`` alone, the model's own error on seed."""
    common, own = np.random.default_rng(sum(of.encode())), np.random.default_rng(seed)
    rows = []
    for number in range(count):
        fractured = bool(common.random() < share)
        difficulty = common.normal()
        region = ("hand", "leg", "hip", "shoulder")[int(common.integers(4))]
        strength = 0.5 if region == worse_in else quality
        logit = strength * (fractured - 0.5) + difficulty + noise * own.normal()
        rows.append(
            Row(
                tiny.digest(f"{of} {number}"), group_digest(f"{of} {number // 2}"), FRACTURE.classes[fractured],
                role, number % 5 if role == "oof" else None, (float(logit),),
                facts={"region": region, "hardware": str(number % 10 // 9), "orig_width": "900", "orig_height": "500"},
            )
        )  # fmt: skip
    return rows


def outcomes(report, kind):
    return {check.name: check.outcome for check in report.checks if check.kind == kind}


def test_an_equal_model_passes_where_there_is_enough_to_tell():
    report = compare(witness(answered(seed=1)), witness(answered(seed=2), "active"), rounds=ROUNDS)
    assert report.verdict == "pass", report.sentence
    assert (report.images, report.groups, report.out_of_fold, report.test) == (2000, 1000, 2000, 0)
    assert report.positives + report.others == 2000
    assert set(outcomes(report, "difference")) == {
        f"{kind} at the {point} operating point"
        for kind in ("sensitivity", "specificity")
        for point in ("lower", "upper")
    }
    assert 0 < report.provable_margin < 0.05
    assert {check.name for check in report.checks if check.kind == "calibration"} == {
        "calibration error",
        "Brier score",
    }
    assert any("hand" in check.name for check in report.checks if check.kind == "stratum")
    assert any("no hardware" in check.name for check in report.checks if check.kind == "stratum")
    assert report.sentence.startswith("Pass. No more than 5 points worse on 2000 images of 1000 groups")


def test_the_very_same_model_passes_and_the_interval_still_has_a_width():
    rows = answered()
    report = compare(witness(rows), witness(rows, "active"), rounds=ROUNDS)
    assert report.verdict == "pass"
    first = next(check for check in report.checks if check.kind == "difference")
    assert first.estimate == 0
    assert first.low == pytest.approx(-(Z**2) / (first.images + Z**2), rel=0.01)


def test_a_worse_model_fails():
    report = compare(witness(answered(quality=3.0)), witness(answered(seed=2), "active"), rounds=ROUNDS)
    assert report.verdict == "fail"
    assert "fail" in outcomes(report, "difference").values()
    assert report.sentence.startswith("Fail. ")
    assert "so significantly worse" in report.sentence


def test_a_model_that_is_better_overall_but_worse_on_one_region_fails():
    candidate = answered(4000, quality=9.0, worse_in="hip")
    report = compare(witness(candidate), witness(answered(4000, quality=3.5, seed=2), "active"), rounds=ROUNDS)
    sensitivity = next(c for c in report.checks if c.name == "sensitivity at the upper operating point")
    assert sensitivity.estimate > 0
    assert set(outcomes(report, "difference").values()) == {"pass"}
    worse = {check.name for check in report.checks if check.kind == "stratum" and check.outcome == "fail"}
    assert "sensitivity at the upper operating point, hip" in worse
    assert not any("hand" in name or "leg" in name for name in worse)
    assert report.verdict == "fail"
    assert "hip" in report.sentence


@pytest.mark.parametrize("quality", [1.0, 5.0, 9.0])
def test_too_few_positives_are_too_few_to_tell_whatever_they_say(quality):
    report = compare(witness(answered(900, quality=quality)), witness(answered(900, seed=2), "active"), rounds=ROUNDS)
    assert report.positives < 300
    assert report.verdict == "not_enough_evidence"
    assert "too few to tell" in report.sentence
    assert report.provable_margin > 0


def test_an_uncertain_loss_is_no_pass_and_no_fail():
    candidate, active = answered(1100, noise=2.5, seed=4), answered(1100, noise=2.5, seed=5)
    report = compare(witness(candidate), witness(active, "active"), margin=0.005, rounds=ROUNDS)
    assert report.positives >= 300
    assert report.verdict == "not_enough_evidence"
    assert "which does not show no more than" in report.sentence


def test_a_model_that_lies_about_its_probabilities_fails_on_calibration():
    rows = answered(3000, quality=2.0, share=0.5)
    # The logits were drawn so that the logarithm of the odds is 2 / 1.09 of them.
    honest = dataclasses.replace(witness(rows, "active"), temperature=0.545)
    loud = dataclasses.replace(witness(rows), temperature=0.01)
    report = compare(loud, honest, rounds=ROUNDS)
    assert outcomes(report, "calibration")["calibration error"] == "fail"
    assert report.verdict == "fail"


def test_only_images_that_neither_model_learnt_from_count():
    folds, test = answered(800), answered(900, of="test", role="test")
    tuned = answered(100, of="tuned", role="val")
    learnt_by_active = [Seen(test[0].item, "elsewhere", "train"), Seen("another image", test[4].group, "tune")]
    candidate = witness(folds + test + tuned)
    active = witness(test + tuned, "active", seen=learnt_by_active)
    report = compare(candidate, active, rounds=ROUNDS)
    # The first is known by its bytes; the fifth and sixth share a group with an image that was tuned on.
    assert report.images == report.test == 900 - 3
    assert report.excluded["learnt from, or of a group learnt from, by active"] == 3
    assert report.excluded["chosen on by candidate"] == 100
    assert report.excluded["answered by candidate alone"] == 803
    assert report.stamps == ()


def test_an_image_of_no_fold_and_one_that_is_named_twice_do_not_count():
    rows = answered(10)
    strange = [dataclasses.replace(rows[0], fold=None), *rows[1:], rows[1]]
    report = meets_floors(witness(strange), rounds=20)
    assert report.images == 9
    assert report.excluded == {"of no fold of candidate": 1, "named twice by candidate": 1}


def test_images_that_people_labelled_otherwise_meanwhile_are_left_out():
    rows = answered(50)
    turned = [dataclasses.replace(rows[0], label={"fractured": "not_fractured"}.get(rows[0].label, "fractured"))]
    report = compare(witness(rows), witness(turned + rows[1:], "active"), rounds=20)
    assert report.images == 49
    assert report.excluded == {"labelled otherwise for the other model": 1}


def test_groups_that_either_model_knew_stay_together():
    rows = answered(40)
    coarser = [dataclasses.replace(row, group=f"g{number // 4}") for number, row in enumerate(rows)]
    assert compare(witness(rows), witness(coarser, "active"), rounds=20).groups == 10
    assert compare(witness(coarser), witness(rows, "active"), rounds=20).groups == 10


def test_unknown_training_data_is_stamped():
    test = answered(1200, role="test")
    known = [Seen("x", "y", "train")]
    report = compare(witness(test, seen=known), witness(test, "active", seen=[]), rounds=ROUNDS)
    assert report.stamps == ("What active learnt from is not known.",)


def test_nothing_in_common_is_not_enough_evidence():
    report = compare(witness(answered(50)), witness(answered(50, of="others"), "active"))
    assert (report.verdict, report.images, report.provable_margin) == ("not_enough_evidence", 0, None)
    assert compare(witness(answered(50)), witness([], "active", seen=[])).verdict == "not_enough_evidence"


def test_models_of_other_classes_cannot_be_compared():
    report = compare(witness(answered(50)), named_parts(50, 0.9))
    assert (report.verdict, report.images) == ("not_enough_evidence", 0)
    assert "The models know other classes: not_fractured, fractured against hand" in report.sentence


def named_parts(count, correct, seed=1):
    common, own, rows = np.random.default_rng(0), np.random.default_rng(seed), []
    for number in range(count):
        logits = own.normal(size=4) * 0.3
        label = number % 4
        logits[label if common.random() < correct else (label + 1) % 4] += 4
        rows.append(
            Row(f"i{number}", f"g{number}", BODY_PART.classes[label], "test", None, tuple(map(float, logits)), None, {})
        )
    return witness(rows, seen=[Seen("x", "y", "train")], points=None, classes=BODY_PART.classes)


def test_models_of_many_classes_are_compared_by_accuracy():
    same = compare(named_parts(1200, 0.98), named_parts(1200, 0.98, seed=2), rounds=ROUNDS)
    assert same.verdict == "pass", same.sentence
    assert list(outcomes(same, "difference")) == ["accuracy"]
    assert (same.positives, same.others) == (1200, 0)
    assert compare(named_parts(1200, 0.8), named_parts(1200, 0.98, seed=2), rounds=ROUNDS).verdict == "fail"
    assert compare(named_parts(200, 0.98), named_parts(200, 0.98), rounds=ROUNDS).verdict == "not_enough_evidence"


def test_a_first_model_meets_absolute_floors():
    good = meets_floors(witness(answered(1000)), rounds=ROUNDS)
    assert (good.verdict, good.against, good.provable_margin) == ("pass", "floors", None), good.sentence
    assert set(outcomes(good, "floor")) == {
        "AUROC", "sensitivity at the lower operating point", "specificity at the upper operating point",
        "calibration error",
    }  # fmt: skip
    assert "floors for a first model are met" in good.sentence
    bad = meets_floors(witness(answered(1000, quality=0.3)), rounds=ROUNDS)
    assert bad.verdict == "fail"
    assert outcomes(bad, "floor")["AUROC"] == "fail"
    few = meets_floors(witness(answered(120)), rounds=ROUNDS)
    assert few.verdict == "not_enough_evidence"
    assert "groups of the rarest class" in few.sentence
    assert meets_floors(witness([])).verdict == "not_enough_evidence"
    assert meets_floors(named_parts(400, 0.97), rounds=ROUNDS).verdict == "pass"
    assert meets_floors(named_parts(400, 0.5), rounds=ROUNDS).verdict == "fail"


def test_a_report_is_plain_json():
    report = compare(witness(answered(700)), witness(answered(700, seed=2), "active"), rounds=20)
    plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert plain["verdict"] == report.verdict
    assert plain["sentence"] == report.sentence
    assert len(plain["items"]) == 64
    assert plain["checks"][0]["name"] == "images in common"


@settings(max_examples=30, deadline=None)
@given(seeds=st.tuples(st.integers(0, 99), st.integers(0, 99)), count=st.integers(20, 120))
def test_turning_the_two_models_round_turns_every_difference_round(seeds, count):
    first, second = (witness(answered(count, seed=seed)) for seed in seeds)
    there, back = compare(first, second, rounds=50), compare(second, first, rounds=50)
    for one, other in zip(there.checks, back.checks, strict=True):
        if one.kind in ("difference", "calibration"):
            assert one.estimate == pytest.approx(-other.estimate)
            assert one.low == pytest.approx(-other.high)
        if one.kind == "stratum":
            assert (one.better, one.worse, one.p) == (other.worse, other.better, other.p)


def test_more_images_prove_a_smaller_margin():
    margins = [
        compare(witness(answered(count)), witness(answered(count, seed=2)), rounds=ROUNDS).provable_margin
        for count in (250, 1000, 4000)
    ]
    assert all(later < earlier for earlier, later in pairwise(margins))


@settings(max_examples=60, deadline=None)
@given(better=st.integers(0, 200), worse=st.integers(0, 200))
def test_mcnemar_is_the_binomial_test(better, worse):
    if better + worse:
        assert mcnemar(better, worse) == pytest.approx(stats.binomtest(better, better + worse).pvalue)
    assert mcnemar(better, worse) == mcnemar(worse, better)


def test_mcnemar_takes_thousands_of_pairs():
    assert mcnemar(3000, 3000) == 1.0
    assert 0 < mcnemar(2800, 3200) < 1e-6


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_by_its_definition(values):
    corrected = holm(values)
    order = np.argsort(values, kind="stable")
    for place, index in enumerate(order):
        expected = max(min(1.0, (len(values) - rank) * values[order[rank]]) for rank in range(place + 1))
        assert corrected[index] == pytest.approx(expected)
    assert all(p >= value for p, value in zip(corrected, values, strict=True))


def score(better, worse, count, delta):
    """Tango's statistic with the constrained likelihood maximised by a general optimiser instead of his root."""

    def loss(only_second):
        only_first, rest = only_second + delta, 1 - 2 * only_second - delta
        cells = ((better, only_first), (worse, only_second), (count - better - worse, rest))
        return -sum(number * np.log(max(share, 1e-300)) for number, share in cells if number)

    low, high = max(0.0, -delta), (1 - delta) / 2
    best = optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
    return (better - worse - count * delta) / np.sqrt(count * (2 * best + delta * (1 - delta)))


@settings(max_examples=40, deadline=None)
@given(better=st.integers(1, 40), worse=st.integers(1, 40), same=st.integers(5, 300))
def test_tango_is_where_the_score_reaches_the_normal_quantile(better, worse, same):
    count = better + worse + same
    low, high = tango(better, worse, count)
    assert score(better, worse, count, low) == pytest.approx(Z, abs=2e-3)
    assert score(better, worse, count, high) == pytest.approx(-Z, abs=2e-3)
    turned = tango(worse, better, count)
    assert (turned[0], turned[1]) == pytest.approx((-high, -low))


def test_tango_at_the_edges():
    assert tango(0, 0, 0) == (-1.0, 1.0)
    for count in (1, 50, 1000):
        low, high = tango(0, 0, count)
        assert -low == pytest.approx(high)
        assert high == pytest.approx(Z**2 / (count + Z**2))
    assert tango(30, 0, 30)[1] == pytest.approx(1.0)
    assert tango(0, 30, 30)[0] == pytest.approx(-1.0)


def test_the_gate_needs_nothing_but_numpy():
    import subprocess
    import sys

    from .conftest import ROOT

    code = (
        "import sys, training.comparison\n"
        "heavy = {'tensorflow', 'keras', 'scipy', 'sklearn', 'matplotlib', 'django'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert comparison.MARGIN == 0.05
    assert comparison.FEWEST_POSITIVES == 300
