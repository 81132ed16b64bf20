"""Earlier studies of the same patient and body part, for the reader who wants to compare.

They are found by the patient's pseudonym at one site, among the studies that the person may see, and never carry what
an AI said. That they are listed is part of opening the study; looking at one opens it, and is recorded as that.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from django.db import transaction

from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.errors import NotFound
from studies import access
from studies.models import Study, StudyImage
from studies.selectors.dates import STUDY_DATE, earliest
from studies.states import BodyPart, StudyStatus

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

AT_MOST: Final = 8


@dataclass(frozen=True, slots=True)
class Prior:
    """An earlier study: when it was made (dates of one patient are shifted by one offset), and its images."""

    study: Study
    made_on: date
    images: tuple[StudyImage, ...]


def priors_of(user: User, study: Study) -> list[Prior]:
    """Return the earlier studies of a study's patient and part that the person may see, newest first."""
    if not study.patient_key or study.body_part == BodyPart.UNKNOWN:
        return []
    others = access.visible_to(user).filter(
        site=study.site_id, patient_key=study.patient_key, body_part=study.body_part, received_at__lte=study.received_at
    )
    newest = others.exclude(pk=study.pk).exclude(status=StudyStatus.VOID).order_by("-received_at", "-id")
    found = [_prior(other) for other in newest.prefetch_related("images__radiograph")[:AT_MOST]]
    found.sort(key=lambda prior: (prior.made_on, prior.study.received_at), reverse=True)
    return [prior for prior in found if prior.images]


def open_prior(user: User, study: Study, prior_id: uuid.UUID) -> Prior:
    """Return one of a study's priors and record that the person opened it.

    Raises:
        NotFound: It is none of them.
    """
    prior = next((prior for prior in priors_of(user, study) if prior.study.pk == prior_id), None)
    if prior is None:
        raise NotFound
    with transaction.atomic():
        beside: dict[str, object] = {"beside": str(study.pk)}
        record(user, Verb.STUDY_OPENED, target_type="study", target_id=prior_id, site=study.site_id, data=beside)
    return prior


def _prior(study: Study) -> Prior:
    images = tuple(study.images.all())
    made = earliest(_study_date(image) for image in images)
    return Prior(study, made or study.received_at.date(), images)


def _study_date(image: StudyImage) -> object:
    return (image.header.get(STUDY_DATE, {}).get("Value") or [None])[0]
