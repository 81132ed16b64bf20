"""Processes that are not our children: whether one lives, whose it is, and ending it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from bonefrac.embedded.errors import EngineError

SYSTEM_USER = "bonefrac"
Owner = tuple[int, int]  # uid, gid


def wait_until(holds: Callable[[], bool], *, seconds: float) -> bool:
    """Return whether a condition came to hold within a time, asking about thirty times a second."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.03)
    return True


def lives(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be reaped does not."""
    try:
        return bool(psutil.Process(pid).status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD})
    except psutil.NoSuchProcess:
        return False


def command_of(pid: int) -> list[str]:
    """Return a process's command line, empty where it is gone or hidden from us."""
    try:
        return list(psutil.Process(pid).cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []


def run(command: Sequence[str], *, purpose: str, seconds: float = 120) -> None:
    """Run a command to its end.

    Its output goes to a pipe that no daemon inherits for long, so this never waits for a daemon's end.

    Raises:
        EngineError: It failed or took too long; the message ends with what it said.
    """
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        ended = subprocess.run(
            command, cwd="/", env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineError(f"{purpose} failed: {error}") from error
    if ended.returncode:
        said = (ended.stderr + ended.stdout).strip()[-2000:]
        raise EngineError(f"{purpose} failed (exit {ended.returncode}):\n{said}")


def as_system_user(cluster: Path) -> tuple[list[str], Owner | None]:
    """Return a prefix for commands that refuse to run as root, and the user to give files to, as (uid, gid).

    PostgreSQL refuses root. Its own user may not pass the private folders above the cluster and the wheel's
    binaries, and widening the modes of those would open them to everybody; so the one capability that passes
    folders is kept instead. An existing cluster runs as the user who owns it.

    Raises:
        EngineError: The tools for that are missing.
    """
    if os.geteuid() != 0:
        return [], None
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise EngineError("As root, PostgreSQL needs setpriv (package util-linux). Install it, or start as a user.")
    owner = (cluster.stat().st_uid, cluster.stat().st_gid) if cluster.exists() else (0, 0)
    uid, gid = owner if owner[0] else _system_user()
    only = "-all,+dac_override"
    switch = ["--reuid", str(uid), "--regid", str(gid), "--clear-groups"]
    return [setpriv, *switch, f"--inh-caps={only}", f"--ambient-caps={only}", "--"], (uid, gid)


def _system_user() -> Owner:
    if _system_user_exists():
        return _ids_of_system_user()
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/", "--shell", "/usr/sbin/nologin"]
    try:
        run(["useradd", *options, SYSTEM_USER], purpose=f"Making the system user {SYSTEM_USER}")
    except EngineError:
        if not wait_until(_system_user_exists, seconds=2):  # another process may have made it at the same moment
            raise
    return _ids_of_system_user()


def _ids_of_system_user() -> Owner:
    entry = pwd.getpwnam(SYSTEM_USER)
    return entry.pw_uid, entry.pw_gid


def _system_user_exists() -> bool:
    try:
        return bool(pwd.getpwnam(SYSTEM_USER))
    except KeyError:
        return False
