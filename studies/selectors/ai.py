"""Hands out AI output to people: the only place that does, and the place that records that it did.

Whoever is not shown the output gets an answer that does not depend on it: where it is withheld, no prediction is
even looked up. Who may see it is decided in ``policies``; what the models said comes from ``inference.selectors``.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from bonefrac.accounts.models import ReadingMode
from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.errors import NotFound
from inference import heatmaps
from inference.models import Prediction
from inference.selectors import Outlook, predictions_of
from studies import access
from studies.models import Disclosure, Review, Study, StudyImage
from studies.policies import Standing, sees_ai, sees_reading_side
from studies.states import AIState, ReviewKind, ReviewMode

if TYPE_CHECKING:
    from bonefrac.accounts.models import User


@dataclass(frozen=True, slots=True)
class ImageAI:
    """What the AI says of one image, ready to be shown."""

    image: uuid.UUID
    state: str
    sentence: str
    model_version: str = ""
    score: float | None = None
    prediction: uuid.UUID | None = None
    has_map: bool = False
    content_box: Sequence[float] | None = None
    regions: Sequence[Sequence[float]] = ()


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
        return any(image.state == "pending" for image in self.images)

    def of(self, image_id: uuid.UUID) -> ImageAI | None:
        """Return what is said of one image, None where it is withheld."""
        return next((image for image in self.images if image.image == image_id), None)


def state_of(states: Iterable[str]) -> AIState:
    """Return a study's AI state from its images': positive if any is; else unknown, doubt; negative only if all are."""
    present = set(states)
    if "positive" in present:
        return AIState.POSITIVE
    if not present or present - {"positive", "doubt", "negative"}:
        return AIState.UNKNOWN
    return AIState.DOUBT if "doubt" in present else AIState.NEGATIVE


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
    images = _images_of(open_ones)
    outlooks = predictions_of({image.radiograph_id for image in images}) if images else {}
    with transaction.atomic():
        _disclose(user, open_ones, images, outlooks)
    answers = {study.id: _withheld(standings[study.site_id]) for study in studies}
    for study in open_ones:
        answers[study.id] = _speak([image for image in images if image.study_id == study.id], outlooks)
    return answers


def map_of(user: User, image: StudyImage) -> bytes:
    """Return the heat map of an image as PNG; raise ``NotFound`` where there is none that the person may see."""
    study = image.study
    if not _is_open(user, study, access.standing(user, study.site), in_list=False):
        raise NotFound
    outlooks = predictions_of({image.radiograph_id})
    prediction = outlooks[image.radiograph_id].prediction
    if prediction is None or not prediction.heat_map:
        raise NotFound
    with transaction.atomic():
        _disclose(user, [study], [image], outlooks)
    return heatmaps.read(prediction)


def has_signed_blind(user: User, study: Study) -> bool:
    """Whether the person signed a blind reading of the study in its current round."""
    return Review.objects.filter(
        study=study, reader=user, round=study.round, kind=ReviewKind.READING, mode=ReviewMode.BLIND
    ).exists()


def has_been_shown(user: User, study: Study) -> bool:
    """Whether the person was handed AI output of the study in its current round."""
    return Disclosure.objects.filter(study=study, reader=user, round=study.round).exists()


def predictions_shown(user_id: uuid.UUID, study: Study, *, round_: int) -> dict[uuid.UUID, Prediction]:
    """Return the latest prediction of each radiograph that a reader was shown in a round."""
    rows = (
        Disclosure.objects.filter(study=study, reader_id=user_id, round=round_)
        .select_related("prediction__model_version")
        .order_by("at", "id")
    )
    return {row.prediction.radiograph_id: row.prediction for row in rows}


def _is_open(user: User, study: Study, standing: Standing, *, in_list: bool) -> bool:
    blind_first = study.site.reading_mode == ReadingMode.BLIND_FIRST
    signed = blind_first and not in_list and has_signed_blind(user, study)
    return sees_ai(standing, reading_mode=study.site.reading_mode, has_signed_blind=signed)


def _withheld(standing: Standing) -> StudyAI:
    return StudyAI(None, _("after your reading") if sees_reading_side(standing) else _("shown to readers only"))


def _images_of(studies: Sequence[Study]) -> list[StudyImage]:
    if not studies:
        return []
    return list(StudyImage.objects.filter(study__in=studies).order_by("study_id", "position", "id"))


def _speak(images: Sequence[StudyImage], outlooks: Mapping[uuid.UUID, Outlook]) -> StudyAI:
    spoken = tuple(_image(image, outlooks[image.radiograph_id]) for image in images)
    state = state_of(image.state for image in spoken)
    decisive = _decisive(state, spoken)
    return StudyAI(
        state=state,
        sentence=decisive.sentence if decisive else _("not assessed: there is no image yet"),
        model_version=next((image.model_version for image in spoken if image.model_version), ""),
        score=max((image.score for image in spoken if image.score is not None), default=None),
        images=spoken,
    )


def _decisive(state: AIState, images: Sequence[ImageAI]) -> ImageAI | None:
    if state == AIState.UNKNOWN:
        return next((image for image in images if image.state not in {"doubt", "negative"}), None)
    return next((image for image in images if image.state == state), None)


def _image(image: StudyImage, outlook: Outlook) -> ImageAI:
    prediction = outlook.prediction
    return ImageAI(
        image=image.id,
        state=str(outlook.state),
        sentence=sentence_of(outlook),
        model_version=str(outlook.model_version or ""),
        score=outlook.probability,
        prediction=prediction.id if prediction else None,
        has_map=bool(prediction and prediction.heat_map),
        content_box=prediction.content_box if prediction else None,
        regions=prediction.regions if prediction else (),
    )


def _disclose(
    user: User, studies: Sequence[Study], images: Sequence[StudyImage], outlooks: Mapping[uuid.UUID, Outlook]
) -> None:
    by_id = {study.id: study for study in studies}
    shown = {
        (image.study_id, prediction.id)
        for image in images
        if (prediction := outlooks[image.radiograph_id].prediction) is not None
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
    for study_id in {study for study, _prediction in fresh}:
        keys = [str(prediction) for study, prediction in fresh if study == study_id]
        data: dict[str, object] = {"predictions": keys}
        site = by_id[study_id].site_id
        record(user, Verb.AI_DISCLOSED, target_type="study", target_id=study_id, site=site, data=data)
