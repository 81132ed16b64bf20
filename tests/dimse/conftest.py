"""The real listener as a process of its own on the test database, and a site with one device."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from bonefrac.accounts.models import Role
from studies.dimse import devices
from studies.dimse.devices import Terms
from tests import factories_accounts as accounts
from tests.worker.conftest import database_url, wait_for

ROOT = Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Running:
    """One listener; ``log`` is all that it has said."""

    def __init__(self, log: Path, environment: dict[str, str]):
        self.port, self._log, self._seen = int(environment["DICOM_PORT"]), log, 0
        self.environment = {**os.environ, **environment}
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "dicom_listener"],
                cwd=ROOT, env=self.environment, stdout=file, stderr=file, start_new_session=True,
            )  # fmt: skip
        wait_for(lambda: '"listening"' in self.log or self.process.poll() is not None, what="the listener")
        assert self.process.poll() is None, self.log

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")[self._seen :]

    def forget_log(self):
        self._seen += len(self.log)

    @property
    def events(self) -> list[dict]:
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    @property
    def spool(self) -> Path:
        return Path(self.environment["BONEFRAC_DATA"]) / "run" / f"dicom-{self.port}"

    def check(self) -> subprocess.CompletedProcess:
        command = [sys.executable, "manage.py", "dicom_listener", "--check"]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=60)

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode


def environment_of(stores, data, port=None):
    return {
        "DATABASE_URL": database_url(connection), "BONEFRAC_STORES": str(stores), "BONEFRAC_DATA": str(data),
        "DATABASE_POOL": "1", "DATABASE_POOL_SECONDS": "2", "DICOM_PORT": str(port or free_port()),
        "BONEFRAC_PROCESS": "dicom", "DICOM_AE_TITLE": "BONEFRAC",
        "REDIS_URL": settings.REDIS_URL, "FIELD_SECRET": settings.FIELD_SECRET,
        "PSEUDONYM_SECRET": settings.PSEUDONYM_SECRET,
    }  # fmt: skip


@pytest.fixture
def start_listener(transactional_db, tmp_path, settings):
    """Start listeners on the test database; they are stopped at the end."""
    started = []

    def start(port=None, **environment):
        fixed = environment_of(settings.STORES_ROOT, tmp_path / "data", port)
        started.append(Running(tmp_path / f"listener-{len(started)}.log", {**fixed, **environment}))
        return started[-1]

    yield start
    for running in started:
        running.stop()


@pytest.fixture
def device(transactional_db):
    """A device of a site whose sender is an uploader of it."""
    site = accounts.site()
    person = accounts.person(site, Role.UPLOADER)
    return devices.add(None, site=site, person=person, terms=Terms("MODALITY1", label="Room 1"))


@pytest.fixture(scope="module")
def shared_listener(django_db_setup, django_db_blocker, tmp_path_factory):
    """One listener for the tests of a module that neither end nor configure it."""
    folder = tmp_path_factory.mktemp("listener")
    with django_db_blocker.unblock():
        running = Running(folder / "log", environment_of(folder / "stores", folder / "data"))
        yield running
        running.stop()


@pytest.fixture
def listener(shared_listener, device, settings):
    """The shared listener with this test's device; its events are those since the test began."""
    settings.STORES_ROOT = shared_listener.environment["BONEFRAC_STORES"]
    shared_listener.forget_log()
    return shared_listener
