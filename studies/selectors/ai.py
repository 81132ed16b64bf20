"""Hands out AI output to people: the only place that does, and the place that records that it did.

Whoever is not shown the output gets an answer that does not depend on it: where it is withheld, no prediction is
even looked up. Who may see it is decided in ``policies``; what the models said comes from ``inference.selectors``.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from bonefrac.accounts.models import ReadingMode
from bonefrac.audit.events import record_each
from bonefrac.audit.models import Verb
from bonefrac.errors import NotFound
from inference import heatmaps
from inference.explanations import Licence, licences_of
from inference.selectors import Outlook, classes_of, predictions_of
from inference.states import MapKind, Task
from studies import access
from studies.models import Disclosure, Study, StudyImage
from studies.policies import Standing, sees_ai, sees_reading_side
from studies.selectors.classes import ClassesAI, classes_of_image
from studies.states import AIState, ReviewKind, ReviewMode
from studies.states import state_of as state_of
from studies.turns import standing_reviews

if TYPE_CHECKING:
    from bonefrac.accounts.models import User


@dataclass(frozen=True, slots=True)
class ImageAI:
    """What the AI says of one image, ready to be shown.

    ``map_reason`` says why the person sees a map, or why there is none; ``regions`` are of a licensed map only.
    """

    image: uuid.UUID
    state: str
    sentence: str
    model_version: str = ""
    score: float | None = None
    prediction: uuid.UUID | None = None
    has_map: bool = False
    map_name: str = ""
    map_reason: str = ""
    content_box: Sequence[float] | None = None
    regions: Sequence[Sequence[float]] = ()
    caution: str = ""
    classes: tuple[ClassesAI, ...] = ()

    @property
    def is_pending(self) -> bool:
        """Whether a prediction of it is still on its way."""
        return self.state == "pending" or any(said.is_pending for said in self.classes)

    @property
    def certainty(self) -> str:
        """How sure the model is of its regions: ``definite`` where it suspects a fracture, else ``suspicious``."""
        return "" if not self.regions else "definite" if self.state == "positive" else "suspicious"


@dataclass(frozen=True, slots=True)
class StudyAI:
    """What the AI says of a study to one person; ``state`` is None where it is withheld from them."""

    state: AIState | None
    sentence: str
    model_version: str = ""
    score: float | None = None
    images: tuple[ImageAI, ...] = ()

    @property
    def is_withheld(self) -> bool:
        """Whether the person has to read first."""
        return self.state is None

    @property
    def is_pending(self) -> bool:
        """Whether a prediction is still on its way."""
        return any(image.is_pending for image in self.images)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What to know beside the score, each sentence once."""
        return tuple(dict.fromkeys(image.caution for image in self.images if image.caution))

    @property
    def map_reasons(self) -> tuple[str, ...]:
        """Why there is no map where the model has spoken, each sentence once."""
        missing = (image.map_reason for image in self.images if not image.has_map and image.map_reason)
        return tuple(dict.fromkeys(missing))

    @property
    def has_classes(self) -> bool:
        """Whether a model that names classes is in service."""
        return any(image.classes for image in self.images)

    def of(self, image_id: uuid.UUID) -> ImageAI | None:
        """Return what is said of one image, None where it is withheld."""
        return next((image for image in self.images if image.image == image_id), None)


def sentence_of(outlook: Outlook) -> str:
    """Return what is said of one image, in the words of every face."""
    words = {
        "positive": _("fracture suspected"),
        "doubt": _("unsure"),
        "negative": _("nothing suspected"),
        "pending": _("not assessed yet: waiting for the model"),
        "failed": _("not assessed: the prediction failed"),
        "no_model": _("not assessed: no model is in service"),
    }
    return words.get(str(outlook.state)) or _("not assessed: %(reason)s") % {"reason": outlook.reason}


def ai_of_study(user: User, study: Study) -> StudyAI:
    """Return what the AI says of a study, as far as the person may know it now, and record that it was shown."""
    return ai_of_studies(user, [study], in_list=False)[study.id]


def ai_of_studies(user: User, studies: Sequence[Study], *, in_list: bool) -> dict[uuid.UUID, StudyAI]:
    """Return the same for several studies.

    Args:
        user: Who is shown it.
        studies: Studies that the person may see.
        in_list: Whether they are rows of a list, where a site that reads blind first shows nothing of any study.
    """
    standings = {study.site_id: access.standing(user, study.site) for study in {s.site_id: s for s in studies}.values()}
    open_ones = [study for study in studies if _is_open(user, study, standings[study.site_id], in_list=in_list)]
    said = _said(open_ones, in_list=in_list)
    with transaction.atomic():
        _disclose(user, open_ones, said)
    answers = {study.id: _withheld(standings[study.site_id]) for study in studies}
    return answers | {key: _speak(images) for key, images in said.items()}


def ai_for_uploader(user: User, study: Study) -> StudyAI:
    """Return what the AI says of a study to its uploader, and record it; whether they may know was decided before."""
    said = _said([study], in_list=False)
    _disclose(user, [study], said)
    return _speak(said[study.id])


def map_of(user: User, image: StudyImage) -> bytes:
    """Return the heat map of an image as PNG; raise ``NotFound`` where there is none that the person may see."""
    study = image.study
    if not _is_open(user, study, access.standing(user, study.site), in_list=False):
        raise NotFound
    outlook = predictions_of({image.radiograph_id})[image.radiograph_id]
    prediction = outlook.prediction
    if prediction is None or not prediction.heat_map:
        raise NotFound
    licence = _licences([outlook])[prediction.model_version_id]
    if not licence.is_granted:
        raise NotFound(licence.reason)
    with transaction.atomic():
        _disclose(user, [study], {study.id: [_image(image, outlook, {}, licence, study.body_part)]})
    return heatmaps.read(prediction)


