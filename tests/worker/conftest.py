"""A real broker and real worker processes against the test database.

Tests here commit, since another process has to see what they write. Messages go to a database of Valkey of their own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

import psutil
import pytest
import redis
from django.db import connection

from bonefrac.celery import app

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60  # seconds; the machine may be busy


def wait_for(question, *, seconds=PATIENCE, what=""):
    """Return the first true answer; fail when none comes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.02)
    pytest.fail(f"waited {seconds} s in vain for {what or question}")


class Worker:
    """One worker with one child, started as the launcher starts it."""

    def __init__(self, *, queues, log, environment):
        command = [
            sys.executable, "-m", "celery", "--app", "bonefrac.celery", "worker", "--pool", "prefork", "--concurrency",
            "1", "--queues", queues, "--loglevel", "INFO", "--without-mingle", "--without-gossip",
        ]  # fmt: skip
        self.log = log
        self.started = time.monotonic()
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, **environment}, stdout=file, stderr=file, start_new_session=True
            )

    def says(self, word):
        return word in self.log.read_text(errors="replace")

    def wait_until_ready(self):
        wait_for(lambda: self.says(" ready.") or self.process.poll() is not None, what="the worker")
        assert self.process.poll() is None, self.log.read_text()
        return time.monotonic() - self.started

    @property
    def children(self):
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill_child(self):
        """Kill the process that does the work, as the kernel does when memory is short."""
        for child in self.children:
            child.send_signal(signal.SIGKILL)

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def stop(self):
        """Ask the worker to finish, then make sure."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


def _number_of_session():
    return 1 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


@pytest.fixture
def broker(settings, monkeypatch):
    """The address of an empty broker, which this process rings too."""
    number = _number_of_session()
    plain = settings.REDIS_URL
    url = f"{plain}?{urlencode({'virtual_host': number})}" if plain.startswith("redis+socket") else f"{plain}/{number}"

    def flush():
        address = plain.replace("redis+socket://", "unix://")
        with redis.Redis.from_url(address, db=number) as client:
            client.flushdb()

    def point_to(address):
        app.conf.broker_url = address
        app.amqp._producer_pool = None
        app._pool = None

    flush()
    point_to(url)
    yield url
    point_to(plain)
    flush()


def database_url(connected):
    """The address of the test database for a process of its own."""
    here = connected.settings_dict
    options = urlencode({"host": here["HOST"], "user": here["USER"], "port": here["PORT"] or "5432"})
    # The test's own PASSWORD and port are used where engines were configured from outside.
    url = f"postgresql:///{here['NAME']}?{options}"
    return f"{url}&{urlencode({'password': here['PASSWORD']})}" if here["PASSWORD"] else url


@pytest.fixture
def start_worker(transactional_db, broker, settings, tmp_path):
    """Start workers on the test database; they are stopped at the end."""
    started = []

    def start(queues="inference", **environment):
        fixed = {
            "DATABASE_URL": database_url(connection),
            "REDIS_URL": broker,
            "BONEFRAC_STORES": str(settings.STORES_ROOT),
        }
        worker = Worker(
            queues=queues, log=tmp_path / f"worker-{len(started)}.log", environment={**fixed, **environment}
        )
        started.append(worker)
        return worker

    yield start
    for worker in started:
        worker.stop()
