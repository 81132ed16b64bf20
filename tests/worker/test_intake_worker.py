"""Files judged by real workers: rung twice and killed in the middle, each file gets one verdict and none is lost."""

from __future__ import annotations

import psutil
import pytest
from django.db import connection, transaction

from bonefrac.accounts.models import Role
from bonefrac.celery import NICE, ring
from inference.models import Radiograph
from studies import intake
from studies.models import IncomingFile, Study
from tests import factories_intake as files
from tests import factories_studies as make
from tests.worker.conftest import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site(transactional_db, broker):
    return make.site()


@pytest.fixture
def uploader(site):
    return make.person(site, Role.UPLOADER)


def status(file):
    file.refresh_from_db()
    return file.status


def test_files_are_judged_once_however_often_they_are_rung(start_worker, uploader, site):
    worker = start_worker("intake")
    worker.wait_until_ready()
    assert {child.nice() for child in worker.children} == {NICE}  # people and devices go first
    rows = files.hand_in(uploader, site, files.png(), files.dicom(), files.jpeg()[:300], judged=False)
    for row in rows * 3:
        ring("intake.judge", str(row.pk))
    wait_for(lambda: not IncomingFile.objects.filter(judged_at__isnull=True).exists(), what="the verdicts")
    assert [status(row) for row in rows] == ["ACCEPTED", "ACCEPTED", "REFUSED"]
    assert [row.attempt for row in rows] == [1, 1, 1]
    assert Radiograph.objects.count() == 2


def test_a_worker_killed_in_mid_judgement_loses_no_file(start_worker, uploader, site):
    """A lock stops the worker while it writes; it is killed there, with its decoding child."""
    (file,) = files.hand_in(uploader, site, files.png(), judged=False)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE studies_studyimage IN ACCESS EXCLUSIVE MODE")
        worker = start_worker("intake", JOB_LEASE_SECONDS="5")
        worker.wait_until_ready()
        wait_for(waits_for_lock, what="the worker to write")
        children = worker.children
        worker.kill()
    assert len(children) >= 2
    assert status(file) == "JUDGING"
    assert not Study.objects.exists()
    wait_for(lambda: not any(is_alive(child) for child in children), what="the decoding child to die too")
    wait_for(lambda: intake.sweep() or status(file) == "RECEIVED", what="the lease to end")
    assert file.deaths == 1
    start_worker("intake").wait_until_ready()
    intake.sweep()
    wait_for(lambda: status(file) == "ACCEPTED", what="the second attempt")
    assert (file.attempt, Study.objects.count()) == (2, 1)


def waits_for_lock():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0] > 0


def is_alive(child):
    try:
        return child.is_running() and child.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
