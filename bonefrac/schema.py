"""Whether a database has every migration of this version, told without loading Django.

Asking Django takes as long as the web server's own start, and on a warm start the answer is nearly always yes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
APPLIED = "SELECT count(*), obj_description('public.django_migrations'::regclass) FROM public.django_migrations"


def is_current(connection: psycopg.Connection[Any]) -> bool:
    """Return whether the last complete migration was this version's, and nothing was applied or unapplied since."""
    try:
        row = connection.execute(APPLIED).fetchone()
    except psycopg.errors.UndefinedTable:
        return False
    return row is not None and row[1] == _mark(row[0])


def note(connection: psycopg.Connection[Any]) -> None:
    """Note in the database that every migration of this version is applied."""
    row = connection.execute(APPLIED).fetchone()
    if row is not None:
        comment = sql.SQL("COMMENT ON TABLE public.django_migrations IS {}").format(sql.Literal(_mark(row[0])))
        connection.execute(comment)


def _mark(applied: int) -> str:
    return f"bonefrac {version()} with {applied} migrations"


def version() -> str:
    """Return a digest of all migrations: our own files, and the file that pins the versions of other packages."""
    own = [
        path for folder in ("bonefrac", "studies", "inference") for path in ROOT.glob(f"{folder}/**/migrations/*.py")
    ]
    files = [ROOT / "requirements-serving.txt", ROOT / "bonefrac" / "settings.py", *sorted(own)]
    digest = hashlib.sha256()
    for path in files:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
