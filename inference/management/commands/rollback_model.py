"""Goes back to the model that served before: ``rollback_model [--task fracture]``."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bonefrac.errors import DomainError
from inference import registry
from inference.states import Task


class Command(BaseCommand):
    help = "Put the model back into service that served last before the active one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--task", choices=Task.values, default=Task.FRACTURE.value)

    def handle(self, *args: Any, task: str, **options: Any) -> None:
        try:
            promoted = registry.roll_back(None, Task(task))
        except DomainError as error:
            raise CommandError(error.sentence) from error
        self.stdout.write(f"{promoted}: {promoted.get_status_display()}")
