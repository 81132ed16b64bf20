"""Puts an image into its study, or says why it cannot go there. Runs inside the caller's transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.celery import ring
from inference import jobs
from inference.models import Radiograph
from studies import discrepancies, identity, reviews
from studies.intake import safekeeping
from studies.intake.arrival import Arrival
from studies.models import IncomingFile, Study, StudyImage
from studies.states import Rank, StudyStatus
from training.frames import FrameError

_UNKNOWN: Final = "unknown"


def twin_of(arrival: Arrival) -> StudyImage | None:
    """Return the first image of the site that shows the same pixels; hold them until the transaction ends.

    Where the pixels are here under several patients, because a lead let them in, the one of the file's patient counts.
    """
    safekeeping.lock(f"pixels:{arrival.pixel_key}")
    shown = StudyImage.objects.filter(radiograph__pixel_key=arrival.pixel_key).select_related("study")
    found = list(shown.order_by("added_at", "id"))
    fitting = (image for image in found if not are_two_patients(arrival, image.study))
    return next(fitting, found[0] if found else None)


def are_two_patients(arrival: Arrival, study: Study) -> bool:
    """Whether the file and a study name different patients; an unknown patient is no other one."""
    return bool(arrival.patient_key and study.patient_key and arrival.patient_key != study.patient_key)


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
    """Return the study that a lead made for this patient when the file's own study was another patient's, locked."""
    uid = arrival.apart(file.site).study_uid
    found = Study.objects.filter(site=file.site, study_uid=uid).first()
    return _followed(found) if found else None


def _followed(study: Study) -> Study:
    """Return a study, locked, or the one into which a lead merged it."""
    locked = Study.objects.select_for_update(no_key=True).get(pk=study.pk)
    return _followed(locked.merged_into) if locked.merged_into else locked


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


def _extend(study: Study, arrival: Arrival) -> None:
    """Fill what was unknown, wait for more while the study is not listed, and tell its readers where it is."""
    was_listed = study.ready_at <= timezone.now()
    for name in ("body_part", "side", "sex"):
        if getattr(study, name) == _UNKNOWN:
            setattr(study, name, getattr(arrival, name))
    study.patient_key = study.patient_key or arrival.patient_key
    study.age_months = arrival.age_months if study.age_months is None else study.age_months
    study.question = study.question or arrival.question
    study.urgent = study.urgent or arrival.urgent
    if not was_listed:
        study.ready_at = _quiet_from(timezone.now())
    study.save(
        update_fields=["body_part", "side", "sex", "patient_key", "age_months", "question", "urgent", "ready_at"]
    )
    if was_listed or study.status != StudyStatus.AWAITING:
        reviews.add_image(study.pk)


def list_when_complete(file: IncomingFile) -> None:
    """List the studies of a batch once its last file is judged; call it at the end of that file's transaction."""
    safekeeping.lock(safekeeping.batch_name(file.batch))
    batch = IncomingFile.objects.filter(batch=file.batch)
    expected = max(batch.values_list("expected_files", flat=True), default=0)
    if not expected or batch.filter(judged_at__isnull=False).count() < expected:
        return
    now = timezone.now()
    Study.objects.filter(incoming_files__batch=file.batch, ready_at__gt=now).update(ready_at=now)


def _quiet_from(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.QUIET_SECONDS)
