"""Makes a person an engineer, who looks after models and sees no study."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bonefrac.accounts import people
from bonefrac.accounts.access import active_person
from bonefrac.errors import DomainError


class Command(BaseCommand):
    help = "Make a person an engineer (models, no studies)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            people.appoint_engineer(None, person=active_person(options["username"]))
        except DomainError as error:
            raise CommandError(error.sentence) from error
        self.stdout.write(f"{options['username']} is an engineer.")
