"""A backup brought back into an empty platform is the same platform; anything less is refused whole."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection

from bonefrac import backup, embedded, keys, stores
from bonefrac.accounts import people
from bonefrac.accounts.models import ReadingMode

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def filled(transactional_db):
    """A platform with a site, its audit row and two files."""
    terms = people.SiteTerms(name="Kept Hospital", reading_mode=ReadingMode.ASSISTED)
    people.make_site(None, terms=terms)
    return [stores.FRAMES.put(b"a frame"), stores.MAPS.put(b"a map")]


@pytest.fixture
def empty(tmp_path):
    """The environment of another, empty platform: a database and a data folder of its own."""
    name = f"restored_{os.getpid()}"
    database = {**connection.settings_dict, "NAME": name}
    with connect("postgres") as server:
        server.execute(f"DROP DATABASE IF EXISTS {name}")
        server.execute(f"CREATE DATABASE {name}")
    query = f"?host={database['HOST']}&user={database['USER']}"
    folder = tmp_path / "other"
    environment = {k: v for k, v in os.environ.items() if k != "PSEUDONYM_SECRET"}
    yield {**environment, "DATABASE_URL": f"postgresql:///{name}{query}", "BONEFRAC_DATA": str(folder)}
    with connect("postgres") as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def connect(name):
    given = connection.settings_dict
    return psycopg.connect(host=given["HOST"], user=given["USER"], dbname=name, autocommit=True)


def command(environment, *arguments):
    return subprocess.run(
        [sys.executable, "manage.py", *map(str, arguments)], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def everything(name):
    """Return every row of every table of a database as text."""
    with connect(name) as server:
        tables = server.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
        return {t: sorted(str(row) for row in server.execute(f'SELECT * FROM "{t}"')) for (t,) in tables}


def restored_name(environment):
    return embedded.database_settings(environment["DATABASE_URL"])["NAME"]


def test_a_backup_restores_into_an_empty_platform_row_by_row_and_file_by_file(filled, empty, tmp_path):
    made = backup.create(tmp_path / "backup")

    ended = command(empty, "restore", tmp_path / "backup")

    assert ended.returncode == 0, ended.stderr
    before, after = everything(connection.settings_dict["NAME"]), everything(restored_name(empty))
    assert after == before
    assert len(before["accounts_site"]) == 1
    assert len(before["audit_auditevent"]) == 1
    assert {table: len(rows) for table, rows in after.items()} == made.rows
    data = Path(empty["BONEFRAC_DATA"])
    for store, key in zip((stores.FRAMES, stores.MAPS), filled, strict=True):
        copied = data / "stores" / store.path(key).relative_to(django_settings.STORES_ROOT)
        assert copied.read_bytes() == store.read(key)
        assert stat.S_IMODE(copied.stat().st_mode) == 0o600
        assert stat.S_IMODE(copied.parent.stat().st_mode) == 0o700
    for name in keys.NAMES:
        assert (data / "keys" / name).read_text() == (django_settings.DATA / "keys" / name).read_text()


def test_what_was_restored_is_still_append_only(filled, empty, tmp_path):
    backup.create(tmp_path / "backup")
    assert command(empty, "restore", tmp_path / "backup").returncode == 0

    with connect(restored_name(empty)) as server, pytest.raises(psycopg.errors.RestrictViolation):
        server.execute("DELETE FROM audit_auditevent")


def test_a_platform_that_holds_anything_is_not_overwritten(filled, empty, tmp_path):
    backup.create(tmp_path / "backup")
    with connect(restored_name(empty)) as server:
        server.execute("CREATE TABLE theirs (word text)")
    refused = command(empty, "restore", tmp_path / "backup")
    with connect(restored_name(empty)) as server:
        server.execute("DROP TABLE theirs")
    stranger = Path(empty["BONEFRAC_DATA"]) / "stores" / "frames" / "theirs"
    stranger.parent.mkdir(parents=True)
    stranger.write_text("theirs")
    refused_for_a_file = command(empty, "restore", tmp_path / "backup")
    stranger.unlink()

    assert refused.returncode == 1
    assert "database is not empty" in refused.stderr
    assert "files of another platform" in refused_for_a_file.stderr
    assert everything(restored_name(empty)) == {}
    assert command(empty, "restore", tmp_path / "backup").returncode == 0


def verify(folder):
    backup._verify(folder, backup._read_manifest(folder), dict(backup._listed(folder)))


@pytest.mark.parametrize("victim", ["database.dump", "files.sha256", "stores", "manifest.json", "keys/pseudonym"])
def test_a_damaged_backup_is_refused_before_anything_is_written(filled, tmp_path, victim):
    folder = tmp_path / "backup"
    backup.create(folder)
    path = next(p for p in (folder / victim).rglob("*") if p.is_file()) if victim == "stores" else folder / victim
    path.unlink() if victim == "keys/pseudonym" else path.write_bytes(b"x" + path.read_bytes())

    with pytest.raises(backup.BackupError):
        verify(folder)


def test_another_pseudonym_secret_is_refused_because_patients_would_be_lost(filled, empty, tmp_path):
    backup.create(tmp_path / "backup")
    other = {**empty, "PSEUDONYM_SECRET": "another secret of sufficient length, 0123456789"}

    refused = command(other, "restore", tmp_path / "backup")

    assert refused.returncode == 1
    assert "grouping of patients is lost" in refused.stderr
    assert everything(restored_name(empty)) == {}


def test_a_secret_from_the_environment_is_not_in_the_backup_and_that_is_said(filled, empty, tmp_path):
    source = {**os.environ, "DATABASE_URL": empty["DATABASE_URL"], "BONEFRAC_DATA": str(tmp_path / "with secret")}
    secret = {"PSEUDONYM_SECRET": "a secret that is kept elsewhere, 0123456789"}

    ended = command(source | secret, "backup", tmp_path / "backup")

    assert ended.returncode == 0, ended.stderr
    assert "NOT in this backup" in ended.stdout
    assert "loses the grouping of patients" in ended.stdout
    assert not (tmp_path / "backup" / "keys" / "pseudonym").exists()


def test_a_backup_is_private_and_never_mixed_with_another(filled, tmp_path):
    folder = tmp_path / "backup"
    backup.create(folder)

    modes = {stat.S_IMODE(p.stat().st_mode) for p in [folder, *folder.rglob("*")]}
    assert modes == {0o700, 0o600}
    with pytest.raises(backup.BackupError, match="not empty"):
        backup.create(folder)


def test_a_backup_names_no_file_outside_the_stores(filled, tmp_path):
    folder = tmp_path / "backup"
    backup.create(folder)
    (folder / "files.sha256").write_text("0" * 64 + "  ../../keys/signing\n")

    with pytest.raises(backup.BackupError, match="outside the stores"):
        list(backup._listed(folder))


def test_an_unfinished_backup_is_no_backup(filled, tmp_path):
    folder = tmp_path / "backup"
    backup.create(folder)
    unknown = json.loads((folder / "manifest.json").read_text()) | {"format": 99}
    (folder / "manifest.json").write_text(json.dumps(unknown))
    with pytest.raises(backup.BackupError, match="format 99"):
        backup._read_manifest(folder)
    shutil.copy(folder / "files.sha256", folder / "manifest.json")
    with pytest.raises(backup.BackupError, match="no finished backup"):
        backup._read_manifest(folder)
