"""Pytest plugin: real PostgreSQL and Valkey for every test session, before Django's settings load.

The controller (or the only process) starts them in a fresh folder and stops them at the end; xdist workers inherit
the addresses. Where DATABASE_URL and REDIS_URL are set, those engines are used and nothing is started.
"""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from bonefrac import embedded

PREFIX = "bonefrac-tests-"
ENGINES = pytest.StashKey[embedded.Engines]()
FOLDER = pytest.StashKey[Path]()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config, parser, args):
    """Run before every plain implementation, of which pytest-django's imports the settings."""
    is_worker = "BONEFRAC_TEST_SESSION" in os.environ
    if not is_worker and not {"--help", "--version", "-h", "-V"} & set(args):
        set_up(early_config)
    return (yield)


def set_up(config):
    remove_what_killed_sessions_left()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a terminated session takes its engines down too
    config.stash[FOLDER] = folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    config.add_cleanup(lambda: take_down(config))
    if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
        config.stash[ENGINES] = engines = embedded.start(folder / "engines", durable=False)
        os.environ["DATABASE_URL"] = os.environ.get("DATABASE_URL") or engines.database_url
        os.environ["REDIS_URL"] = os.environ.get("REDIS_URL") or engines.redis_url
    os.environ["BONEFRAC_TEST_SESSION"] = str(os.getpid())
    os.environ["BONEFRAC_DATA"] = str(folder / "data")
    os.environ["STATIC_ROOT"] = str(folder / "static")
    (folder / "static").mkdir()  # the web server warns of one that is absent


def take_down(config):
    engines = config.stash.get(ENGINES, None)
    if engines is not None:
        engines.stop()
    shutil.rmtree(config.stash[FOLDER], ignore_errors=True)


def remove_what_killed_sessions_left():
    """Stop engines of sessions that were killed: their folder is ours, and nobody holds them any more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        users = folder / "engines" / "run" / "engines.users"
        if users.exists() and users.stat().st_uid == os.geteuid() and not embedded.are_used(folder / "engines"):
            embedded.stop(folder / "engines")
            shutil.rmtree(folder, ignore_errors=True)
