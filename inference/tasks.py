"""Background jobs of inference: shells that parse an id and call one verb. TensorFlow is never imported here."""

from __future__ import annotations

import uuid

import structlog
from celery.signals import worker_process_init

from bonefrac.celery import app, job
from inference import jobs, prediction

log = structlog.get_logger(__name__)


@job(name="inference.predict", soft_seconds=60, hard_seconds=90)
def predict(job_id: str) -> None:
    """Do a prediction job, and the following ones of the same model."""
    prediction.work_on(uuid.UUID(job_id))


@job(name="inference.sweep", soft_seconds=20, hard_seconds=30)
def sweep() -> None:
    """Take back jobs whose worker did not return, and ring those whose time has come."""
    lapsed = jobs.lapse()
    rung = jobs.ring_due()
    if lapsed or rung:
        log.info("swept_inference", lapsed=lapsed, rung=rung)


@worker_process_init.connect
def _warm_up(**_: object) -> None:
    """Load the active models in a process that serves the queue; one that cannot be loaded is found out by its jobs."""
    if "inference" not in app.amqp.queues.consume_from:
        return
    try:
        prediction.warm_up()
    except Exception:
        log.exception("warm_up_failed")
