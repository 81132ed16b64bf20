"""``manage.py restore DIR``: a backup back into an empty platform."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bonefrac import backup


class Command(BaseCommand):
    help = (
        "Verify a backup and take it back into an empty platform (a new BONEFRAC_DATA, or an empty DATABASE_URL and "
        "empty stores). Refused where anything is there already, or where the pseudonym secret differs: losing it "
        "loses the grouping of patients for ever."
    )

    requires_system_checks: list[str] = []  # it must work where the rest of the platform does not

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="a folder that manage.py backup wrote")

    def handle(self, *args: Any, **options: Any) -> None:
        folder = options["folder"].absolute()
        try:
            made = backup.restore(folder)
        except backup.BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Restored from {made.made_at}: {sum(made.rows.values())} rows in {len(made.rows)} tables, "
            f"{made.files} files. Start the platform: it migrates where its version is newer."
        )
