"""Prediction jobs: each step, each refusal, and what is left behind."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from bonefrac.audit.models import AuditEvent, Verb
from bonefrac.errors import Conflict, Forbidden
from inference import jobs
from inference.answers import Answer
from inference.models import Prediction, PredictionJob
from inference.states import JOB_TRANSITIONS, JobEvent, JobStatus, PredictionState
from tests.factories_inference import grey_radiograph, predicted

NEGATIVE = Answer(PredictionState.NEGATIVE, milliseconds=3.0, logit=-2.0, probability=0.1)
SILENT = Answer(PredictionState.NOT_ASSESSED, milliseconds=0.0, reason_code="body_part", reason="chest radiograph")


@pytest.fixture
def job(radiograph, active):
    return jobs.request(radiograph, active)


def verbs_about(target_id):
    return list(AuditEvent.objects.filter(target_id=str(target_id)).values_list("verb", flat=True))


def test_asking_twice_is_asking_once(radiograph, active, job, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as rings:
        assert jobs.request(radiograph, active) == job
    assert rings == []
    other = grey_radiograph()
    with django_capture_on_commit_callbacks() as rings:
        assert [made.radiograph for made in jobs.request_all(other)] == [other]
    assert len(rings) == 1


def test_no_model_no_job(radiograph, model):
    assert jobs.request_all(radiograph) == []


def test_a_model_that_spoke_is_not_asked_again(radiograph, active, job):
    jobs.succeed(jobs.start(job.pk), NEGATIVE)
    assert jobs.request(radiograph, active) is None
    assert PredictionJob.objects.count() == 1


def test_start_takes_a_lease_once(job, settings):
    taken = jobs.start(job.pk)
    assert (taken.status, taken.attempt) == (JobStatus.RUNNING, 1)
    left = (taken.lease_until - timezone.now()).total_seconds()
    assert settings.JOB_LEASE_SECONDS - 5 < left <= settings.JOB_LEASE_SECONDS
    assert jobs.start(job.pk) is None
    assert jobs.start_next(job.model_version_id) is None


def test_a_job_does_not_start_before_its_time(job):
    PredictionJob.objects.filter(pk=job.pk).update(not_before=timezone.now() + timedelta(seconds=30))
    assert jobs.start(job.pk) is None
    assert jobs.start_next(job.model_version_id) is None
    assert jobs.ring_due() == 0


def test_start_next_takes_the_one_that_is_due_longest(active):
    first, second = (jobs.request(grey_radiograph(), active) for _ in range(2))
    PredictionJob.objects.filter(pk=second.pk).update(not_before=timezone.now() - timedelta(minutes=1))
    assert [jobs.start_next(active.pk).pk for _ in range(2)] == [second.pk, first.pk]
    assert jobs.start_next(active.pk) is None


def test_success_stores_what_was_said(job):
    made = jobs.succeed(jobs.start(job.pk), SILENT)
    job.refresh_from_db()
    assert (job.status, job.lease_until) == (JobStatus.SUCCEEDED, None)
    assert job.finished_at >= job.started_at
    assert (made.state, made.reason_code, made.probability) == ("not_assessed", "body_part", None)
    assert verbs_about(made.pk) == [Verb.PREDICTION_STORED]


def test_a_failure_says_why(job):
    jobs.fail(jobs.start(job.pk), code="damaged", detail="The stored frame cannot be decoded.")
    job.refresh_from_db()
    assert (job.status, job.error_code) == (JobStatus.FAILED, "damaged")
    assert verbs_about(job.pk) == [Verb.PREDICTION_FAILED]
    assert not Prediction.objects.exists()


def test_a_job_put_back_waits_longer_each_time_and_then_fails(job, settings):
    waits = []
    for _ in range(settings.JOB_ATTEMPTS - 1):
        jobs.put_back(jobs.start(job.pk), detail="the store is away")
        job.refresh_from_db()
        assert (job.status, job.error_code, job.error_detail) == (JobStatus.QUEUED, "", "the store is away")
        waits.append(round((job.not_before - timezone.now()).total_seconds()))
        PredictionJob.objects.filter(pk=job.pk).update(not_before=timezone.now())
    assert waits == [5, 10]
    jobs.put_back(jobs.start(job.pk), detail="the store is away")
    job.refresh_from_db()
    assert (job.status, job.error_code) == (JobStatus.FAILED, jobs.EXHAUSTED)


def expire(job):
    PredictionJob.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_lease_that_is_over_gives_the_job_to_another(job):
    late = jobs.start(job.pk)
    assert jobs.lapse() == 0
    expire(job)
    assert jobs.lapse() == 1
    job.refresh_from_db()
    assert (job.status, job.attempt) == (JobStatus.QUEUED, 1)
    current = jobs.start(job.pk)
    for come_back in (
        lambda: jobs.succeed(late, NEGATIVE),
        lambda: jobs.fail(late, code="damaged", detail=""),
        lambda: jobs.put_back(late, detail=""),
    ):
        with pytest.raises(Conflict) as refused:
            come_back()
        assert refused.value.code == "late"
    assert not Prediction.objects.exists()
    assert jobs.succeed(current, NEGATIVE).job == job


def test_a_worker_that_dies_every_time_ends_in_failure(job, settings):
    for _ in range(settings.JOB_ATTEMPTS):
        jobs.start(job.pk)
        expire(job)
        assert jobs.lapse() == 1
    job.refresh_from_db()
    assert (job.status, job.error_code, job.attempt) == (JobStatus.FAILED, jobs.EXHAUSTED, settings.JOB_ATTEMPTS)
    assert verbs_about(job.pk) == [Verb.PREDICTION_FAILED]


def test_a_live_job_can_be_cancelled_and_an_ended_one_cannot(radiograph, active, job):
    late = jobs.start(job.pk)
    jobs.cancel(job)
    job.refresh_from_db()
    assert (job.status, job.lease_until) == (JobStatus.CANCELLED, None)
    with pytest.raises(Conflict):
        jobs.cancel(job)
    with pytest.raises(Conflict):
        jobs.succeed(late, NEGATIVE)
    assert jobs.request(radiograph, active) != job


def test_a_failed_job_is_asked_again_by_a_new_one(job, engineer, reader):
    jobs.fail(jobs.start(job.pk), code="bug", detail="")
    job.refresh_from_db()
    with pytest.raises(Forbidden):
        jobs.retry(reader, job)
    again = jobs.retry(engineer, job)
    assert (again.status, again.radiograph_id) == (JobStatus.QUEUED, job.radiograph_id)
    assert again != job
    assert AuditEvent.objects.get(verb=Verb.PREDICTION_REQUESTED).actor == engineer
    with pytest.raises(Conflict):
        jobs.retry(engineer, again)


def test_a_job_that_was_answered_meanwhile_is_not_asked_again(radiograph, active, engineer, job):
    jobs.fail(jobs.start(job.pk), code="bug", detail="")
    job.refresh_from_db()
    predicted(radiograph, active)
    with pytest.raises(Conflict):
        jobs.retry(engineer, job)


@pytest.mark.parametrize("status", JobStatus.values)
@pytest.mark.parametrize("event", list(JobEvent))
def test_every_pair_is_in_the_table_or_refused(status, event):
    allowed = {
        "QUEUED": {"start", "cancel"},
        "RUNNING": {"succeed", "fail", "put_back", "lapse", "cancel"},
    }.get(status, set())
    if event.value in allowed:
        assert JOB_TRANSITIONS.move(JobStatus(status), event) in JobStatus.values
    else:
        with pytest.raises(Conflict):
            JOB_TRANSITIONS.move(JobStatus(status), event)
