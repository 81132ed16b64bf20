"""Puts images where they belong: a lead moves them to another study, splits a study, or merges it into another.

An image that moves is withdrawn here and a new row there, so that what was signed and frozen of it stays as it was.
Both studies are locked in the order of their keys, before anything is looked at; whoever signs at the same moment
comes before, and is history, or after, and is told that their form is stale. Current readings of both studies stop
being labels: each goes to its next round.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bonefrac.accounts import pseudonyms
from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.celery import ring
from bonefrac.db import new_id
from bonefrac.errors import Conflict, Forbidden, Invalid
from studies import access, identity, notices, policies
from studies.models import Decision, IncomingFile, Study, StudyImage
from studies.reviews.leading import required, start_round_if_read
from studies.reviews.locking import drop_claim, locked, move, note, require_revision
from studies.states import STUDY_TRANSITIONS, NoticeKind, Rank, Sex, StudyEvent, StudyStatus

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

_CODE_LENGTH: Final = 64
_FACTS: Final = ("body_part", "side", "sex")


class Patient(StrEnum):
    """Whose the images of a study that is split off are."""

    SAME = "same"
    UNKNOWN = "unknown"
    OTHER = "other"


def move_images(
    actor: User,
    study_id: uuid.UUID,
    *,
    images: Collection[uuid.UUID],
    to: uuid.UUID,
    reason: str,
    revision: int | None = None,
    other_patient: bool = False,
) -> Study:
    """Move images to another study of the same site and return that; a study that loses its last image is void.

    Args:
        actor: A lead of the site.
        study_id: The study that shows the images now.
        images: Keys of images of it.
        to: The study where they belong.
        reason: Why.
        revision: The study's revision that the actor looked at; None: whatever it is.
        other_patient: Whether the actor knows that the two studies name different patients.

    Raises:
        NotFound, Forbidden: The actor may not see a study, or is no lead of its site.
        Conflict: It changed (``stale``), names another patient (``other_patient``), the target is void, or holds
            another picture under the same identity (``same_instance``).
        Invalid: The reason is missing, an image is not the study's, or the studies are of two sites.
    """
    text = required(reason)
    with transaction.atomic():
        source, target = _pair(actor, study_id, to, revision)
        _require_patient(source, target, other_patient)
        chosen = _chosen(source, images)
        STUDY_TRANSITIONS.targets(StudyStatus(target.status), StudyEvent.ADD_IMAGE)
        _carry(chosen, target)
        _leave(actor, source, StudyEvent.MOVE_IMAGE, Verb.IMAGE_MOVED, text, to=str(target.pk), images=_keys(chosen))
        _take_in(actor, target, Verb.IMAGE_MOVED, taken_from=str(source.pk), images=_keys(chosen))
        _tell(actor, source, NoticeKind.IMAGE_MOVED, _sentence(len(chosen), text))
        _tell(actor, target, NoticeKind.IMAGE_ADDED, _arrived(len(chosen)))
    return target


def split(
    actor: User,
    study_id: uuid.UUID,
    *,
    images: Collection[uuid.UUID],
    reason: str,
    revision: int | None = None,
    patient: Patient = Patient.SAME,
    patient_code: str = "",
) -> Study:
    """Put chosen images into a new study and return it; at least one stays.

    What is known of the patient goes along only where it is the same one.

    Args:
        actor: A lead of the site.
        study_id: The study that shows the images now.
        images: Keys of images of it, not all.
        reason: Why.
        revision: The study's revision that the actor looked at; None: whatever it is.
        patient: Whose the images are.
        patient_code: The site's own code for another patient; hashed before anything is stored.

    Raises:
        NotFound, Forbidden: The actor may not see the study, or is no lead of its site.
        Conflict: It changed (``stale``) or is void (``wrong_state``).
        Invalid: The reason or the code is missing, an image is not the study's, or none would stay.
    """
    text = required(reason)
    with transaction.atomic():
        source = _locked_as_lead(actor, study_id, revision)
        STUDY_TRANSITIONS.targets(StudyStatus(source.status), StudyEvent.SPLIT)
        chosen = _chosen(source, images)
        if len(chosen) == source.images.count():
            raise _fault("images", _("Leave at least one image in the study. To move all of them, merge the study."))
        made = _split_off(actor, source, _key_of(source, patient, patient_code), is_same=patient == Patient.SAME)
        _carry(chosen, made)
        _leave(actor, source, StudyEvent.SPLIT, Verb.STUDY_SPLIT, text, to=str(made.pk), images=_keys(chosen))
        _tell(actor, source, NoticeKind.SPLIT, _sentence(len(chosen), text))
    return made


def merge(
    actor: User,
    study_id: uuid.UUID,
    *,
    into: uuid.UUID,
    reason: str,
    revision: int | None = None,
    other_patient: bool = False,
) -> Study:
    """Move every image of a study to another one and return that; the emptied one is void, what comes later follows.

    Raises:
        As ``move_images``.
    """
    text = required(reason)
    with transaction.atomic():
        source, target = _pair(actor, study_id, into, revision)
        STUDY_TRANSITIONS.targets(StudyStatus(source.status), StudyEvent.MERGE)
        STUDY_TRANSITIONS.targets(StudyStatus(target.status), StudyEvent.ADD_IMAGE)
        _require_patient(source, target, other_patient)
        chosen = list(source.images.select_for_update())
        _carry(chosen, target)
        if not _are_two_patients(source, target):
            _fill(target, source)
        source.merged_into = target
        source.save(update_fields=["merged_into"])
        _leave(actor, source, StudyEvent.MERGE, Verb.STUDY_MERGED, text, to=str(target.pk), images=_keys(chosen))
        _take_in(actor, target, Verb.STUDY_MERGED, taken_from=str(source.pk), images=_keys(chosen))
        told = _("The study was merged into another one and is void. Why: %(reason)s") % {"reason": text}
        _tell(actor, source, NoticeKind.MERGED, told)
        _tell(actor, target, NoticeKind.IMAGE_ADDED, _arrived(len(chosen)))
    return target


def _pair(actor: User, source_id: uuid.UUID, target_id: uuid.UUID, revision: int | None) -> tuple[Study, Study]:
    """Return both studies, locked in the order of their keys so that two leads never wait for each other."""
    for key in (source_id, target_id):
        access.study(actor, key)
    if source_id == target_id:
        raise _fault("to", _("Choose another study: the images are in this one already."))
    rows = {key: locked(key) for key in sorted((source_id, target_id))}
    source, target = rows[source_id], rows[target_id]
    _require_lead(actor, source)
    if source.site_id != target.site_id:
        raise _fault("to", _("Images move only between studies of one site."))
    if revision is not None:
        require_revision(source, revision)
    return source, target


def _locked_as_lead(actor: User, study_id: uuid.UUID, revision: int | None) -> Study:
    access.study(actor, study_id)
    study = locked(study_id)
    _require_lead(actor, study)
    if revision is not None:
        require_revision(study, revision)
    return study


def _require_lead(actor: User, study: Study) -> None:
    if not policies.may_lead(access.standing(actor, study.site)):
        raise Forbidden(_("Only a lead of the site moves images, splits or merges studies."))


def _are_two_patients(source: Study, target: Study) -> bool:
    return bool(source.patient_key and target.patient_key and source.patient_key != target.patient_key)


def _require_patient(source: Study, target: Study, other_patient: bool) -> None:
    if _are_two_patients(source, target) and not other_patient:
        sentence = _("The two studies are of two patients. Nothing was moved; say that the images are the other's.")
        raise Conflict(sentence, code="other_patient", fields={"other_patient": sentence})


def _chosen(study: Study, keys: Collection[uuid.UUID]) -> list[StudyImage]:
    wanted = set(keys)
    found = [image for image in study.images.select_for_update() if image.pk in wanted]
    if not wanted:
        raise _fault("images", _("Choose at least one image. Nothing was moved."))
    if len(found) != len(wanted):
        raise _fault("images", _("One of the images is not an image of this study. Reload the study."))
    return found


def _carry(images: Sequence[StudyImage], target: Study) -> None:
    """Withdraw images and add them to their new study, after those that are there; files follow their image.

    A picture that the target shows already is only withdrawn.
    """
    there = {image.radiograph_id: image for image in target.images.all()}
    instances = {image.sop_instance_uid for image in there.values()}
    first = max((image.position for image in there.values()), default=-1) + 1
    StudyImage.objects.filter(pk__in=[image.pk for image in images]).update(withdrawn_at=timezone.now())
    for offset, image in enumerate(images):
        if image.radiograph_id not in there and image.sop_instance_uid in instances:
            sentence = _("The other study holds another picture under the same identity. Nothing was moved.")
            raise Conflict(sentence, code="same_instance")
        there_now = there.get(image.radiograph_id) or _continued(image, target, first + offset)
        IncomingFile.objects.filter(study_image=image).update(study=target, study_image=there_now)


def _continued(image: StudyImage, target: Study, position: int) -> StudyImage:
    return StudyImage.objects.create(
        study=target,
        radiograph_id=image.radiograph_id,
        position=position,
        view=image.view,
        side=image.side,
        spacing=image.spacing,
        sop_instance_uid=image.sop_instance_uid,
        sop_class_uid=image.sop_class_uid,
        header=image.header,
        original=image.original,
        original_kind=image.original_kind,
        moved_from=image,
    )


def _leave(actor: User, study: Study, event: StudyEvent, verb: Verb, reason: str, **data: object) -> None:
    """Move the study that lost images: to its next round, or out of everything where none is left."""
    was_void, is_empty = study.status == StudyStatus.VOID, not study.images.exists()
    start_round_if_read(study)
    if is_empty:
        drop_claim(study)
    move(study, event, StudyStatus.VOID if is_empty or was_void else StudyStatus.AWAITING)
    Decision.objects.create(study=study, lead=actor, event=event, round=study.round, reason=reason)
    note(actor, verb, study, round=study.round, **data)
    ring("studies.rank", str(study.pk))


def _take_in(actor: User, study: Study, verb: Verb, **data: object) -> None:
    """Move the study that got images: what was signed did not know them."""
    start_round_if_read(study)
    move(study, StudyEvent.ADD_IMAGE)
    note(actor, verb, study, round=study.round, **data)
    ring("studies.rank", str(study.pk))


def _split_off(actor: User, source: Study, patient_key: str | None, *, is_same: bool) -> Study:
    known = {name: getattr(source, name) for name in ("sex", "age_months", "question", "accession")}
    made = Study.objects.create(
        site=source.site,
        uploader=source.uploader,
        study_uid=pseudonyms.uid(source.site, f"split:{new_id()}"),
        patient_key=patient_key,
        body_part=source.body_part,
        side=source.side,
        urgent=source.urgent,
        rank=Rank.URGENT if source.urgent else Rank.UNCERTAIN,
        readings_required=source.site.readings_required,
        ready_at=timezone.now(),
        **(known if is_same else {"sex": Sex.UNKNOWN}),
    )
    record(actor, Verb.STUDY_MADE, target_type="study", target_id=made.pk, site=made.site_id)
    note(actor, Verb.STUDY_SPLIT, made, taken_from=str(source.pk))
    if is_same:
        identity.pass_on(source, made)
    ring("studies.rank", str(made.pk))
    return made


def _key_of(source: Study, patient: Patient, code: str) -> str | None:
    """Return the patient key of the study that is split off."""
    if patient == Patient.SAME:
        return source.patient_key
    if patient == Patient.UNKNOWN:
        return None
    plain = code.strip()
    if not plain or len(plain) > _CODE_LENGTH:
        raise _fault("patient_code", _("Give the other patient's code of at most 64 characters, or say 'unknown'."))
    return pseudonyms.patient_key(source.site, issuer="", patient_id=plain)


def _fill(target: Study, source: Study) -> None:
    """Fill what the target does not know from the study that is merged into it."""
    for name in _FACTS:
        if getattr(target, name) == Sex.UNKNOWN.value:
            setattr(target, name, getattr(source, name))
    target.patient_key = target.patient_key or source.patient_key
    target.age_months = source.age_months if target.age_months is None else target.age_months
    target.question = target.question or source.question
    target.urgent = target.urgent or source.urgent
    target.save(update_fields=[*_FACTS, "patient_key", "age_months", "question", "urgent"])
    if source.patient_key == target.patient_key:
        identity.pass_on(source, target)


def _tell(actor: User, study: Study, kind: NoticeKind, sentence: str) -> None:
    notices.tell(notices.all_who_saw(study), study, kind=kind, sentence=sentence[:500], by=actor)


def _sentence(number: int, reason: str) -> str:
    moved = ngettext(
        "An image was moved out of the study; earlier readings no longer count. Why: %(reason)s",
        "%(number)d images were moved out of the study; earlier readings no longer count. Why: %(reason)s",
        number,
    )
    return moved % {"number": number, "reason": reason}


def _arrived(number: int) -> str:
    arrived = ngettext(
        "An image was moved into the study from another one; earlier readings no longer count.",
        "%(number)d images were moved into the study from another one; earlier readings no longer count.",
        number,
    )
    return arrived % {"number": number}


def _keys(images: Sequence[StudyImage]) -> list[str]:
    return [str(image.pk) for image in images]


def _fault(field: str, sentence: str) -> Invalid:
    return Invalid(sentence, code=f"{field}_wrong", fields={field: sentence})
