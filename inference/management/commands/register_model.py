"""Registers an artifact: ``register_model PATH [--activate] [--keras]``, or the shipped ones: ``--shipped``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bonefrac.errors import DomainError
from inference import registry


class Command(BaseCommand):
    help = "Register a model's artifact as a candidate."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", nargs="?", type=Path, help="the artifact's folder")
        parser.add_argument(
            "--shipped", action="store_true", help="the artifacts that ship with the platform; idempotent"
        )
        parser.add_argument("--activate", action="store_true", help="put it into service if it passes the gate")
        parser.add_argument("--keras", action="store_true", help="replay the golden cases on Keras too")

    def handle(self, *args: Any, path: Path | None, shipped: bool, activate: bool, keras: bool, **options: Any) -> None:
        if shipped == (path is not None):
            raise CommandError("Expected PATH or --shipped. Received: both or neither.")
        try:
            if path is None:
                self._shipped()
            else:
                self._one(path, activate=activate, on_keras=keras)
        except DomainError as error:
            raise CommandError(error.sentence) from error

    def _shipped(self) -> None:
        fresh = registry.register_shipped()
        for version in fresh:
            self.stdout.write(f"{version}: {version.get_status_display()}")
        if not fresh:
            self.stdout.write("Nothing new: the shipped models are registered.")

    def _one(self, path: Path, *, activate: bool, on_keras: bool) -> None:
        version = registry.register(None, path, on_keras=on_keras)
        if activate:
            registry.promote(None, version)
        self.stdout.write(f"{version}: {version.get_status_display()}")
