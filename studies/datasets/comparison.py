"""How a label stands to what the AI had said, and when it was decided. Pure; reads and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from inference.states import PredictionState
from studies.consensus import Label, Reading
from studies.states import Agreement, ImageLabel, Phase, ReviewKind, ReviewMode, ReviewState, Verdict

SPEAKING = {PredictionState.POSITIVE, PredictionState.NEGATIVE}
REVIEW_STATES = {
    Verdict.FRACTURE: ReviewState.REVIEWED_POSITIVE,
    Verdict.NO_FRACTURE: ReviewState.REVIEWED_NEGATIVE,
    Verdict.NOT_ASSESSABLE: ReviewState.REVIEWED_NOT_ASSESSABLE,
}


def agreement(image_label: ImageLabel, study_verdict: Verdict, *, image_state: str, study_state: str) -> Agreement:
    """Compare people's label with the AI's state.

    An image that was labelled by itself is compared with what the AI said of it; an image whose study has a fracture
    elsewhere is compared by its study. Doubt and silence are no state to agree with.

    Args:
        image_label: What people say of the image.
        study_verdict: What people say of the study.
        image_state: What the AI said of the image, empty where nothing.
        study_state: What the AI said of the study, empty where nothing.
    """
    by_itself = image_label in {ImageLabel.FRACTURE, ImageLabel.NO_FRACTURE}
    said = image_state if by_itself else study_state
    if said not in SPEAKING:
        return Agreement.NO_AI
    person = image_label if by_itself else study_verdict
    expected = {PredictionState.POSITIVE: "fracture", PredictionState.NEGATIVE: "no_fracture"}[PredictionState(said)]
    return Agreement.AGREED if person == expected else Agreement.CORRECTED


def phase(deciding: Reading, readings: Sequence[Reading], compared: Agreement) -> Phase:
    """Return when the deciding judgement was made in relation to the AI.

    Args:
        deciding: The judgement that made the label.
        readings: Every current judgement of the study, a blind first look among them.
        compared: How the label stands to the AI's state.
    """
    if deciding.kind == ReviewKind.ADJUDICATION:
        return Phase.ADJUDICATED
    if deciding.mode == ReviewMode.BLIND:
        return Phase.BLIND
    before = [row for row in readings if row.reader == deciding.reader and row.mode == ReviewMode.BLIND]
    changed = before[-1].verdict != deciding.verdict if before else compared == Agreement.CORRECTED
    return Phase.ASSISTED_CHANGED if changed else Phase.ASSISTED_CONFIRMED


def review_state(image_label: ImageLabel, label: Label) -> ReviewState:
    """Return how an image came to its label: reviewed with a fracture in it or its study, without, or unreadable."""
    by_image = {
        ImageLabel.FRACTURE: ReviewState.REVIEWED_POSITIVE,
        ImageLabel.NO_FRACTURE: ReviewState.REVIEWED_NEGATIVE,
        ImageLabel.NOT_ASSESSABLE: ReviewState.REVIEWED_NOT_ASSESSABLE,
    }
    return by_image.get(image_label) or REVIEW_STATES[label.verdict]
