"""Starts the whole platform on one machine and stops it again: what ``script/server`` runs once all is installed.

Engines first, then migrations, then the web server, so that the first page comes early; workers, the shipped model
and the demo follow while it already serves. In production the same processes are containers (docker-compose.yml).
"""

from __future__ import annotations

import argparse
import fcntl
import http.client
import ipaddress
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from bonefrac import embedded, schema
from bonefrac.env import ConfigurationError, Environment
from bonefrac.supervision import Child, Program, Supervisor

ROOT = Path(__file__).resolve().parent.parent
FIRST_PAGE_SECONDS = 60
MIGRATION_LOCK = 0x626F6E65  # "bone": one launcher at a time migrates a database
DEMO_SIGN_INS = "demo-uploader, demo-radiologist, demo-lead, demo-admin (password: bonefrac-demo)"


class CannotStart(Exception):
    """Something outside stands in the way; the message says what and what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start, and where."""

    data: Path
    host: str
    port: int
    is_demo: bool
    inference_processes: int
    dicom_port: int = 0  # 0: no listener for devices

    @property
    def address(self) -> str:
        """The address that a person opens."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104  # shown, not bound
        return f"http://{host}:{self.port}/"

    def environment(self) -> dict[str, str]:
        """What every process of the platform gets to know."""
        demo = "1" if self.is_demo else "0"
        return {
            "BONEFRAC_DATA": str(self.data),
            "BONEFRAC_DEMO": demo,
            "HOST": self.host,
            "PORT": str(self.port),
            "DJANGO_SETTINGS_MODULE": "bonefrac.settings",
            "PYTHONUNBUFFERED": "1",
            # As root in a container or on a fresh machine this is meant; Celery would say otherwise at every start.
            "PYTHONWARNINGS": os.environ.get("PYTHONWARNINGS", "ignore:You're running the worker with superuser"),
        }


class Stop:
    """Turns SIGINT and SIGTERM into questions that the launcher asks: asked once, stop; asked twice, at once."""

    def __init__(self) -> None:
        self._count = 0
        for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(how, self._note)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1

    def is_asked(self) -> bool:
        """Whether the platform is to stop."""
        return self._count > 0

    def is_forced(self) -> bool:
        """Whether it is to stop without waiting."""
        return self._count > 1


def say(name: str, line: str) -> None:
    """Print a process's line under its name; a reader that went away is no reason to stop."""
    try:
        print(f"{name:>9} | {line}", flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def plan(arguments: Sequence[str], env: Environment) -> Plan:
    """Read the command line and the environment.

    Raises:
        CannotStart: Demo accounts would be reachable from other machines.
    """
    parser = argparse.ArgumentParser(prog="script/server", description="Start bonefrac and all that it needs.")
    parser.add_argument("--no-demo", action="store_true", help="start without demo people and demo studies")
    chosen = parser.parse_args(arguments)
    made = Plan(
        data=env.folder("BONEFRAC_DATA", ROOT / ".data"),
        host=env.text("HOST", "127.0.0.1"),
        port=env.number("PORT", 8000, low=1, high=65535),
        is_demo=not chosen.no_demo,
        inference_processes=env.number("INFERENCE_PROCESSES", 1, low=1, high=64),
        dicom_port=env.number("DICOM_PORT", 0, high=65535),
    )
    env.verify()
    if made.is_demo and not is_loopback(made.host):
        raise CannotStart(
            f"HOST={made.host} can be reached from other machines, and demo accounts have a known password. "
            "Start with --no-demo, or leave HOST unset."
        )
    return made


def is_loopback(host: str) -> bool:
    """Return whether a host name or address is this machine only."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_port(made: Plan) -> None:
    """Raise ``CannotStart`` where another program listens on the port, or the address is not this machine's."""
    family = socket.AF_INET6 if ":" in made.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((made.host, made.port))
        except OSError as error:
            raise CannotStart(
                f"Port {made.port} on {made.host} cannot be used ({error.strerror}). "
                "Stop the program that listens there, or choose another: PORT=8001 script/server"
            ) from error


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the data folder for this launcher.

    Raises:
        CannotStart: Another launcher runs on it.
    """
    run = embedded.locations(data).run
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (run / "launcher.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotStart(
                f"bonefrac already runs on {data}. Stop that one first, or choose another folder: "
                "BONEFRAC_DATA=/another/folder script/server"
            ) from error
        yield


@contextmanager
def engines(made: Plan) -> Iterator[None]:
    """Export the addresses of the database and the broker; embedded engines run where none is configured."""
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        yield
        return
    held = embedded.start(made.data)
    os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL") or held.database_url
    os.environ["REDIS_URL"] = os.environ.get("REDIS_URL") or held.redis_url
    try:
        yield
    finally:
        held.stop()


def command(*arguments: str, name: str) -> Program:
    """Return one of the platform's commands as a program that ends."""
    return Program(name, [sys.executable, "manage.py", *arguments], is_lasting=False)


def web() -> Program:
    """Return the web server."""
    return Program("web", [sys.executable, "-m", "gunicorn", "-c", "python:bonefrac.webserver", "bonefrac.wsgi"])


def background(made: Plan) -> list[Program]:
    """Return the workers, the clock, and the listener for devices where it has a port."""
    celery = [sys.executable, "-m", "celery", "--app", "bonefrac.celery", "--quiet"]
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
    worker = [*celery, "worker", "--pool", "prefork", *quiet]
    processes = str(made.inference_processes)
    listener = _lasting(
        "dicom", [sys.executable, "manage.py", "dicom_listener"], DATABASE_POOL="1", DATABASE_POOL_SECONDS="5"
    )
    return [
        _lasting("inference", [*worker, "--hostname", "inference@%h", "--queues", "inference", "-c", processes]),
        _lasting("worker", [*worker, "--hostname", "worker@%h", "--queues", "intake,default", "-c", "2"]),
        _lasting("beat", [*celery, "beat", "--pidfile", "", "--loglevel", "WARNING"]),
        *([listener] if made.dicom_port else []),
    ]


def _lasting(name: str, line: list[str], **variables: str) -> Program:
    return Program(name, line, {"BONEFRAC_PROCESS": name, "OMP_NUM_THREADS": "1", **variables})


def migrate(supervisor: Supervisor, stop: Stop) -> None:
    """Bring the database up to date while no other launcher does; ask Django only where something has changed.

    Raises:
        CannotStart: The database is out of reach, or a migration failed.
    """
    import psycopg

    try:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, connect_timeout=10) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
            if schema.is_current(connection):
                return
            child = supervisor.start(command("migrate", "--no-input", "--verbosity", "0", name="migrate"))
            while child.pid is not None and not stop.is_asked():
                time.sleep(0.02)
            if child.exit_code == 0:
                schema.note(connection)
    except psycopg.OperationalError as error:
        raise CannotStart(f"The database cannot be reached: {error}") from error
    if not stop.is_asked() and child.exit_code != 0:
        raise CannotStart("The database could not be brought up to date; the lines above say why.")


