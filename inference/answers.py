"""What a model says of one radiograph, between the engine and the row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from inference.states import PredictionState
from training.explanation import Box


@dataclass(frozen=True, slots=True)
class Answer:
    """One model's answer: a score with its map, classes with their probabilities, or the reason why it does not speak.

    Attributes:
        state: What it says.
        milliseconds: Time of the forward pass and the heat map.
        reason_code: Why it does not speak, for programs.
        reason: The same for people, to follow the words "not assessed: ".
        logit: The model's own output; of the label, where it names classes.
        probability: Calibrated; of the label, where it names classes.
        label: The most probable class; empty where a fracture is asked for.
        probabilities: Each class with its calibrated probability, the highest first.
        caution: What a reader must know beside the score, one sentence.
        heat_map: A key of the store ``maps``.
        content_box: x0, y0, x1, y1: where the radiograph lies in the map, in fractions.
        regions: Boxes x0, y0, x1, y1 in fractions of the radiograph, the strongest first.
    """

    state: PredictionState
    milliseconds: float
    reason_code: str = ""
    reason: str = ""
    logit: float | None = None
    probability: float | None = None
    label: str = ""
    probabilities: list[tuple[str, float]] = field(default_factory=list)
    caution: str = ""
    heat_map: str = ""
    content_box: Box | None = None
    regions: list[Box] = field(default_factory=list)

    def as_fields(self) -> dict[str, Any]:
        """Return the columns of a prediction."""
        return {
            "state": self.state,
            "milliseconds": self.milliseconds,
            "reason_code": self.reason_code,
            "reason": self.reason[:300],
            "logit": self.logit,
            "probability": self.probability,
            "label": self.label,
            "probabilities": [list(pair) for pair in self.probabilities],
            "caution": self.caution[:300],
            "heat_map": self.heat_map,
            "content_box": list(self.content_box) if self.content_box else None,
            "regions": [list(box) for box in self.regions],
        }
