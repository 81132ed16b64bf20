"""Each check of a deployment complains when its fault is there, and only then."""

import pytest
from django.db import connection

from bonefrac import checks, stores
from bonefrac.accounts.models import User


def codes(messages):
    return [message.id for message in messages]


def test_debug(settings):
    settings.DEBUG = True
    assert codes(checks.debug_is_off()) == ["bonefrac.E001"]
    settings.DEBUG = False
    assert checks.debug_is_off() == []


def test_an_older_postgresql_is_named_before_it_is_migrated(db, monkeypatch):
    assert checks.database_is_recent(databases=["default"]) == []
    monkeypatch.setattr(checks, "MINIMUM_POSTGRESQL", 990_000)
    (error,) = checks.database_is_recent(databases=["default"])
    assert error.id == "bonefrac.E006"
    assert "Expected PostgreSQL 99 or newer. Received: 18" in error.msg
    assert checks.database_is_recent(databases=None) == []


def test_stores_in_a_served_folder_or_open_to_others(settings, tmp_path):
    tmp_path.chmod(0o755)
    settings.STORES_ROOT = tmp_path / "static" / "stores"
    (settings.STORES_ROOT / "frames").mkdir(parents=True, mode=0o700)
    settings.STORES_ROOT.chmod(0o700)
    settings.STATIC_ROOT = tmp_path / "static"
    assert codes(checks.stores_are_private()) == ["bonefrac.E002"]

    settings.STATIC_ROOT = tmp_path / "elsewhere"
    assert checks.stores_are_private() == []


def test_stores_whose_mode_lets_others_in(settings, tmp_path):
    settings.STORES_ROOT = tmp_path / "stores"
    stores.FRAMES.put(b"a frame")
    assert checks.stores_are_private() == [], "the stores make themselves private"

    (settings.STORES_ROOT / "frames").chmod(0o750)
    assert codes(checks.stores_are_private()) == ["bonefrac.E002"]


def test_demo_accounts(db, settings):
    settings.DEMO = True
    assert codes(checks.no_demo_account_exists()) == ["bonefrac.E003"]
    settings.DEMO = False
    assert checks.no_demo_account_exists() == []
    User.objects.create(username="demo-reader", is_demo=True)
    assert codes(checks.no_demo_account_exists()) == ["bonefrac.E003"]


def test_a_role_that_owns_evidence(db):
    assert codes(checks.evidence_is_not_owned()) == ["bonefrac.E004"], "the tests' own role owns everything"
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE serving_probe")
        cursor.execute("SET LOCAL ROLE serving_probe")
        assert checks.evidence_is_not_owned() == []
        cursor.execute("RESET ROLE")


@pytest.mark.django_db(databases=[])
def test_health_of_the_process_asks_no_database(client):
    answer = client.get("/healthz")

    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"


def test_readiness_names_the_part_that_fails(client, db, settings):
    assert client.get("/readyz").json() == {
        "status": "ok",
        "database": "ok",
        "migrations": "ok",
        "broker": "ok",
        "disk": "ok",
    }
    settings.REDIS_URL = "redis+socket:///nowhere/valkey.sock"
    settings.MINIMUM_FREE_DISK = 1.1
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert (answer.json()["broker"], answer.json()["disk"]) == ("unreachable", "almost full")


def test_readiness_sees_a_migration_that_was_not_applied(client, db):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'audit'")

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["migrations"] == "pending"
