"""Gunicorn's configuration: threads for slow readers, few processes, a database pool opened after the fork."""

from __future__ import annotations

import os
from pathlib import Path

_memory = Path("/dev/shm")  # noqa: S108  # heartbeat files must not wait for a busy disk

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))
timeout = 60
graceful_timeout = 5
keepalive = 5
control_socket_disable = True
worker_tmp_dir = str(_memory) if os.access(_memory, os.W_OK) else None
forwarded_allow_ips = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1")
raw_env = ["DATABASE_POOL=1", "BONEFRAC_PROCESS=web"]
loglevel = "warning"
