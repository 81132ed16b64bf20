"""What every table of the platform shares: keys that sort by time, append-only rows, named constraints.

It contains no business rule; the apps declare with it what the database enforces.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, models
from django.db.migrations.operations.special import RunSQL
from django.db.models.expressions import Func

MINIMUM_POSTGRESQL = 180000


class UUIDv7(Func):
    """PostgreSQL 18's ``uuidv7()``: random, but sorted by the time it was made."""

    function = "uuidv7"
    arity = 0
    output_field = models.UUIDField()


class Row(models.Model):
    """A row with a time-ordered key that the database makes."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)

    class Meta:
        abstract = True


def new_id() -> uuid.UUID:
    """Return a UUID of version 7 (RFC 9562, 5.7) where an id is needed before the insert."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)


def first_id_of(moment: datetime) -> uuid.UUID:
    """Return the smallest key that is made at a moment: 48 bits of milliseconds lead a UUID of version 7."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def violated(error: IntegrityError) -> str:
    """Return the name of the constraint that an integrity error is about, or an empty string."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return str(getattr(diagnosis, "constraint_name", None) or "")


def one_of(field: str, choices: type[models.TextChoices], name: str) -> models.CheckConstraint:
    """Return a check constraint that names every value that a status column may hold."""
    return models.CheckConstraint(condition=models.Q((f"{field}__in", choices.values)), name=name)


INSTALL_GUARD = """
CREATE OR REPLACE FUNCTION bonefrac_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    column_name text;
    before jsonb;
    after jsonb;
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('bonefrac.erasing', true) = 'on' THEN
        before := to_jsonb(OLD);
        after := to_jsonb(NEW);
        FOREACH column_name IN ARRAY COALESCE(TG_ARGV, ARRAY[]::text[]) LOOP
            before := before - column_name;
            after := after - column_name;
        END LOOP;
        IF before = after THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_TABLE_NAME || '_append_only';
END $$;
"""


def append_only(table: str, *, erasable: Sequence[str] = ()) -> RunSQL:
    """Return a migration operation that makes a table insert-only, for raw SQL too.

    Args:
        table: The table's name.
        erasable: Columns that ``erase()`` may blank in a transaction that set ``bonefrac.erasing``.
    """
    arguments = ", ".join(f"'{column}'" for column in erasable)
    trigger = f"{table}_append_only"
    return RunSQL(
        sql=[
            INSTALL_GUARD,
            f"CREATE TRIGGER {trigger} BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION bonefrac_refuse_change({arguments})",
        ],
        reverse_sql=[f"DROP TRIGGER {trigger} ON {table}"],
    )
