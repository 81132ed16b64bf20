"""Who may touch which table in production: one role owns and migrates, one serves, one predicts.

The serving role can insert evidence and neither change, delete nor empty it; the predicting role sees pixels and
models and no person, study or review. Run as the owner after every migration.
"""

from __future__ import annotations

from django.db import connection, transaction
from psycopg import sql

SERVING, INFERENCE = "bonefrac_serving", "bonefrac_inference"
TABLES = """
SELECT table_.relname, EXISTS (
    SELECT 1 FROM pg_trigger AS guard
    WHERE guard.tgrelid = table_.oid AND guard.tgname LIKE '%%\\_append\\_only' AND NOT guard.tgisinternal
) FROM pg_class AS table_ JOIN pg_namespace AS space ON space.oid = table_.relnamespace
WHERE space.nspname = 'public' AND table_.relkind = 'r' ORDER BY table_.relname
"""
EVERYTHING = "SELECT, INSERT, UPDATE, DELETE"
EVIDENCE = "SELECT, INSERT"


@transaction.atomic
def apply(*, serving_password: str, inference_password: str) -> None:
    """Make both roles where they are missing and give each exactly its rights."""
    for role, password in ((SERVING, serving_password), (INFERENCE, inference_password)):
        _ensure_role(role, password)
        _run("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}", role)
        _run("GRANT USAGE ON SCHEMA public TO {role}", role)
        _run("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}", role)
    for table, is_evidence in _tables():
        rights = EVIDENCE if is_evidence else EVERYTHING
        _run(f"GRANT {rights} ON {{table}} TO {{role}}", SERVING, table)
        if table.startswith("inference_"):
            _run(f"GRANT {rights} ON {{table}} TO {{role}}", INFERENCE, table)
    _run("GRANT INSERT ON audit_auditevent TO {role}", INFERENCE)
    _run("GRANT SELECT ON django_migrations TO {role}", INFERENCE)


def _tables() -> list[tuple[str, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        return [(str(name), bool(is_evidence)) for name, is_evidence in cursor.fetchall()]


def _ensure_role(role: str, password: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        exists = cursor.fetchone() is not None
    verb = "ALTER" if exists else "CREATE"
    _run(f"{verb} ROLE {{role}} LOGIN NOSUPERUSER PASSWORD {{password}}", role, password=password)


def _run(statement: str, role: str, table: str = "", *, password: str = "") -> None:
    names = {"role": sql.Identifier(role), "table": sql.Identifier(table or "-"), "password": sql.Literal(password)}
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(**names))
