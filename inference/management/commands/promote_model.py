"""Puts a registered model into service: ``promote_model NAME VERSION``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bonefrac.errors import DomainError
from inference import registry


class Command(BaseCommand):
    help = "Put a registered model into service; the one before it retires."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("version", type=int)

    def handle(self, *args: Any, name: str, version: int, **options: Any) -> None:
        try:
            promoted = registry.promote(None, registry.named(name, version))
        except DomainError as error:
            raise CommandError(error.sentence) from error
        self.stdout.write(f"{promoted}: {promoted.get_status_display()}")
