"""The rules of the gate: what must hold for a model to take another's place, or to be the first of its task.

Responsible for the limits, each with its reason, and for what a check asks; the arithmetic is done in `paired`,
`training.evaluation.intervals` and `training.evaluation.weighted`.

A difference passes where the lower end of its 95 % interval lies above the margin: the candidate is shown to be no more
than 5 points worse. It fails where that is not shown and the candidate is significantly worse. Between the two there is
not enough evidence. The interval is the wider of a bootstrap over groups, which knows that images of a patient go
together, and of Tango's, which stays honest where the models hardly differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from training.comparison import strata
from training.comparison.evidence import Evidence, Witness, gathered
from training.comparison.measures import Measure, classified, of_two_classes
from training.comparison.paired import tango
from training.comparison.report import Check, Outcome, Report, decided
from training.evaluation import weighted
from training.evaluation.intervals import Draws, Figure, Statistic
from training.evaluation.weighted import Array

#: By how much sensitivity and specificity may fall at most.
MARGIN: Final = 0.05
#: With fewer images of a fracture the interval alone is wider than the margin.
FEWEST_POSITIVES: Final = 300
#: By how much calibration error and Brier score may rise at most.
CALIBRATION_MARGIN: Final = 0.03
BRIER_MARGIN: Final = 0.01
#: For a first model: fewer groups of either label tell nothing of a figure, as in a report's strata.
FEWEST_GROUPS: Final = 50
#: Above what region, view and hardware reach without a pixel.
AUROC_FLOOR: Final = 0.75
#: At the lower point nine of ten fractures are wanted, at the upper one few false alarms; the intervals may say less.
RATE_FLOOR: Final = 0.80
ACCURACY_FLOOR: Final = 0.80
CALIBRATION_CEILING: Final = 0.10
_ROUNDS: Final = 2000


def compare(candidate: Witness, active: Witness, *, margin: float = MARGIN, rounds: int = _ROUNDS) -> Report:
    """Return whether one model may take the place of another, by the images that neither has learnt from."""
    if candidate.classes != active.classes:
        return _report(
            gathered(replace(candidate, rows=())), "active", [_other_classes(candidate, active)], margin, None
        )
    evidence = gathered(candidate, active)
    if not evidence.count:
        return _report(evidence, "active", [_too_few(evidence)], margin, None)
    draws = Draws.of(evidence.groups, rounds=rounds)
    pairs = list(zip(_measures(evidence, candidate, 0), _measures(evidence, active, 1), strict=True))
    differences = [_difference(first, second, draws, margin) for first, second in pairs]
    checks = [
        _too_few(evidence),
        *differences,
        *_calibration(evidence, draws),
        *strata.checks(evidence, pairs),
    ]
    widths = [
        check.estimate - check.low for check in differences if check.estimate is not None and check.low is not None
    ]
    return _report(evidence, "active", checks, margin, max(widths, default=None))


def meets_floors(candidate: Witness, *, rounds: int = _ROUNDS) -> Report:
    """Return whether a model may be the first of its task: absolute floors, since there is nothing to compare with."""
    evidence = gathered(candidate)
    checks = [_enough_groups(evidence)]
    if evidence.count:
        draws = Draws.of(evidence.groups, rounds=rounds)
        checks += _floors(evidence, candidate, draws)
    return _report(evidence, "floors", checks, MARGIN, None)


def _measures(evidence: Evidence, model: Witness, number: int) -> list[Measure]:
    said = evidence.said[number]
    if model.points is None:
        return classified(evidence.labels, said)
    return of_two_classes(evidence.labels, said[:, 1], model.points)


def _report(evidence: Evidence, against: str, checks: list[Check], margin: float, provable: float | None) -> Report:
    positives = _positives(evidence)
    return Report(
        verdict=decided(checks),
        against="active" if against == "active" else "floors",
        images=evidence.count,
        groups=len(set(evidence.groups)),
        positives=positives,
        others=evidence.count - positives,
        out_of_fold=evidence.out_of_fold,
        test=evidence.count - evidence.out_of_fold,
        margin=margin,
        provable_margin=provable,
        fewest_positives=FEWEST_POSITIVES,
        items=evidence.items,
        stamps=evidence.stamps,
        excluded=evidence.excluded,
        checks=tuple(checks),
    )


def _positives(evidence: Evidence) -> int:
    """Return how many images show what is sought; with more than two classes each image does."""
    return int((evidence.labels == 1).sum()) if evidence.is_binary else evidence.count


def _other_classes(candidate: Witness, active: Witness) -> Check:
    known = f"{', '.join(candidate.classes)} against {', '.join(active.classes)}"
    return Check("classes", "count", "not_enough_evidence", f"The models know other classes: {known}.", 0)


def _too_few(evidence: Evidence) -> Check:
    """Return whether there are enough images to tell; of those without a fracture as many are wanted."""
    positives = _positives(evidence)
    fewest = min(positives, evidence.count - positives) if evidence.is_binary else positives
    enough = fewest >= FEWEST_POSITIVES
    words = "enough to tell" if enough else f"too few to tell: {FEWEST_POSITIVES} of each are wanted"
    counted = f"{positives} positive and {evidence.count - positives} other" if evidence.is_binary else str(positives)
    return Check(
        name="images in common",
        kind="count",
        outcome="pass" if enough else "not_enough_evidence",
        sentence=f"{counted} images that neither model has learnt from, {words}.",
        images=evidence.count,
        estimate=float(fewest),
        limit=float(FEWEST_POSITIVES),
    )


def _difference(candidate: Measure, active: Measure, draws: Draws, margin: float) -> Check:
    """Return how much better or worse the candidate is, against the margin."""
    gain = candidate.right.astype(np.float64) - active.right
    drawn = draws.figure(partial(_mean_among, gain, candidate.among.astype(np.float64)))
    chosen = gain[candidate.among]
    closed = tango(int((chosen > 0).sum()), int((chosen < 0).sum()), len(chosen))
    estimate = float(chosen.mean()) if len(chosen) else 0.0
    low, high = min(closed[0], drawn.low if drawn else 0.0), max(closed[1], drawn.high if drawn else 0.0)
    outcome = _judged(-high, -low, margin)
    return Check(
        name=candidate.name,
        kind="difference",
        outcome=outcome,
        sentence=f"{candidate.name.capitalize()}: {_points(estimate)} ({_points(low)} to {_points(high)}) points on "
        f"{len(chosen)} images, {_words(outcome, f'no more than {100 * margin:.0f} points worse')}.",
        images=len(chosen),
        candidate=candidate.rate,
        active=active.rate,
        estimate=estimate,
        low=low,
        high=high,
        limit=-margin,
    )


def _calibration(evidence: Evidence, draws: Draws) -> Iterable[Check]:
    """Return how much worse the candidate's probabilities are calibrated, against what may be."""
    for name, margin, statistics in (
        ("calibration error", CALIBRATION_MARGIN, [_calibration_error(evidence, number) for number in (0, 1)]),
        ("Brier score", BRIER_MARGIN, [_brier(evidence, number) for number in (0, 1)]),
    ):
        drawn = draws.figures(
            {"candidate": statistics[0], "active": statistics[1], "difference": _less(statistics[0], statistics[1])}
        )
        difference, candidate, active = drawn["difference"], drawn["candidate"], drawn["active"]
        if difference is None or candidate is None or active is None:
            continue
        outcome = _judged(difference.low, difference.high, margin)
        yield Check(
            name=name,
            kind="calibration",
            outcome=outcome,
            sentence=f"{name[0].upper()}{name[1:]}: {candidate.value:.3f} against {active.value:.3f}, "
            f"{_words(outcome, f'no more than {margin:g} worse')} ({difference.low:+.3f} to {difference.high:+.3f}).",
            images=evidence.count,
            candidate=candidate.value,
            active=active.value,
            estimate=difference.value,
            low=difference.low,
            high=difference.high,
            limit=margin,
        )


