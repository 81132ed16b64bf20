"""Projects the current reviews of reviewed studies to labelled images, with what the AI had said beside them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bonefrac.accounts.models import Site
from inference.models import Prediction
from inference.states import Task
from studies.consensus import Label, Reading, image_label, reading_for
from studies.datasets.comparison import agreement, phase, review_state
from studies.datasets.criteria import Criteria
from studies.datasets.splits import group_key
from studies.models import Disclosure, Study, StudyImage
from studies.selectors.ai import state_of
from studies.selectors.readings import label_from, readings_of_many
from studies.states import Agreement, ImageLabel, Phase, ReviewState, Verdict

CHUNK = 500
Said = Mapping[uuid.UUID, Prediction]


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """One image with the label that its study's current reviews give it."""

    study_image: uuid.UUID
    radiograph: uuid.UUID
    review: uuid.UUID
    prediction: uuid.UUID | None
    study_verdict: Verdict
    image_label: ImageLabel
    review_state: ReviewState
    phase: Phase
    agreement: Agreement
    group_key: str


def labelled_images(site: Site, criteria: Criteria) -> Iterator[LabelledImage]:
    """Yield every labelled image of a site that fits, studies oldest first, images in their order."""
    chunk: list[Study] = []
    for study in criteria.studies(site).iterator(CHUNK):
        chunk.append(study)
        if len(chunk) == CHUNK:
            yield from _of_studies(chunk)
            chunk = []
    yield from _of_studies(chunk)


def _of_studies(studies: Sequence[Study]) -> Iterator[LabelledImage]:
    readings = readings_of_many(studies)
    images: dict[uuid.UUID, list[StudyImage]] = defaultdict(list)
    for image in StudyImage.objects.filter(study__in=studies).order_by("position", "id"):
        images[image.study_id].append(image)
    latest = _latest({image.radiograph_id for group in images.values() for image in group})
    shown = _shown(studies)
    for study in studies:
        label = label_from(study, readings[study.id])
        if label:
            said = latest | shown.get((study.id, label.deciding.reader, study.round), {})
            yield from _of_study(study, label, readings[study.id], images[study.id], said)


def _of_study(
    study: Study, label: Label, readings: Sequence[Reading], images: Sequence[StudyImage], said: Said
) -> Iterator[LabelledImage]:
    states = [said[image.radiograph_id].state if image.radiograph_id in said else "" for image in images]
    study_state = state_of(states)
    for image, state in zip(images, states, strict=True):
        deciding = reading_for(label, image.id)
        own = image_label(label, image.id)
        compared = agreement(own, label.verdict, image_state=state, study_state=study_state)
        prediction = said.get(image.radiograph_id)
        yield LabelledImage(
            study_image=image.id,
            radiograph=image.radiograph_id,
            review=deciding.review,
            prediction=prediction.id if prediction else None,
            study_verdict=label.verdict,
            image_label=own,
            review_state=review_state(own, label),
            phase=phase(deciding, readings, compared),
            agreement=compared,
            group_key=group_key(study),
        )


def _latest(radiographs: set[uuid.UUID]) -> dict[uuid.UUID, Prediction]:
    """Return the latest fracture prediction of each radiograph; a model that never served, a shadow, has no say."""
    rows = Prediction.objects.filter(
        radiograph__in=radiographs, model_version__task=Task.FRACTURE, model_version__activated_at__isnull=False
    )
    return {row.radiograph_id: row for row in rows.order_by("created_at", "id")}


def _shown(studies: Sequence[Study]) -> dict[tuple[uuid.UUID, uuid.UUID, int], dict[uuid.UUID, Prediction]]:
    """Return what each reader was shown, by study, reader and round: what was seen beats what was said later."""
    shown: dict[tuple[uuid.UUID, uuid.UUID, int], dict[uuid.UUID, Prediction]] = defaultdict(dict)
    rows = Disclosure.objects.filter(study__in=studies, prediction__model_version__task=Task.FRACTURE)
    for row in rows.select_related("prediction").order_by("at", "id"):
        shown[(row.study_id, row.reader_id, row.round)][row.prediction.radiograph_id] = row.prediction
    return shown
