"""What ``manage.py check --deploy`` refuses: a platform that would show studies to people who may not see them."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import Error as DatabaseError
from django.db import connection

from bonefrac.db import MINIMUM_POSTGRESQL

OWNED = """
SELECT table_.relname FROM pg_trigger AS guard JOIN pg_class AS table_ ON table_.oid = guard.tgrelid
WHERE guard.tgname LIKE '%%\\_append\\_only' AND NOT guard.tgisinternal
    AND pg_has_role(current_user, table_.relowner, 'USAGE')
ORDER BY table_.relname
"""


@register(Tags.database)
def database_is_recent(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Refuse an older PostgreSQL before it is migrated: keys are made by ``uuidv7()``, which came with 18."""
    if not databases:
        return []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('server_version_num')::int, current_setting('server_version')")
            number, name = cursor.fetchone()
    except DatabaseError as error:
        return [_unreachable(error)]
    if number >= MINIMUM_POSTGRESQL:
        return []
    expected = MINIMUM_POSTGRESQL // 10_000
    return [Error(f"Expected PostgreSQL {expected} or newer. Received: {name}.", id="bonefrac.E006")]


@register(deploy=True)
def debug_is_off(**_: Any) -> list[CheckMessage]:
    """Refuse pages that show code and settings to whoever causes an error."""
    if not settings.DEBUG:
        return []
    return [Error("DEBUG is on: an error shows settings to strangers.", hint="Unset DEBUG.", id="bonefrac.E001")]


@register(deploy=True)
def stores_are_private(**_: Any) -> list[CheckMessage]:
    """Refuse stores that a web server or another user of the machine could read."""
    root = Path(settings.STORES_ROOT)
    faults = [*_served_folders_above(root), *_open_folders(root)]
    hint = "Keep BONEFRAC_STORES outside every served folder, mode 0700."
    return [Error(fault, hint=hint, id="bonefrac.E002") for fault in faults]


@register(deploy=True)
def no_demo_account_exists(**_: Any) -> list[CheckMessage]:
    """Refuse accounts with a known password."""
    if settings.DEMO:
        return [Error("BONEFRAC_DEMO is on.", hint="Unset it; start with --no-demo.", id="bonefrac.E003")]
    try:
        names = list(get_user_model().objects.filter(is_demo=True).values_list("username", flat=True)[:5])
    except DatabaseError as error:
        return [_unreachable(error)]
    hint = "Deactivating is not enough: start production on a database that was never a demo."
    return [Error(f"Demo accounts exist: {', '.join(names)}.", hint=hint, id="bonefrac.E003")] if names else []


@register(deploy=True)
def evidence_is_not_owned(**_: Any) -> list[CheckMessage]:
    """Refuse a role that could drop the guards of append-only tables, or empty them with TRUNCATE."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(OWNED)
            tables = [str(row[0]) for row in cursor.fetchall()]
    except DatabaseError as error:
        return [_unreachable(error)]
    hint = "Let one role migrate and own the tables, and another, with rights from manage.py grant, serve."
    message = f"This role owns append-only tables and could empty them: {', '.join(tables)}."
    return [Error(message, hint=hint, id="bonefrac.E004")] if tables else []


def _served_folders_above(root: Path) -> Iterator[str]:
    given = [settings.STATIC_ROOT, settings.MEDIA_ROOT, *settings.STATICFILES_DIRS]
    served = [str(entry[1] if isinstance(entry, tuple) else entry) for entry in given if entry]
    for folder in served:
        if root.resolve().is_relative_to(Path(folder).resolve()):
            yield f"The stores lie in {folder}, which is served."


def _open_folders(root: Path) -> Iterator[str]:
    for folder in [root, *(child for child in root.glob("*") if child.is_dir())] if root.exists() else []:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if mode & 0o077:
            yield f"{folder} has mode {mode:o}: other users of this machine can read it."


def _unreachable(error: DatabaseError) -> CheckMessage:
    return Error(f"The database cannot be asked: {error}", hint="Check DATABASE_URL.", id="bonefrac.E005")
