"""What the gate answers: a verdict, every check that led to it, and what it rests on.

Responsible for the form of a report, in memory and as JSON, and for the sentence that sums it up; not for judging.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Outcome = Literal["pass", "fail", "not_enough_evidence"]
_WORDS = {"pass": "Pass.", "fail": "Fail.", "not_enough_evidence": "Not enough evidence."}


@dataclass(frozen=True, slots=True)
class Check:
    """One question that the gate asked.

    Attributes:
        name: as people say it, "sensitivity at the upper operating point".
        kind: `difference` (candidate less active), `calibration`, `stratum`, `floor` or `count`.
        outcome: how it ended.
        sentence: the same with its numbers, for people.
        images: that it was asked of.
        candidate: the candidate's figure; None where the check has none.
        active: the active model's.
        estimate: what was judged: a difference, or the candidate's figure.
        low: lower end of its 95 % interval.
        high: upper end.
        limit: that the interval, or the count, was held against.
        better: groups in which only the candidate, or more often the candidate, was right.
        worse: groups in which the active model was.
        p: of the two-sided exact McNemar test on those groups.
        p_holm: the same, corrected for all strata (Holm 1979).
    """

    name: str
    kind: Literal["difference", "calibration", "stratum", "floor", "count"]
    outcome: Outcome
    sentence: str
    images: int
    candidate: float | None = None
    active: float | None = None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    better: int | None = None
    worse: int | None = None
    p: float | None = None
    p_holm: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What the gate found.

    Attributes:
        verdict: pass, fail or not enough evidence; only pass is a pass.
        against: `active`, or `floors` where no model of the task serves.
        images: on which both models were judged.
        groups: among those images.
        positives: images of a fracture; for a model of several classes, all images.
        others: images without one.
        out_of_fold: images that a model of another fold answered, for either model.
        test: images of a test set, for either model.
        margin: by how much the candidate may be worse at most.
        provable_margin: the smallest margin that this many images could prove of a candidate that is as good; None
            without a comparison.
        fewest_positives: below so many the gate does not tell.
        items: SHA-256 over the names of those images, so that two verdicts on the same set are known as such.
        stamps: what is not known, and must be read beside the verdict.
        excluded: images that were left out, by reason.
        checks: all of them.
    """

    verdict: Outcome
    against: Literal["active", "floors"]
    images: int
    groups: int
    positives: int
    others: int
    out_of_fold: int
    test: int
    margin: float
    provable_margin: float | None
    fewest_positives: int
    items: str
    stamps: tuple[str, ...] = ()
    excluded: Mapping[str, int] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()

    @property
    def sentence(self) -> str:
        """The verdict and what decided it."""
        deciding = [check.sentence for check in self.checks if check.outcome == self.verdict != "pass"]
        return " ".join([_WORDS[self.verdict], *(deciding or [self._basis])])

    @property
    def _basis(self) -> str:
        if self.against == "floors":
            return f"The floors for a first model are met on {self.images} images of {self.groups} groups."
        return (
            f"No more than {100 * self.margin:.0f} points worse on {self.images} images of {self.groups} groups, "
            f"{self.positives} of them positive."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            **asdict(self),
            "stamps": list(self.stamps),
            "excluded": dict(self.excluded),
            "checks": [asdict(check) for check in self.checks],
            "sentence": self.sentence,
        }


def decided(checks: Iterable[Check]) -> Outcome:
    """Return the verdict of checks: not enough evidence where images are too few, else the worst outcome of any."""
    known = list(checks)
    if any(check.kind == "count" and check.outcome != "pass" for check in known):
        return "not_enough_evidence"
    outcomes = {check.outcome for check in known}
    if "fail" in outcomes:
        return "fail"
    return "pass" if outcomes == {"pass"} else "not_enough_evidence"
