"""Lets time pass for what was signed of a study: rows are moved into the past, past the guards of the tables."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

from studies.models import Study

_WHEN = {
    "studies_review": ("study_id", ("signed_at", "opened_at")),
    "studies_notice": ("study_id", ("made_at", "due_at")),
    "studies_criticalfinding": ("study_id", ("raised_at", "due_at", "withdrawn_at", "acknowledged_at")),
}


def let_pass(study: Study, *, seconds: float = 0, minutes: float = 0) -> None:
    """Make everything that follows from readings of a study so much older."""
    age = timedelta(seconds=seconds, minutes=minutes)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table, (key, columns) in _WHEN.items():
            changes = ", ".join(f"{column} = {column} - %s" for column in columns)
            cursor.execute(f"UPDATE {table} SET {changes} WHERE {key} = %s", [*[age] * len(columns), study.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
