"""Background work: the Celery application, the only decorator for jobs, and the doorbell.

A job is a row in PostgreSQL; a message only says "look at row N". Losing every message loses nothing, because the
sweeper rings again; ringing twice does nothing twice, because the row is taken conditionally.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import structlog
from celery import Celery
from celery.signals import setup_logging, worker_init, worker_process_init
from django.db import transaction
from kombu.exceptions import OperationalError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bonefrac.settings")

app = Celery("bonefrac")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

NICE: Final = 5
QUEUES = ("intake", "inference", "training", "default")
log = structlog.get_logger(__name__)


def queue_of(name: str) -> str:
    """Return the queue of a job by its name's first part: ``inference.predict`` goes to ``inference``."""
    prefix = name.partition(".")[0]
    return prefix if prefix in QUEUES else "default"


def route(name: str, *_: object, **__: object) -> dict[str, str]:
    """Return where a message of a job's name goes; Celery asks for whatever is sent without a queue."""
    return {"queue": queue_of(name)}


app.conf.task_routes = (route,)


def job(*, name: str, soft_seconds: int, hard_seconds: int) -> Callable[[Callable[..., None]], Any]:
    """Register a function as a background job under a name.

    The message is acknowledged after the work and given back when the worker dies; limits end what hangs. Arguments
    are ids, what comes of it are rows.

    Args:
        name: The name by which it is rung; its first part is the queue.
        soft_seconds: After this the job sees ``SoftTimeLimitExceeded`` and may still write its row.
        hard_seconds: After this its process is killed.
    """
    return app.task(
        name=name,
        acks_late=True,
        reject_on_worker_lost=True,
        ignore_result=True,
        soft_time_limit=soft_seconds,
        time_limit=hard_seconds,
    )


def ring(name: str, *arguments: str) -> None:
    """Ask for a job by name once the current transaction has committed.

    A broker that is down is no error here: the row stays as it is and the sweeper rings again.
    """
    transaction.on_commit(lambda: _send(name, arguments), robust=True)


def _send(name: str, arguments: tuple[str, ...]) -> None:
    try:
        app.send_task(name, args=arguments, queue=queue_of(name), retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        log.warning("doorbell_silent", job=name, error=str(error))


@setup_logging.connect
def _keep_logging(**_: object) -> None:
    """Leave logging as the settings made it: Celery would otherwise replace it."""


@worker_init.connect
def _step_back(**_: object) -> None:
    """Let what people and devices wait for go first on a busy machine; a worker with idle cores loses nothing by it.

    Where Linux shares the processor out by session, the number counts within a session only, so that the session of
    a worker that has its own gets it too.
    """
    os.nice(NICE)
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(NICE))


@worker_process_init.connect
def _close_inherited_connections(**_: object) -> None:
    """Drop database connections that a forked worker inherited from its parent."""
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        connection.inc_thread_sharing()
        connection.close()
