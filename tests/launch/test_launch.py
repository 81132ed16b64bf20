"""The whole platform, started by one command on a data folder of its own, and stopped."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import psutil
import psycopg
import pytest
from django.db import connection as django_connection

from bonefrac import embedded, launch, schema
from bonefrac.embedded.processes import lives, wait_until
from bonefrac.env import Environment

ROOT = Path(__file__).resolve().parents[2]
FIRST_PAGE = re.compile(r"first page after ([\d.]+) s")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Launched:
    """A launcher in a process of its own, and everything that it says."""

    def __init__(self, data, port, *arguments, **variables):
        gone = {"DATABASE_URL", "REDIS_URL", "STATIC_ROOT", "BONEFRAC_TEST_SESSION"}
        environment = {k: v for k, v in os.environ.items() if k not in gone}
        environment |= {"BONEFRAC_DATA": str(data), "PORT": str(port), **variables}
        self.port, self.lines = port, []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bonefrac.launch", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        with self.process.stdout:
            for line in self.process.stdout:
                self.lines.append(line.rstrip())

    def _says(self, words):
        return any(words in line for line in self.lines)

    def await_line(self, words, seconds=60):
        wait_until(lambda: self._says(words) or self.process.poll() is not None, seconds=seconds)
        assert self._says(words), "\n".join(self.lines)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return answer.status, answer.read()

    def family(self):
        return [self.process.pid, *(p.pid for p in psutil.Process(self.process.pid).children(recursive=True))]

    def end(self, how=signal.SIGTERM, seconds=30):
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(seconds)
        self._reader.join(10)


@pytest.fixture
def started(tmp_path):
    """Start launchers on one data folder; end every one of them and its engines at last."""
    made, data = [], tmp_path / "data folder"

    def start(*arguments, port=None, **variables):
        launched = Launched(data, port or free_port(), *arguments, **variables)
        made.append(launched)
        return launched

    yield start
    for launched in made:
        launched.end(signal.SIGKILL)
    launch.Supervisor(str(data), lambda name, line: None).end_leftovers()
    embedded.stop(data)


def first_page_seconds(launched):
    return float(next(FIRST_PAGE.search(line)[1] for line in launched.lines if FIRST_PAGE.search(line)))


def test_one_command_starts_all_and_one_signal_stops_all(started, tmp_path, record_property, capsys):
    cold = started("--no-demo")
    cold.await_line("ready at")
    assert cold.get("/healthz")[0] == 200
    assert json.loads(cold.get("/readyz")[1])["status"] == "ok"
    assert wait_until(lambda: len(workers(cold)) >= 3, seconds=30), "two workers and the clock"
    family = cold.family()
    begun = time.monotonic()
    cold.end(signal.SIGTERM)
    stopped_after = time.monotonic() - begun

    assert cold.process.returncode == 0
    assert [pid for pid in family if lives(pid)] == []
    assert embedded.status(tmp_path / "data folder") == embedded.Status(None, None)
    assert stopped_after < 15
    private = [tmp_path / "data folder" / name for name in ("keys", "run", "postgresql", "valkey")]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in private} == {0o700}

    warm = started("--no-demo")
    warm.await_line("ready at")
    warm.end(signal.SIGINT)
    assert warm.process.returncode == 0
    figures = f"first page: cold {first_page_seconds(cold)} s, warm {first_page_seconds(warm)} s"
    with capsys.disabled():
        print(f"\n{figures}, stopped in {stopped_after:.1f} s")


def workers(launched):
    commands = [" ".join(command_of(pid)) for pid in launched.family()]
    return {word for word in ("inference@", "worker@", " beat ") if any(word in command for command in commands)}


def command_of(pid):
    try:
        return psutil.Process(pid).cmdline()
    except psutil.NoSuchProcess:
        return []


def test_after_the_launcher_is_killed_the_next_one_recovers(started, tmp_path):
    killed = started("--no-demo")
    killed.await_line("ready at")
    before = embedded.status(tmp_path / "data folder")
    killed.process.kill()
    killed.process.wait()
    assert embedded.status(tmp_path / "data folder") == before, "the engines live on"

    following = started("--no-demo", port=killed.port)

    following.await_line("that a killed start had left")
    following.await_line("ready at")
    assert embedded.status(tmp_path / "data folder") == before, "and are used again"
    assert following.get("/healthz")[0] == 200
    following.end()
    assert embedded.status(tmp_path / "data folder") == embedded.Status(None, None)


def test_migrations_are_asked_for_again_only_when_something_changed(db, monkeypatch):
    with psycopg.connect(os.environ["DATABASE_URL"], dbname="postgres") as empty:
        assert not schema.is_current(empty), "a database without tables"
    with django_connection.cursor():
        connection = django_connection.connection
        assert not schema.is_current(connection)
        schema.note(connection)
        assert schema.is_current(connection)
        with monkeypatch.context() as changed:
            changed.setattr(schema, "version", lambda: "another version")
            assert not schema.is_current(connection)
        connection.execute("DELETE FROM django_migrations WHERE app = 'audit'")
        assert not schema.is_current(connection)


def test_a_taken_port_is_said_in_a_sentence_and_starts_nothing(started, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused = started(port=taken.getsockname()[1])
        refused.process.wait(30)
        refused.end()

    assert refused.process.returncode == 1
    assert "cannot be used" in refused.lines[-1]
    assert "PORT=" in refused.lines[-1]
    assert embedded.status(tmp_path / "data folder") == embedded.Status(None, None)


def test_a_second_launcher_on_the_same_folder_is_refused(tmp_path):
    with launch.only_one(tmp_path), pytest.raises(launch.CannotStart, match="already runs"), launch.only_one(tmp_path):
        pass


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::", "clinic.example"])
def test_demo_accounts_are_refused_where_other_machines_reach_them(host):
    variables = {"HOST": host}

    with pytest.raises(launch.CannotStart, match="demo accounts have a known password"):
        launch.plan([], Environment(variables))
    assert not launch.plan(["--no-demo"], Environment(variables)).is_demo


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.1.2.3"])
def test_demo_accounts_are_allowed_on_this_machine_alone(host):
    assert launch.plan([], Environment({"HOST": host})).is_demo


def test_a_port_that_is_no_port_is_named():
    with pytest.raises(Exception, match="PORT: expected a whole number from 1 to 65535; received 'eighty'"):
        launch.plan([], Environment({"PORT": "eighty"}))


def test_help_needs_nothing():
    ended = subprocess.run(
        [sys.executable, "-m", "bonefrac.launch", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    assert ended.returncode == 0
    assert "--no-demo" in ended.stdout