def _judged(low: float, high: float, margin: float) -> Outcome:
    """Return the outcome of a loss whose 95 % interval is known: at most the margin, surely a loss, or neither."""
    if high < margin:
        return "pass"
    return "fail" if low > 0 else "not_enough_evidence"


def _enough_groups(evidence: Evidence) -> Check:
    """Return whether a first model was tried on enough groups of every class."""
    names = np.asarray(evidence.groups)
    counts = [len(np.unique(names[evidence.labels == number])) for number in range(evidence.classes)]
    enough = min(counts) >= FEWEST_GROUPS
    words = "enough to tell" if enough else f"too few to tell: {FEWEST_GROUPS} are wanted"
    return Check(
        name="groups of each class",
        kind="count",
        outcome="pass" if enough else "not_enough_evidence",
        sentence=f"{min(counts)} groups of the rarest class that the model has not learnt from, {words}.",
        images=evidence.count,
        estimate=float(min(counts)),
        limit=float(FEWEST_GROUPS),
    )


def _floors(evidence: Evidence, candidate: Witness, draws: Draws) -> list[Check]:
    """Return the figures of a first model against their floors."""
    said = evidence.said[0]
    asked: list[tuple[str, Statistic, float]] = []
    if candidate.points is None:
        everyone = np.ones(evidence.count, bool)
        right = said.argmax(axis=1) == evidence.labels
        asked.append(("accuracy", partial(weighted.share, right, everyone), ACCURACY_FLOOR))
    else:
        asked.append(("AUROC", partial(weighted.auroc, evidence.labels.astype(np.float64), said[:, 1]), AUROC_FLOOR))
        named = {measure.name: measure for measure in _measures(evidence, candidate, 0)}
        for name in ("sensitivity at the lower operating point", "specificity at the upper operating point"):
            asked.append((name, partial(weighted.share, named[name].right, named[name].among), RATE_FLOOR))
    checks = [_floor(name, draws.figure(statistic), floor, evidence.count) for name, statistic, floor in asked]
    error = draws.figure(_calibration_error(evidence, 0))
    return [*checks, _ceiling("calibration error", error, CALIBRATION_CEILING, evidence.count)]


