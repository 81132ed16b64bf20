"""Whether the platform lives and whether it can serve: for load balancers, containers and the launcher.

The answers name what fails in a word each, and nothing about why: the logs say that.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import redis
import structlog
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

OK = "ok"
log = structlog.get_logger(__name__)


@require_safe
def live(_request: HttpRequest) -> JsonResponse:
    """Answer that the process lives; nothing else is asked."""
    return JsonResponse({"status": OK, "version": settings.VERSION})


@require_safe
def ready(_request: HttpRequest) -> JsonResponse:
    """Answer 200 when every part works, else 503 with the parts that do not."""
    parts = {name: _asked(name, check) for name, check in CHECKS.items()}
    is_ready = all(word == OK for word in parts.values())
    return JsonResponse({"status": OK if is_ready else "unready", **parts}, status=200 if is_ready else 503)


def free_disk(folder: Path) -> float:
    """Return the free share, 0 to 1, of the disk that holds a folder or will hold it."""
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    return usage.free / usage.total


def _asked(name: str, check: Callable[[], str]) -> str:
    try:
        return check()
    except (Error, redis.RedisError, OSError) as error:
        log.warning("unready", part=name, error=str(error))
        return "unreachable"


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    return "pending" if executor.migration_plan(executor.loader.graph.leaf_nodes()) else OK


def _broker() -> str:
    address = settings.REDIS_URL.replace("redis+socket://", "unix://")
    with redis.Redis.from_url(address, socket_timeout=2, socket_connect_timeout=2) as client:
        client.ping()
    return OK


def _disk() -> str:
    return OK if free_disk(Path(settings.STORES_ROOT)) >= settings.MINIMUM_FREE_DISK else "almost full"


CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "migrations": _migrations,
    "broker": _broker,
    "disk": _disk,
}
