"""Both engines of a data folder as one thing: started together, shared by processes, stopped by the last of them.

Who uses the engines holds a shared lock on a file. The kernel lets go of it however a process ends, so that a killed
one never keeps the engines up, and nobody stops engines under another's feet.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bonefrac.embedded import postgresql, valkey
from bonefrac.embedded.places import Locations, locations, make_private


@dataclass(frozen=True, slots=True)
class Status:
    """The processes of a data folder's engines; None where one does not run."""

    postgresql: int | None
    valkey: int | None

    @property
    def is_complete(self) -> bool:
        """Whether both engines run."""
        return self.postgresql is not None and self.valkey is not None


class Engines:
    """A handle on running engines; whoever holds one keeps them up."""

    def __init__(self, where: Locations, claim: int) -> None:
        self.locations = where
        self._claim: int | None = claim

    @property
    def database_url(self) -> str:
        """The database's address."""
        return self.locations.database_url

    @property
    def redis_url(self) -> str:
        """The broker's address."""
        return self.locations.redis_url

    def stop(self) -> bool:
        """Let go of the engines; stop them unless another process holds them too. Return whether they stopped."""
        if self._claim is None:
            return False
        with _exclusively(self.locations):
            os.close(self._claim)
            self._claim = None
            if _is_claimed(self.locations):
                return False
            _stop_both(self.locations)
            return True


def start(data: Path, *, durable: bool = True) -> Engines:
    """Bring both engines of a data folder up, or find them running, and return a handle on them.

    Any number of processes may do so at once. Folders that are made are private; no other folder's mode changes.

    Args:
        data: The data folder; it is made where absent.
        durable: False trades safety in a crash of the machine for speed, for tests.

    Raises:
        EngineError: An engine does not come up.
    """
    where = locations(data)
    with _exclusively(where):
        make_private(where.sockets)
        if not postgresql.answers(where):
            postgresql.start(where, durable=durable)
        if not valkey.answers(where):
            valkey.start(where, durable=durable)
        return Engines(where, _claim(where))


def status(data: Path) -> Status:
    """Return which engines of a data folder run; nothing is created."""
    where = locations(data)
    return Status(postgresql=postgresql.pid(where), valkey=valkey.pid(where))


def are_used(data: Path) -> bool:
    """Return whether a living process holds a handle on a data folder's engines."""
    where = locations(data)
    return (where.run / "engines.users").exists() and _is_claimed(where)


def stop(data: Path) -> None:
    """Stop both engines of a data folder, whoever uses them.

    Raises:
        EngineError: One still lives.
    """
    where = locations(data)
    if where.run.exists():
        with _exclusively(where):
            _stop_both(where)


def _stop_both(where: Locations) -> None:
    valkey.stop(where)
    postgresql.stop(where)
    if where.sockets != where.run and where.sockets.exists():
        make_private(where.sockets)
        shutil.rmtree(where.sockets)


@contextmanager
def _exclusively(where: Locations) -> Iterator[None]:
    """Let one process at a time start or stop this data folder's engines."""
    make_private(where.run)
    lock = os.open(where.run / "engines.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _claim(where: Locations) -> int:
    claim = os.open(where.run / "engines.users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(claim, fcntl.LOCK_SH)
    return claim


def _is_claimed(where: Locations) -> bool:
    probe = os.open(where.run / "engines.users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(probe)
    return False
