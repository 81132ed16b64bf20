"""Where the embedded engines live: folders, sockets and addresses, all derived from the data folder alone.

Deriving has no side effect and does not depend on who asks, so that settings, commands and workers agree.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from bonefrac.embedded.errors import EngineError

NAME = "bonefrac"  # of the database and of its role
LONGEST_SOCKET = 100  # bytes; the system's limit is 108 on Linux and 104 on macOS
POSTGRES_SOCKET = ".s.PGSQL.5432"
VALKEY_SOCKET = "valkey.sock"


@dataclass(frozen=True, slots=True)
class Locations:
    """The folders of one data folder's engines.

    Attributes:
        data: The data folder, absolute.
        cluster: PostgreSQL's files.
        valkey: Valkey's append-only file.
        run: Locks and logs.
        sockets: Where both engines listen; a short folder outside the data folder where that one's path is long.
    """

    data: Path
    cluster: Path
    valkey: Path
    run: Path
    sockets: Path

    @property
    def database_url(self) -> str:
        """The database's address over its Unix socket."""
        return f"postgresql:///{NAME}?" + urlencode({"host": str(self.sockets), "user": NAME}, quote_via=quote)

    @property
    def redis_url(self) -> str:
        """The broker's address over its Unix socket, as Celery reads it."""
        return "redis+socket://" + quote(str(self.valkey_socket))

    @property
    def valkey_socket(self) -> Path:
        """Where Valkey listens."""
        return self.sockets / VALKEY_SOCKET

    @property
    def postgres_log(self) -> Path:
        """What PostgreSQL says."""
        return self.run / "postgresql.log"

    @property
    def valkey_log(self) -> Path:
        """What Valkey says."""
        return self.run / "valkey.log"


def locations(data: Path) -> Locations:
    """Return where a data folder's engines are, or would be; nothing is created."""
    data = data.absolute()
    run = data / "run"
    return Locations(data, data / "postgresql", data / "valkey", run, _sockets(run))


def _sockets(run: Path) -> Path:
    if len(os.fsencode(run / POSTGRES_SOCKET)) <= LONGEST_SOCKET:
        return run
    digest = hashlib.sha256(os.fsencode(os.path.realpath(run))).hexdigest()
    return Path("/tmp") / f"{NAME}-{digest[:20]}"  # noqa: S108  # make_private refuses a folder of somebody else


def make_private(folder: Path) -> None:
    """Make a folder that only its user may enter.

    Raises:
        EngineError: It belongs to somebody else, or is no folder. With the engines' trust in whoever reaches the
            socket, the folder's mode is the only guard.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), 0}:
        raise EngineError(f"{folder}: expected a folder of this user (id {os.geteuid()}); it belongs to {found.st_uid}")
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)


def database_settings(url: str) -> dict[str, Any]:
    """Return Django's settings of a database for an address ``postgresql://user:password@host:port/name?option=…``.

    A ``host`` or ``user`` among the options wins over the address's own; every other option goes to ``OPTIONS``.

    Raises:
        ValueError: The scheme is not PostgreSQL's, or no database is named.
    """
    parts = urlsplit(url)
    name = unquote(parts.path.lstrip("/"))
    if parts.scheme not in {"postgresql", "postgres"} or not name:
        raise ValueError("DATABASE_URL: expected postgresql://user:password@host:port/name; received another form")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": options.pop("user", unquote(parts.username or "")),
        "PASSWORD": options.pop("password", unquote(parts.password or "")),
        "HOST": options.pop("host", unquote(parts.hostname or "")),
        "PORT": options.pop("port", str(parts.port or "")),
        "OPTIONS": options,
    }
