"""Holds a shadow and the model in service against what people signed on live studies.

Counts only, over all sites, without a person or a study in them: for whoever looks after models. It is no gate: where
readers saw what the model in service said, their labels lean towards it, and few studies tell nothing. Responsible for
studies with a label and an answer of both models on every image; how often the two agree is
``inference.selectors.shadow_comparison``.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from inference.models import ModelVersion, Prediction
from inference.selectors import active_model
from inference.states import Task
from inference.trials import answers_of
from studies.consensus import Label
from studies.models import Study, StudyImage
from studies.selectors.ai import state_of
from studies.selectors.readings import label_from, readings_of_many
from studies.states import AIState, ReviewMode, StudyStatus, Verdict
from training.comparison import FEWEST_POSITIVES

#: The newest studies that are looked at.
MOST_STUDIES: Final = 5000
_CHUNK: Final = 500
_JUDGED: Final = (Verdict.FRACTURE, Verdict.NO_FRACTURE)


@dataclass(frozen=True, slots=True)
class Counted:
    """What both models said of studies with the same label, and how many studies that is."""

    verdict: Verdict
    active: AIState
    shadow: AIState
    studies: int


@dataclass(frozen=True, slots=True)
class LabelComparison:
    """Two models against signed labels.

    Attributes:
        shadow: The model that predicts silently.
        active: The model in service; None where none is, and nothing is counted then.
        counts: Each combination of label and answers that occurred.
        assisted: Studies whose label was made by readers who could see what the active model said.
    """

    shadow: ModelVersion
    active: ModelVersion | None
    counts: tuple[Counted, ...] = ()
    assisted: int = 0

    @property
    def fractures(self) -> int:
        """How many of the studies have a fracture by their label."""
        return self._number(Verdict.FRACTURE)

    @property
    def others(self) -> int:
        """How many have none."""
        return self._number(Verdict.NO_FRACTURE)

    @property
    def is_telling(self) -> bool:
        """Whether there are as many fractures as the gate asks for at least."""
        return self.fractures >= FEWEST_POSITIVES

    def suspected(self, verdict: Verdict, *, by_shadow: bool) -> int:
        """Return in how many studies of a label one of the models suspected a fracture."""
        return sum(
            row.studies
            for row in self.counts
            if row.verdict == verdict and (row.shadow if by_shadow else row.active) == AIState.POSITIVE
        )

    def suspected_alone(self, verdict: Verdict, *, by_shadow: bool) -> int:
        """Return in how many studies of a label one of the models suspected a fracture and the other did not."""
        both = [(row.shadow, row.active) if by_shadow else (row.active, row.shadow) for row in self.counts]
        return sum(
            row.studies
            for row, (one, other) in zip(self.counts, both, strict=True)
            if row.verdict == verdict and one == AIState.POSITIVE and other != AIState.POSITIVE
        )

    def _number(self, verdict: Verdict) -> int:
        return sum(row.studies for row in self.counts if row.verdict == verdict)


def against_labels(shadow: ModelVersion) -> LabelComparison:
    """Return how a shadow of the fracture task and the model in service stand to labels of the newest studies."""
    active = active_model(Task(shadow.task))
    if active is None or active == shadow or shadow.task != Task.FRACTURE:
        return LabelComparison(shadow, None)
    counts: Counter[tuple[Verdict, AIState, AIState]] = Counter()
    assisted = 0
    for label, said_active, said_shadow in _judged(shadow, active):
        counts[(label.verdict, said_active, said_shadow)] += 1
        assisted += any(reading.mode == ReviewMode.ASSISTED for reading in label.readings)
    rows = tuple(Counted(*key, number) for key, number in sorted(counts.items()))
    return LabelComparison(shadow, active, rows, assisted)


def _judged(shadow: ModelVersion, active: ModelVersion) -> Iterator[tuple[Label, AIState, AIState]]:
    """Yield the label of each study, with what both models say of it as a whole."""
    spoken = Prediction.objects.filter(model_version=shadow).values("radiograph")
    images = StudyImage.objects.filter(radiograph__in=spoken).values("study")
    reviewed = Study.objects.filter(status=StudyStatus.REVIEWED, pk__in=images).select_related("site")
    studies = list(reviewed.order_by("-received_at", "-id")[:MOST_STUDIES])
    for first in range(0, len(studies), _CHUNK):
        yield from _of_chunk(studies[first : first + _CHUNK], active, shadow)


def _of_chunk(
    studies: Sequence[Study], active: ModelVersion, shadow: ModelVersion
) -> Iterator[tuple[Label, AIState, AIState]]:
    radiographs: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for image in StudyImage.objects.filter(study__in=studies).only("study_id", "radiograph_id"):
        radiographs[image.study_id].append(image.radiograph_id)
    said = answers_of((active, shadow), {key for keys in radiographs.values() for key in keys})
    readings = readings_of_many(studies)
    for study in studies:
        label = label_from(study, readings[study.id])
        states = [_state(said, radiographs[study.id], model) for model in (active, shadow)]
        if label is not None and label.verdict in _JUDGED and states[0] is not None and states[1] is not None:
            yield label, states[0], states[1]


def _state(
    said: Mapping[uuid.UUID, Mapping[uuid.UUID, str]], radiographs: Sequence[uuid.UUID], model: ModelVersion
) -> AIState | None:
    """Return what a model says of a study, None where it has not spoken about each of its images."""
    found = [said.get(radiograph, {}).get(model.pk) for radiograph in radiographs]
    return None if None in found else state_of([state for state in found if state is not None])