def _floor(name: str, figure: Figure | None, floor: float, images: int) -> Check:
    """Return whether the lower end of an interval lies above a floor; a fail where even the upper end does not."""
    if figure is None:
        return Check(name, "floor", "not_enough_evidence", f"{name[0].upper()}{name[1:]}: not known.", images)
    outcome: Outcome = "pass" if figure.low >= floor else "fail" if figure.high < floor else "not_enough_evidence"
    sentence = (
        f"{name[0].upper()}{name[1:]} {figure}, {_words(outcome, f'at least {floor:.2f}', f'below {floor:.2f}')}."
    )
    return Check(
        name, "floor", outcome, sentence, images, figure.value, None, figure.value, figure.low, figure.high, floor
    )


def _ceiling(name: str, figure: Figure | None, ceiling: float, images: int) -> Check:
    """Return whether a figure lies below a ceiling."""
    if figure is None:
        return Check(name, "floor", "not_enough_evidence", f"{name[0].upper()}{name[1:]}: not known.", images)
    outcome: Outcome = "pass" if figure.value <= ceiling else "fail"
    sentence = (
        f"{name[0].upper()}{name[1:]} {figure}, {_words(outcome, f'at most {ceiling:.2f}', f'above {ceiling:.2f}')}."
    )
    return Check(
        name, "floor", outcome, sentence, images, figure.value, None, figure.value, figure.low, figure.high, ceiling
    )


def _words(outcome: Outcome, claim: str, otherwise: str = "significantly worse") -> str:
    """Return what an interval shows of a claim."""
    if outcome == "pass":
        return f"so {claim}"
    return f"so {otherwise}" if outcome == "fail" else f"which does not show {claim}"


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"


def _mean_among(values: Array, among: Array, weights: Array) -> Array:
    return weighted.ratio(weights @ (values * among), weights @ among)


def _brier(evidence: Evidence, number: int) -> Statistic:
    """Return half the squared distance between probabilities and the truth: with two classes the usual score."""
    said = evidence.said[number]
    truth = np.eye(evidence.classes)[evidence.labels]
    return partial(weighted.mean, ((said - truth) ** 2).sum(axis=1) / 2)


def _calibration_error(evidence: Evidence, number: int) -> Statistic:
    """Return the calibration error of a fracture's probability, or of the most probable class's."""
    said = evidence.said[number]
    if evidence.is_binary:
        return partial(weighted.calibration_error, evidence.labels.astype(np.float64), said[:, 1])
    right = (said.argmax(axis=1) == evidence.labels).astype(np.float64)
    return partial(weighted.calibration_error, right, said.max(axis=1))


def _less(first: Statistic, second: Statistic) -> Statistic:
    def difference(weights: Array) -> Array:
        gap: Array = first(weights) - second(weights)
        return gap

    return difference
