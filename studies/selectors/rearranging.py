"""What a lead looks at before images move: the study's images, where they could go, and what would follow."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.errors import Forbidden
from studies import access, policies
from studies.models import Study, StudyImage
from studies.selectors.filtering import Filters
from studies.selectors.listing import pseudonym
from studies.states import StudyEvent, StudyStatus
from studies.turns import standing_reviews

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

ACTIONS: Final = (StudyEvent.MOVE_IMAGE, StudyEvent.SPLIT, StudyEvent.MERGE)
_SHOWN: Final = 12
_NEAR: Final = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the lead has chosen so far; ``wants_list`` while they still look for the other study."""

    action: str = ""
    images: frozenset[uuid.UUID] = frozenset()
    to: uuid.UUID | None = None
    find: str = ""
    wants_list: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A study with its pictures, as a place for images."""

    study: Study
    pseudonym: str
    images: tuple[StudyImage, ...]
    is_same_patient: bool
    has_readings: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """The study, what is chosen of it, where that would go, and what is missing."""

    source: Candidate
    chosen: tuple[StudyImage, ...]
    candidates: tuple[Candidate, ...]
    target: Candidate | None
    asked: Asked
    fault: str

    @property
    def is_ready(self) -> bool:
        """Whether everything is chosen, so that it can be confirmed."""
        return bool(self.asked.action) and not self.fault and not self.asked.wants_list

    @property
    def are_two_patients(self) -> bool:
        """Whether the other study names another patient."""
        ours, theirs = self.source.study.patient_key, self.target.study.patient_key if self.target else None
        return bool(ours and theirs and ours != theirs)

    @property
    def leaves_nothing(self) -> bool:
        """Whether the study would lose its last image."""
        return len(self.chosen) == len(self.source.images)


def desk(user: User, study_id: uuid.UUID, asked: Asked) -> Desk:
    """Return what a lead looks at; raise ``NotFound`` or ``Forbidden`` for anybody else."""
    study = access.study(user, study_id)
    if not policies.may_lead(access.standing(user, study.site)):
        raise Forbidden(_("Only a lead of the site moves images, splits or merges studies."))
    images = tuple(study.images.select_related("radiograph"))
    chosen = images if asked.action == StudyEvent.MERGE else tuple(one for one in images if one.pk in asked.images)
    other = _sites(study).filter(pk=asked.to).first() if asked.to else None
    found = () if asked.action == StudyEvent.SPLIT else tuple(_found(study, asked.find))
    seen = _with_pictures(study, [study, *found, *([other] if other else [])])
    target = seen[other.pk] if other else None
    candidates = tuple(seen[one.pk] for one in found)
    return Desk(seen[study.pk], chosen, candidates, target, asked, _fault(asked, len(images), len(chosen), target))


def _fault(asked: Asked, there: int, chosen: int, target: Candidate | None) -> str:
    if not asked.action:
        return ""
    if not chosen:
        return _("Choose at least one image.")
    if asked.action == StudyEvent.SPLIT:
        return _("Leave at least one image in the study. To move all of them, merge it.") if chosen == there else ""
    return "" if target else _("Choose the study where the images belong.")


def _sites(study: Study) -> QuerySet[Study]:
    """Return the studies of the same site to which images may go."""
    return Study.objects.filter(site=study.site_id).exclude(status=StudyStatus.VOID).exclude(pk=study.pk)


def _found(study: Study, text: str) -> list[Study]:
    """Return what a search names, or studies of the same patient and those that came at about the same time."""
    rows = _sites(study).select_related("site")
    if text:
        return list(Filters(search=text).narrow(rows).order_by("-received_at", "-id")[:_SHOWN])
    same = rows.filter(patient_key=study.patient_key) if study.patient_key else rows.none()
    near = rows.filter(received_at__range=(study.received_at - _NEAR, min(study.received_at + _NEAR, timezone.now())))
    both = [*same.order_by("-received_at", "-id")[:_SHOWN], *near.order_by("-received_at", "-id")[:_SHOWN]]
    return list({one.pk: one for one in both}.values())[:_SHOWN]


def _with_pictures(source: Study, studies: Sequence[Study]) -> dict[uuid.UUID, Candidate]:
    pictures: dict[uuid.UUID, list[StudyImage]] = {study.pk: [] for study in studies}
    for image in StudyImage.objects.filter(study__in=studies).select_related("radiograph"):
        pictures[image.study_id].append(image)
    read = set(standing_reviews().filter(study__in=studies).values_list("study_id", "round"))
    return {
        study.pk: Candidate(
            study,
            pseudonym(study),
            tuple(pictures[study.pk]),
            bool(study.patient_key) and study.patient_key == source.patient_key,
            (study.pk, study.round) in read,
        )
        for study in studies
    }