def await_first_page(made: Plan, child: Child, supervisor: Supervisor, stop: Stop) -> None:
    """Return once the web server answers.

    Raises:
        CannotStart: It does not.
    """
    deadline = time.monotonic() + FIRST_PAGE_SECONDS
    while not stop.is_asked() and not _answers(made):
        if child.deaths >= 2 or time.monotonic() > deadline:
            raise CannotStart("The web server does not start; the lines above say why.")
        supervisor.tend()
        time.sleep(0.05)


def _answers(made: Plan) -> bool:
    host = made.address.removeprefix("http://").rsplit(":", 1)[0].strip("[]")
    connection = http.client.HTTPConnection(host, made.port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost"})
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def furnish(made: Plan, supervisor: Supervisor, stop: Stop) -> None:
    """Register the shipped model and seed the demo, one after the other, while the platform serves.

    A step that fails is said, and the platform runs on without it.
    """
    steps = [command("register_model", "--shipped", name="model")]
    if made.is_demo:
        steps.append(command("seed_demo", name="demo"))
    for step in steps:
        child = supervisor.start(step)
        while child.pid is not None and not stop.is_asked():
            supervisor.tend()
            time.sleep(0.1)
        if child.exit_code and not stop.is_asked():
            say("bonefrac", f"{step.command[2]} failed (code {child.exit_code}); the platform runs without it.")


def announce(made: Plan, began: float) -> None:
    """Say where the platform is, once its first page answers."""
    say("bonefrac", f"ready at {made.address}  (first page after {time.monotonic() - began:.1f} s; Ctrl-C stops)")


def run(made: Plan, stop: Stop, supervisor: Supervisor) -> None:
    """Start everything in order and look after it until asked to stop."""
    began = time.monotonic()
    with engines(made):
        try:
            migrate(supervisor, stop)
            if not stop.is_asked():
                await_first_page(made, supervisor.start(web()), supervisor, stop)
            if not stop.is_asked():
                announce(made, began)
                for program in background(made):
                    supervisor.start(program)
                furnish(made, supervisor, stop)
            if made.is_demo and not stop.is_asked():
                say("bonefrac", f"the demo is at {made.address}  sign in as {DEMO_SIGN_INS}")
            while not stop.is_asked():
                supervisor.tend()
                time.sleep(0.1)
        finally:
            say("bonefrac", "stopping")
            supervisor.stop(is_forced=stop.is_forced)
    say("bonefrac", "stopped")


def main(arguments: Sequence[str]) -> int:
    """Start the platform; return the exit code."""
    stop = Stop()
    os.chdir(ROOT)
    os.umask(0o077)  # everything that the platform writes is private
    (ROOT / "staticfiles").mkdir(exist_ok=True)  # empty here: the web server finds the built files where they lie
    try:
        made = plan(arguments, Environment())
        os.environ.update(made.environment())
        with only_one(made.data):
            supervisor = Supervisor(str(made.data), say)
            if left := supervisor.end_leftovers():
                say("bonefrac", f"ended {left} processes that a killed start had left")
            check_port(made)
            run(made, stop, supervisor)
    except (CannotStart, ConfigurationError, embedded.EngineError) as error:
        print(f"bonefrac cannot start: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
