"""Puts an image into its study, or says why it cannot go there. Runs inside the caller's transaction."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Count, Max, QuerySet
from django.utils import timezone

from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.celery import ring
from bonefrac.db import first_id_of
from inference import jobs
from inference.models import Radiograph
from studies import discrepancies, identity, reviews
from studies.intake import safekeeping
from studies.intake.arrival import Arrival
from studies.models import IncomingFile, Study, StudyImage
from studies.states import Rank, StudyStatus
from training.frames import FrameError

_UNKNOWN: Final = "unknown"
_CLOCK_WATCHED: Final = timedelta(days=1)
_FILLED: Final = ("body_part", "side", "sex", "patient_key", "age_months", "question", "urgent")


def twin_of(arrival: Arrival) -> StudyImage | None:
    """Return the first image of the site that shows the same pixels; neither changes until the transaction ends.

    Where the pixels are here under several patients, because a lead let them in, the one of the file's patient counts.
    """
    safekeeping.lock(f"pixels:{arrival.pixel_key}")
    found = _held_in_place(StudyImage.objects.filter(radiograph__pixel_key=arrival.pixel_key))
    fitting = [image for image in found if not are_two_patients(arrival, image.study)]
    named = [image for image in fitting if image.study.patient_key and arrival.patient_key]
    return next(iter([*named, *fitting, *found]), None)


def _held_in_place(shown: QuerySet[StudyImage]) -> list[StudyImage]:
    """Return images, oldest first, with their studies locked: a lead may be moving one of them at this moment."""
    kept: set[uuid.UUID] = set()
    while not (there := set(shown.values_list("study_id", flat=True))) <= kept:
        rows = Study.objects.select_for_update(no_key=True).filter(pk__in=there).order_by("pk")
        kept |= {study.pk for study in rows}
    return list(shown.select_related("study").order_by("added_at", "id")) if kept else []


def are_two_patients(arrival: Arrival, study: Study) -> bool:
    """Whether the file and a study name different patients; an unknown patient is no other one."""
    return bool(arrival.patient_key and study.patient_key and arrival.patient_key != study.patient_key)


def is_settled(arrival: Arrival, twin: StudyImage) -> bool:
    """Whether a file's picture may be linked: nobody else is named, or a lead moved it away from the file's patient."""
    if not are_two_patients(arrival, twin.study):
        return True
    left = StudyImage.everything.filter(radiograph=twin.radiograph_id, withdrawn_at__isnull=False)
    return left.filter(study__patient_key=arrival.patient_key).exists()


def study_of(file: IncomingFile, arrival: Arrival) -> tuple[Study, bool]:
    """Return the study where an image belongs, locked, and whether it was made now."""
    study, is_new = Study.objects.get_or_create(
        site=file.site,
        study_uid=arrival.study_uid,
        defaults={
            "uploader": file.sender,
            "patient_key": arrival.patient_key,
            "accession": arrival.accession,
            "body_part": arrival.body_part,
            "side": arrival.side,
            "age_months": arrival.age_months,
            "sex": arrival.sex,
            "question": arrival.question,
            "urgent": arrival.urgent,
            "rank": Rank.URGENT if arrival.urgent else Rank.UNCERTAIN,
            "readings_required": file.site.readings_required,
            "ready_at": _quiet_from(timezone.now()),
        },
    )
    if is_new:
        record(file.sender, Verb.STUDY_MADE, target_type="study", target_id=study.pk, site=file.site)
        return study, True
    return _followed(study), False


def study_apart(file: IncomingFile, arrival: Arrival) -> Study | None:
    """Return the study that a lead made where the file's own study could not take it, locked; None before that."""
    uid = arrival.apart(file.site).study_uid
    found = Study.objects.filter(site=file.site, study_uid=uid).first()
    study = _followed(found) if found else None
    return study if study and not obstacle(arrival, study) else None


def obstacle(arrival: Arrival, study: Study) -> str:
    """Return why a study cannot take a file that belongs to it, so that a lead decides; empty where it can."""
    if study.status == StudyStatus.VOID:
        return "void_study"
    return "other_patient" if are_two_patients(arrival, study) else ""


def followed(study: Study) -> Study:
    """Return a study, or the one into which a lead merged it."""
    return followed(study.merged_into) if study.merged_into else study


