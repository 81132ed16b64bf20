"""Gunicorn's configuration: threads for slow readers, few processes, a database pool opened after the fork.

The platform is loaded once, before the fork: the processes share its memory, and the first page comes sooner.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

_memory = Path("/dev/shm")  # noqa: S108  # heartbeat files must not wait for a busy disk

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
preload_app = True
timeout = 60
graceful_timeout = 5
keepalive = 5
client_seconds = int(os.environ.get("WEB_CLIENT_SECONDS", "30"))
control_socket_disable = True
worker_tmp_dir = str(_memory) if os.access(_memory, os.W_OK) else None
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1")
raw_env = ["DATABASE_POOL=1", "BONEFRAC_PROCESS=web"]
loglevel = "warning"


def pre_request(_worker: Any, request: Any) -> None:
    """Let no client hold a thread: one that neither sends nor takes a byte for a while is cut off."""
    request.unreader.sock.settimeout(client_seconds)


def when_ready(_server: Any) -> None:
    """Load the addresses and their views before the fork; no connection is opened by that."""
    from django.urls import get_resolver

    _ = get_resolver().url_patterns
