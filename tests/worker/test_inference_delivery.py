"""Predictions by real workers: once, however often they are rung, and whatever is killed."""

from __future__ import annotations

import threading
from datetime import timedelta

import psutil
import pytest
from django.db import connection, connections
from django.utils import timezone

from bonefrac.celery import ring
from bonefrac.errors import Conflict
from inference import jobs, registry
from inference.answers import Answer
from inference.models import Prediction, PredictionJob
from inference.states import JobStatus, PredictionState
from tests import tiny
from tests.factories_inference import grey_radiograph
from tests.worker.conftest import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def active(transactional_db, broker, tmp_path):
    return registry.promote(None, registry.register(None, tiny.write(tmp_path / "artifact")))


def status(job):
    job.refresh_from_db()
    return job.status


def ended(job):
    return status(job) in {JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED}


def test_rung_often_predicted_once(start_worker, active):
    workers = [start_worker() for _ in range(2)]
    for worker in workers:
        worker.wait_until_ready()
    asked = [jobs.request(grey_radiograph(), active) for _ in range(4)]
    for _ in range(5):
        for job in asked:
            ring("inference.predict", str(job.pk))
    wait_for(lambda: all(ended(job) for job in asked), what="the predictions")
    assert {status(job) for job in asked} == {JobStatus.SUCCEEDED}
    assert Prediction.objects.count() == 4
    assert {job.attempt for job in asked} == {1}
    loaded = {part.path for worker in workers for child in worker.children for part in child.memory_maps()}
    assert any("litert" in path for path in loaded)
    assert not [path for path in loaded if "tensorflow" in path.lower()]


def test_a_worker_that_is_killed_in_the_middle_loses_nothing(start_worker, active):
    """The worker is stopped by a lock while it writes, and killed there: neither half an answer nor a lost job."""
    worker = start_worker(JOB_LEASE_SECONDS="5")
    worker.wait_until_ready()
    with held_table():
        job = jobs.request(grey_radiograph(), active)
        wait_for(lambda: status(job) == JobStatus.RUNNING, what="the worker to take the job")
        wait_for(writers_waiting, what="the worker to write")
        worker.kill()
    assert status(job) == JobStatus.RUNNING
    assert not Prediction.objects.exists()
    wait_for(lambda: jobs.lapse() == 1, what="the lease to end")
    assert status(job) == JobStatus.QUEUED
    start_worker().wait_until_ready()
    jobs.ring_due()
    wait_for(lambda: ended(job), what="the second attempt")
    assert (status(job), job.attempt) == (JobStatus.SUCCEEDED, 2)
    assert Prediction.objects.count() == 1


def test_a_killed_child_is_replaced_and_the_queue_goes_on(start_worker, active):
    worker = start_worker()
    worker.wait_until_ready()
    before = {child.pid for child in worker.children}
    worker.kill_child()
    job = jobs.request(grey_radiograph(), active)
    wait_for(lambda: ended(job), what="the prediction")
    assert status(job) == JobStatus.SUCCEEDED
    assert not before & {child.pid for child in psutil.Process(worker.process.pid).children()}


def test_the_sweeper_delivers_what_no_message_tells(start_worker, active):
    job = jobs.request(grey_radiograph(), active)
    lose_every_message()
    start_worker().wait_until_ready()
    ring("inference.sweep")
    wait_for(lambda: ended(job), what="the prediction")
    assert status(job) == JobStatus.SUCCEEDED


def test_a_broker_that_is_down_loses_nothing(start_worker, active, broker):
    from bonefrac.celery import app

    app.conf.broker_url = "redis+socket:///nowhere/valkey.sock"
    app.amqp._producer_pool = app._pool = None
    job = jobs.request(grey_radiograph(), active)
    assert status(job) == JobStatus.QUEUED
    app.conf.broker_url = broker
    app.amqp._producer_pool = app._pool = None
    start_worker().wait_until_ready()
    jobs.ring_due()
    wait_for(lambda: ended(job), what="the prediction")
    assert status(job) == JobStatus.SUCCEEDED


def test_twelve_take_a_job_and_one_has_it(active):
    job = jobs.request(grey_radiograph(), active)
    together, taken = threading.Barrier(12), []

    def take():
        try:
            together.wait(30)
            taken.append(jobs.start(job.pk))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=take) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(taken) == 12
    assert [found.attempt for found in taken if found] == [1]


def test_who_comes_back_late_is_refused(active):
    job = jobs.request(grey_radiograph(), active)
    late = jobs.start(job.pk)
    PredictionJob.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert jobs.lapse() == 1
    current = jobs.start(job.pk)
    answer = Answer(PredictionState.NEGATIVE, milliseconds=1.0, logit=-1.0, probability=0.2)
    refused = []

    def come_back():
        try:
            jobs.succeed(late, answer)
        except Conflict as error:
            refused.append(error.code)
        finally:
            connections.close_all()

    thread = threading.Thread(target=come_back)
    thread.start()
    thread.join(30)
    assert refused == ["late"]
    assert jobs.succeed(current, answer).job_id == job.pk


class held_table:
    """A lock that lets everyone read predictions and nobody write them, held by a connection of its own."""

    def __enter__(self):
        self._connection = connection.copy()
        self._connection.set_autocommit(False)
        with self._connection.cursor() as cursor:
            cursor.execute("LOCK TABLE inference_prediction IN SHARE MODE")

    def __exit__(self, *_):
        self._connection.rollback()
        self._connection.close()


def writers_waiting():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'inference_prediction'::regclass"
        )
        return cursor.fetchone()[0]


def lose_every_message():
    from bonefrac.celery import app

    assert app.control.purge() >= 0
    app.connection_for_write().default_channel.queue_purge("inference")