def _followed(study: Study) -> Study:
    """Return what ``followed`` returns, locked; nobody merges it until the transaction ends."""
    locked = Study.objects.select_for_update(no_key=True).get(pk=followed(study).pk)
    return _followed(locked) if locked.merged_into_id else locked


def join(file: IncomingFile, arrival: Arrival, study: Study, radiograph: Radiograph, *, is_new: bool) -> StudyImage:
    """Add the image to its study, ask for predictions and have the study ranked.

    Raises:
        FrameError: same_instance: the study holds another picture under the same identity; study_void.
    """
    if study.status == StudyStatus.VOID:
        raise FrameError("study_void", "its study has been voided")
    if study.images.filter(sop_instance_uid=arrival.sop_instance_uid).exists():
        raise FrameError("same_instance", "its study holds another picture under the same identity")
    image = StudyImage.objects.create(
        study=study,
        radiograph=radiograph,
        position=file.position,
        view=arrival.view,
        side=arrival.image_side,
        spacing=arrival.spacing,
        sop_instance_uid=arrival.sop_instance_uid,
        sop_class_uid=arrival.sop_class_uid,
        header=arrival.header,
        original=safekeeping.keep_original(file.sha256),
        original_kind=file.kind,
    )
    if not is_new:
        _extend(study, arrival)
    discrepancies.ask(study, arrival.contradictions)
    identity.keep(study, arrival.identity)
    jobs.request_all(radiograph)
    ring("studies.rank", str(study.pk))
    return image


def learn(study: Study, arrival: Arrival) -> None:
    """Fill what a locked study does not know from a file that shows a picture of it; what it knows stays."""
    before = {name: getattr(study, name) for name in _FILLED}
    for name in ("body_part", "side", "sex"):
        if getattr(study, name) == _UNKNOWN:
            setattr(study, name, getattr(arrival, name))
    study.patient_key = study.patient_key or arrival.patient_key
    study.age_months = arrival.age_months if study.age_months is None else study.age_months
    study.question = study.question or arrival.question
    study.urgent = study.urgent or arrival.urgent
    changed = [name for name, value in before.items() if getattr(study, name) != value]
    if changed:
        study.save(update_fields=changed)
        ring("studies.rank", str(study.pk))


def _extend(study: Study, arrival: Arrival) -> None:
    """Fill what was unknown, wait for more while the study is not listed, and tell its readers where it is."""
    was_listed = study.ready_at <= timezone.now()
    learn(study, arrival)
    if not was_listed:
        study.ready_at = min(_quiet_from(timezone.now()), _at_most_from(study.received_at))
        study.save(update_fields=["ready_at"])
    if was_listed or study.status != StudyStatus.AWAITING:
        reviews.add_image(study.pk)


def list_when_complete(file: IncomingFile) -> None:
    """List the studies of a batch once its last file is judged; call it at the end of that file's transaction.

    A study that somebody else changes at this moment is left to its quiet: two batches never wait for each other.
    """
    safekeeping.lock(safekeeping.batch_name(file.batch))
    counted = IncomingFile.objects.filter(batch=file.batch).aggregate(
        expected=Max("expected_files"), judged=Count("judged_at")
    )
    if not counted["expected"] or counted["judged"] < counted["expected"]:
        return
    now = timezone.now()
    waiting = IncomingFile.objects.filter(batch=file.batch, study__ready_at__gt=now)
    free = Study.objects.select_for_update(no_key=True, skip_locked=True).filter(pk__in=waiting.values("study"))
    Study.objects.filter(pk__in=[study.pk for study in free.only("pk")]).update(ready_at=now)


def list_hidden_by_clock() -> int:
    """List studies that wait longer than any quiet lasts: the clock was ahead when they came, and was put right."""
    now = timezone.now()
    recent = Study.objects.filter(pk__gte=first_id_of(now - _CLOCK_WATCHED), status=StudyStatus.AWAITING)
    return recent.filter(ready_at__gt=_quiet_from(now)).update(ready_at=now)


def _quiet_from(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.QUIET_SECONDS)


def _at_most_from(received_at: datetime) -> datetime:
    """Return when a study is listed though its images still trickle in: somebody may be waiting for help."""
    return received_at + timedelta(seconds=settings.QUIET_SECONDS * settings.QUIET_TIMES_AT_MOST)