def has_signed_blind(user: User, study: Study) -> bool:
    """Whether the person signed a blind reading of the study in its current round."""
    signed = standing_reviews().filter(study=study, reader=user, round=study.round, kind=ReviewKind.READING)
    return signed.filter(mode=ReviewMode.BLIND).exists()


def has_been_shown(user: User, study: Study) -> bool:
    """Whether the person was handed AI output of the study in its current round."""
    return Disclosure.objects.filter(study=study, reader=user, round=study.round).exists()


def _is_open(user: User, study: Study, standing: Standing, *, in_list: bool) -> bool:
    blind_first = study.site.reading_mode == ReadingMode.BLIND_FIRST
    signed = blind_first and not in_list and has_signed_blind(user, study)
    return sees_ai(standing, reading_mode=study.site.reading_mode, has_signed_blind=signed)


def _withheld(standing: Standing) -> StudyAI:
    return StudyAI(None, _("after your reading") if sees_reading_side(standing) else _("shown to readers only"))


def _images_of(studies: Sequence[Study]) -> list[StudyImage]:
    if not studies:
        return []
    images = StudyImage.objects.filter(study__in=studies).only("study", "radiograph")  # not the long headers
    return list(images.order_by("study_id", "position", "id"))


def _said(studies: Sequence[Study], *, in_list: bool) -> dict[uuid.UUID, list[ImageAI]]:
    """Return what is said of each image of each study; lists hold nothing of models that name classes."""
    images = _images_of(studies)
    radiographs = {image.radiograph_id for image in images}
    outlooks = predictions_of(radiographs) if images else {}
    classes = {} if in_list else classes_of(radiographs)
    licences = _licences(outlooks.values())
    stated = {study.id: study.body_part for study in studies}
    said: dict[uuid.UUID, list[ImageAI]] = {study.id: [] for study in studies}
    for image in images:
        outlook = outlooks[image.radiograph_id]
        by_task = {task: found[image.radiograph_id] for task, found in classes.items()}
        licence = licences.get(outlook.prediction.model_version_id) if outlook.prediction else None
        said[image.study_id].append(_image(image, outlook, by_task, licence, stated[image.study_id]))
    return said


def _licences(outlooks: Iterable[Outlook]) -> dict[uuid.UUID, Licence]:
    """Return which of the versions that spoke may show where they looked."""
    return licences_of({outlook.prediction.model_version_id for outlook in outlooks if outlook.prediction})


def _speak(spoken: Sequence[ImageAI]) -> StudyAI:
    state = state_of(image.state for image in spoken)
    decisive = _decisive(state, spoken)
    return StudyAI(
        state=state,
        sentence=decisive.sentence if decisive else _("not assessed: there is no image yet"),
        model_version=next((image.model_version for image in spoken if image.model_version), ""),
        score=max((image.score for image in spoken if image.score is not None), default=None),
        images=tuple(spoken),
    )


def _decisive(state: AIState, images: Sequence[ImageAI]) -> ImageAI | None:
    if state == AIState.UNKNOWN:
        return next((image for image in images if image.state not in {"doubt", "negative"}), None)
    return next((image for image in images if image.state == state), None)


def _image(
    image: StudyImage, outlook: Outlook, classes: Mapping[Task, Outlook], licence: Licence | None, stated: str
) -> ImageAI:
    said = ImageAI(
        image=image.id,
        state=str(outlook.state),
        sentence=sentence_of(outlook),
        model_version=str(outlook.model_version or ""),
        score=outlook.probability,
        classes=classes_of_image(classes, fracture=outlook.state, stated=stated),
    )
    prediction = outlook.prediction
    if prediction is None or licence is None:
        return said
    spoken = replace(said, prediction=prediction.id, caution=prediction.caution)
    if outlook.probability is None or (licence.is_granted and not prediction.heat_map):
        return spoken
    if not licence.is_granted:
        return replace(spoken, map_reason=licence.reason)
    return replace(
        spoken,
        has_map=True,
        map_name=str(MapKind(prediction.model_version.map_kind).label),
        map_reason=licence.reason,
        content_box=prediction.content_box,
        regions=prediction.regions,
    )


def _disclose(user: User, studies: Sequence[Study], said: Mapping[uuid.UUID, Sequence[ImageAI]]) -> None:
    """Record every prediction that a person is handed, of a fracture and of classes, once a round."""
    by_id = {study.id: study for study in studies}
    shown = {
        (study_id, prediction)
        for study_id, images in said.items()
        for image in images
        for prediction in (image.prediction, *(classes.prediction for classes in image.classes))
        if prediction is not None
    }
    if not shown:
        return
    known = set(
        Disclosure.objects.filter(
            reader=user, study__in=by_id, prediction__in={key for _study, key in shown}
        ).values_list("study_id", "prediction_id", "round")
    )
    fresh = sorted(pair for pair in shown if (*pair, by_id[pair[0]].round) not in known)
    Disclosure.objects.bulk_create(
        [
            Disclosure(study_id=study, reader=user, prediction_id=prediction, round=by_id[study].round)
            for study, prediction in fresh
        ],
        ignore_conflicts=True,
    )
    told: dict[uuid.UUID, list[str]] = {}
    for study_id, prediction in fresh:
        told.setdefault(study_id, []).append(str(prediction))
    rows = ((key, by_id[key].site_id, {"predictions": keys}) for key, keys in told.items())
    record_each(user, Verb.AI_DISCLOSED, target_type="study", rows=rows)
