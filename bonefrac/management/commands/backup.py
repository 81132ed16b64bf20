"""``manage.py backup DIR``: the database, the stores and the keys into a new folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bonefrac import backup, keys


class Command(BaseCommand):
    help = (
        "Write the database, the stores and the keys into a new folder. Keep it as private as the platform itself. "
        "Without its pseudonym key the grouping of patients is lost for ever."
    )

    requires_system_checks: list[str] = []  # it must work where the rest of the platform does not

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="a new or empty folder")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = options["folder"].absolute()
        try:
            made = backup.create(folder)
        except backup.BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{folder}: {sum(made.rows.values())} rows in {len(made.rows)} tables, "
            f"{made.files} files ({made.bytes / 1e6:.1f} MB), keys: {', '.join(made.keys) or 'none'}"
        )
        if keys.PSEUDONYM not in made.keys:
            self.stdout.write(
                "PSEUDONYM_SECRET comes from the environment and is NOT in this backup. Keep it elsewhere: "
                "whoever loses it loses the grouping of patients for ever."
            )
