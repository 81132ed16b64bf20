"""Does prediction jobs: take one, ask its model, write the answer, take the next.

The type of an error decides what becomes of the job: what may pass puts it back, what cannot fails it, a bug fails it
and is raised. The model runs outside any transaction.
"""

from __future__ import annotations

import time
import uuid
from typing import Final

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, InterfaceError

from bonefrac.celery import ring
from bonefrac.errors import Conflict, PermanentError, TransientError
from inference import jobs, radiographs
from inference.answers import Answer
from inference.assessment import assess, load
from inference.models import PredictionJob
from inference.selectors import active_models, waiting_job
from training.frames import FrameError

#: A message serves further waiting jobs of the same model for so long, then hands on to the next message.
ROUND_SECONDS: Final = 15
_PASSING: Final = (TransientError, OSError, MemoryError, DatabaseError, InterfaceError)

log = structlog.get_logger(__name__)


def work_on(job_id: uuid.UUID) -> int:
    """Do a job, then further waiting ones of the same model for a while; return how many were taken.

    A job that somebody else has, or that has ended, is left alone.
    """
    deadline = time.monotonic() + ROUND_SECONDS
    job = jobs.start(job_id)
    done = 0
    while job is not None:
        _attempt(job)
        done += 1
        if time.monotonic() >= deadline:
            _hand_on(job.model_version_id)
            break
        job = jobs.start_next(job.model_version_id)
    return done


def answer(job: PredictionJob) -> Answer:
    """Return what the job's model says of its radiograph; writes no row. Raises what ``assessment`` raises."""
    loaded = load(job.model_version)
    radiograph = job.radiograph
    return assess(
        loaded,
        facts=radiograph.facts,
        shape=radiographs.shown_shape(radiograph),
        read=lambda: radiographs.rendition(radiograph, loaded.artifact.preprocessing),
    )


def warm_up() -> None:
    """Load the active models and run each once, so that the first radiograph does not wait for that."""
    for version in active_models():
        loaded = load(version)
        loaded.engine.predict(loaded.artifact.preprocessing.model_input(loaded.artifact.golden.renditions[0]))
        log.info("model_loaded", model=str(version))


def _attempt(job: PredictionJob) -> None:
    try:
        _do(job)
    except Conflict as error:
        log.warning("prediction_late", job=str(job.pk), attempt=job.attempt, reason=error.code)


def _do(job: PredictionJob) -> None:
    """Do one attempt; raise ``Conflict`` where it came back too late."""
    try:
        prediction = jobs.succeed(job, answer(job))
        log.info("predicted", job=str(job.pk), state=prediction.state, ms=round(prediction.milliseconds, 1))
    except SoftTimeLimitExceeded:
        jobs.put_back(job, detail="The time limit was reached.")
        raise
    except PermanentError as error:
        jobs.fail(job, code=error.code, detail=error.sentence)
    except FrameError as error:
        jobs.fail(job, code=error.code, detail=f"The stored frame cannot be decoded: {error}.")
    except _PASSING as error:
        jobs.put_back(job, detail=f"{type(error).__name__}: {error}")
    except Conflict:
        raise
    except Exception as error:
        jobs.fail(job, code="bug", detail=f"{type(error).__name__}: {error}")
        raise


def _hand_on(model_version_id: uuid.UUID) -> None:
    waiting = waiting_job(model_version_id)
    if waiting is not None:
        ring("inference.predict", str(waiting))
