"""Prediction jobs: the rows that are the queue, and every step that one can take.

Each step is one conditional UPDATE whose states come from ``JOB_TRANSITIONS``; the attempt is the fencing token, so
that a worker that comes back late is refused. Not responsible for doing the work (``prediction``) nor for who may ask
again (``policies``).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.celery import ring
from bonefrac.errors import Conflict
from inference import policies
from inference.answers import Answer
from inference.models import ModelVersion, Prediction, PredictionJob, Radiograph
from inference.states import JOB_TRANSITIONS, LIVE, JobEvent, JobStatus, ModelStatus

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

#: Seconds before a job that was put back is tried again, doubled with every attempt.
BACK_OFF_SECONDS: Final = 5
SWEEP_BATCH: Final = 200
EXHAUSTED: Final = "attempts_exhausted"


def request(radiograph: Radiograph, model_version: ModelVersion) -> PredictionJob | None:
    """Ask a model for a prediction and return the job that will make it; None where it has spoken already.

    Asking twice is asking once: there is at most one live job for a radiograph and a model version.
    """
    pair: dict[str, Any] = {"radiograph": radiograph, "model_version": model_version}
    if Prediction.objects.filter(**pair).exists():
        return None
    with transaction.atomic():
        job, is_new = PredictionJob.objects.get_or_create(**pair, status__in=LIVE)
        # Another job may have ended between the question and the insert, which waited for it: look again.
        if is_new and Prediction.objects.filter(**pair).exists():
            job.delete()
            return None
        if is_new:
            ring("inference.predict", str(job.pk))
    return job


def request_many(radiograph_ids: Sequence[uuid.UUID], model_version: ModelVersion) -> None:
    """Ask a model for predictions of many radiographs in a few statements; where it has spoken nothing is asked.

    Only what is due first is rung for: a worker that comes takes the following ones too.
    """
    pairs = PredictionJob.objects.filter(model_version=model_version, radiograph__in=radiograph_ids)
    spoken = Prediction.objects.filter(model_version=model_version, radiograph__in=radiograph_ids)
    answered = set(spoken.values_list("radiograph_id", flat=True))
    rows = [
        PredictionJob(radiograph_id=key, model_version=model_version) for key in radiograph_ids if key not in answered
    ]
    with transaction.atomic():
        PredictionJob.objects.bulk_create(rows, ignore_conflicts=True)
        # A job may have ended between the question and the insert, which waited for it: look again.
        pairs.filter(status=JobStatus.QUEUED, radiograph__in=spoken.values("radiograph")).delete()
        ring_due()


def request_all(radiograph: Radiograph) -> list[PredictionJob]:
    """Ask every model in service, active or shadow, for a prediction; return the jobs, none where no model serves."""
    serving = ModelVersion.objects.filter(status__in=[ModelStatus.ACTIVE, ModelStatus.SHADOW])
    jobs = (request(radiograph, version) for version in serving)
    return [job for job in jobs if job is not None]


def start(job_id: uuid.UUID) -> PredictionJob | None:
    """Take a waiting job whose time has come, with a lease; None where somebody else has it or it has ended."""
    now = timezone.now()
    waiting = PredictionJob.objects.filter(pk=job_id, status__in=_sources(JobEvent.START), not_before__lte=now)
    with transaction.atomic():
        taken = waiting.update(
            status=_target(JobEvent.START),
            attempt=F("attempt") + 1,
            started_at=now,
            lease_until=now + timedelta(seconds=settings.JOB_LEASE_SECONDS),
        )
        # The row is locked until the commit: the attempt that is read is the one that was just made.
        return PredictionJob.objects.select_related("radiograph", "model_version").get(pk=job_id) if taken else None


def start_next(model_version_id: uuid.UUID) -> PredictionJob | None:
    """Take the next waiting job of a model, longest due first; None where none waits."""
    due = PredictionJob.objects.filter(
        model_version_id=model_version_id, status=JobStatus.QUEUED, not_before__lte=timezone.now()
    )
    with transaction.atomic():
        row = due.select_for_update(skip_locked=True).order_by("not_before", "id").values_list("pk").first()
        return start(row[0]) if row else None


def succeed(job: PredictionJob, answer: Answer) -> Prediction:
    """End a job with what the model said.

    Raises:
        Conflict: The job is no longer this attempt's (``late``); nothing is stored.
    """
    with transaction.atomic():
        _end(job, JobEvent.SUCCEED)
        prediction = Prediction.objects.create(
            radiograph_id=job.radiograph_id, model_version_id=job.model_version_id, job=job, **answer.as_fields()
        )
        record(
            None,
            Verb.PREDICTION_STORED,
            target_type="prediction",
            target_id=prediction.pk,
            data=_about(job) | {"state": prediction.state},
        )
        ring("studies.rank_radiograph", str(job.radiograph_id))
    return prediction


def fail(job: PredictionJob, *, code: str, detail: str) -> None:
    """End a job that can never succeed, with a code and a sentence; raise ``Conflict`` (``late``) as ``succeed``."""
    with transaction.atomic():
        _end(job, JobEvent.FAIL, error_code=code, error_detail=detail)
        _tell_failure(job, code)


def put_back(job: PredictionJob, *, detail: str) -> None:
    """Give a job back to the queue with a delay, or fail it where it has had its attempts.

    Raises:
        Conflict: The job is no longer this attempt's (``late``).
    """
    if job.attempt >= settings.JOB_ATTEMPTS:
        fail(job, code=EXHAUSTED, detail=detail)
        return
    delay = timedelta(seconds=BACK_OFF_SECONDS * 2 ** (job.attempt - 1))
    values = {"not_before": timezone.now() + delay, "error_detail": detail}
    _move(job, JobEvent.PUT_BACK, values)


def lapse() -> int:
    """Take back jobs whose lease is over, or fail those that have had their attempts; return how many."""
    now = timezone.now()
    over = PredictionJob.objects.filter(status=JobStatus.RUNNING, lease_until__lt=now)
    with transaction.atomic():
        jobs = list(over.select_for_update(skip_locked=True).order_by("lease_until")[:SWEEP_BATCH])
        for job in jobs:
            _lapse_one(job)
    return len(jobs)


def cancel(job: PredictionJob) -> None:
    """End a live job without an answer; raise ``Conflict`` (``wrong_state``) where it has ended."""
    sources = _sources(JobEvent.CANCEL)
    ended = PredictionJob.objects.filter(pk=job.pk, status__in=sources).update(**_ended(JobEvent.CANCEL))
    if not ended:
        job.refresh_from_db(fields=["status"])
        JOB_TRANSITIONS.move(JobStatus(job.status), JobEvent.CANCEL)


def cancel_waiting(model_version: ModelVersion) -> int:
    """Cancel every waiting job of a model that leaves service; what is running may end. Return how many."""
    waiting = PredictionJob.objects.filter(model_version=model_version, status=JobStatus.QUEUED)
    return waiting.update(**_ended(JobEvent.CANCEL))


def retry(actor: User | None, job: PredictionJob) -> PredictionJob:
    """Ask again for the prediction of a failed job, by a new job; the failed one stays as it is.

    Raises:
        Forbidden: The actor does not look after models.
        Conflict: The job has not failed, its model is out of service, or the model has spoken meanwhile.
    """
    policies.require_manager(actor)
    if job.status != JobStatus.FAILED:
        raise Conflict(_("Only a failed job can be asked again."), code="wrong_state")
    if job.model_version.status not in (ModelStatus.ACTIVE, ModelStatus.SHADOW):
        raise Conflict(_("This model is out of service. Nothing was queued."), code="out_of_service")
    with transaction.atomic():
        again = request(job.radiograph, job.model_version)
        if again is None:
            raise Conflict(_("This model has spoken about this radiograph meanwhile."), code="wrong_state")
        record(actor, Verb.PREDICTION_REQUESTED, target_type="job", target_id=again.pk, data=_about(again))
    return again


def ring_due() -> int:
    """Ring for waiting jobs whose time has come; return how many. A worker that comes takes the following ones too."""
    due = PredictionJob.objects.filter(status=JobStatus.QUEUED, not_before__lte=timezone.now())
    keys = list(due.order_by("not_before", "id").values_list("pk", flat=True)[:SWEEP_BATCH])
    for key in keys:
        ring("inference.predict", str(key))
    return len(keys)


def _lapse_one(job: PredictionJob) -> None:
    detail = _("The worker did not come back in %(seconds)s s.") % {"seconds": settings.JOB_LEASE_SECONDS}
    if job.attempt < settings.JOB_ATTEMPTS:
        _move(job, JobEvent.LAPSE, {"not_before": timezone.now(), "error_detail": detail})
        ring("inference.predict", str(job.pk))
        return
    ended = {"finished_at": timezone.now(), "error_code": EXHAUSTED, "error_detail": detail}
    _move(job, JobEvent.LAPSE, ended, to=JobStatus.FAILED)
    _tell_failure(job, EXHAUSTED)


def _end(job: PredictionJob, event: JobEvent, **values: Any) -> None:
    _move(job, event, {"finished_at": timezone.now(), **values})


def _move(job: PredictionJob, event: JobEvent, values: Mapping[str, Any], to: JobStatus | None = None) -> None:
    """Take one step of this very attempt; raise ``Conflict`` (``late``) where it is not the current one any more."""
    target = JOB_TRANSITIONS.move(JobStatus.RUNNING, event, to)
    current = PredictionJob.objects.filter(pk=job.pk, status=JobStatus.RUNNING, attempt=job.attempt)
    if not current.update(status=target, lease_until=None, **values):
        raise Conflict(_("This attempt came back too late: the job has been given to another."), code="late")
    job.status, job.lease_until = target, None


def _ended(event: JobEvent) -> dict[str, Any]:
    return {"status": _target(event), "lease_until": None, "finished_at": timezone.now()}


def _sources(event: JobEvent) -> list[JobStatus]:
    return [state for state, known in JOB_TRANSITIONS.pairs if known == event]


def _target(event: JobEvent) -> JobStatus:
    return JOB_TRANSITIONS.move(_sources(event)[0], event)


def _tell_failure(job: PredictionJob, code: str) -> None:
    record(None, Verb.PREDICTION_FAILED, target_type="job", target_id=job.pk, data=_about(job) | {"code": code})
    ring("studies.rank_radiograph", str(job.radiograph_id))


def _about(job: PredictionJob) -> dict[str, object]:
    return {"radiograph": str(job.radiograph_id), "model_version": str(job.model_version_id), "attempt": job.attempt}
