"""Prints a new API token of a person, and nothing else."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bonefrac.accounts import people
from bonefrac.accounts.access import active_person
from bonefrac.errors import DomainError


class Command(BaseCommand):
    help = "Print a new API token of a person; it works at once and is shown this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--label", default="command line", help="what the token is for")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            token = people.issue_token(active_person(options["username"]), label=options["label"])
        except DomainError as error:
            raise CommandError(error.sentence) from error
        self.stdout.write(token)
