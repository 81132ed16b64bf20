"""The answer of STOW-RS (PS3.18 10.5.3): what was taken, what was not and why, in DICOM JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from studies.dicomweb.elements import Attributes, element
from studies.dicomweb.storing import COERCED, Identity, Outcome

Locate = Callable[[Identity], str]


def status_of(outcomes: Sequence[Outcome]) -> int:
    """Return 200 where every part was taken, 409 where none was, 202 in between."""
    failed = sum(outcome.failure is not None for outcome in outcomes)
    if not failed:
        return 200
    return 409 if failed == len(outcomes) else 202


def body_of(outcomes: Sequence[Outcome], locate: Locate) -> Attributes:
    """Return the data set of the answer.

    Args:
        outcomes: What became of each part.
        locate: Gives the address under which a taken instance will be found.
    """
    taken = [_taken(outcome, locate) for outcome in outcomes if outcome.failure is None]
    failed = [_failed(outcome) for outcome in outcomes if outcome.failure is not None and outcome.identity.instance]
    other = [dict([element("FailureReason", outcome.failure)]) for outcome in outcomes
             if outcome.failure is not None and not outcome.identity.instance]  # fmt: skip
    sequences = {"ReferencedSOPSequence": taken, "FailedSOPSequence": failed, "OtherFailuresSequence": other}
    return dict(element(name, *items) for name, items in sequences.items() if items)


def warnings_of(outcomes: Sequence[Outcome]) -> list[str]:
    """Return sentences for the header ``Warning``: each refusal once, and what an acceptance means."""
    sentences = list(dict.fromkeys(outcome.sentence for outcome in outcomes if outcome.sentence))[:5]
    if any(outcome.failure is None for outcome in outcomes):
        sentences.append(
            "Instances are judged in the background and kept under replaced UIDs; "
            "RetrieveURL answers once one is accepted."
        )
    return sentences


def _named(identity: Identity) -> Attributes:
    return dict(
        [
            element("ReferencedSOPClassUID", identity.sop_class),
            element("ReferencedSOPInstanceUID", identity.instance),
        ]
    )


def _taken(outcome: Outcome, locate: Locate) -> Attributes:
    told = dict([element("RetrieveURL", locate(outcome.identity)), element("WarningReason", COERCED)])
    return _named(outcome.identity) | told


def _failed(outcome: Outcome) -> Attributes:
    return _named(outcome.identity) | dict([element("FailureReason", outcome.failure)])
