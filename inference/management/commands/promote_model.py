"""Puts a registered model that passes the gate into service: ``promote_model NAME VERSION [--override REASON]``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bonefrac.errors import DomainError
from inference import registry


class Command(BaseCommand):
    help = "Put a registered model into service if it passes the gate; the one before it retires."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("version", type=int)
        parser.add_argument(
            "--override", default="", metavar="REASON", help="why it goes into service although it does not pass"
        )

    def handle(self, *args: Any, name: str, version: int, override: str, **options: Any) -> None:
        try:
            promoted = registry.promote(None, registry.named(name, version), override_reason=override)
        except DomainError as error:
            raise CommandError(error.sentence) from error
        self.stdout.write(f"{promoted}: {promoted.get_status_display()}")
