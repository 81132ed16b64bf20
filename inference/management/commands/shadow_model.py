"""Lets a candidate predict beside the active model, unseen: ``shadow_model NAME VERSION [--end]``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bonefrac.errors import DomainError
from inference import registry


class Command(BaseCommand):
    help = "Let a candidate predict new radiographs; no reader is shown what it says."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("version", type=int)
        parser.add_argument("--end", action="store_true", help="make a shadow a candidate again")

    def handle(self, *args: Any, name: str, version: int, end: bool, **options: Any) -> None:
        verb = registry.end_shadow if end else registry.shadow
        try:
            moved = verb(None, registry.named(name, version))
        except DomainError as error:
            raise CommandError(error.sentence) from error
        self.stdout.write(f"{moved}: {moved.get_status_display()}")
