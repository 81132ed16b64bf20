"""Makes the first person of an empty platform: an administrator of a site."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bonefrac.accounts import people
from bonefrac.accounts.models import ReadingMode
from bonefrac.errors import DomainError


class Command(BaseCommand):
    help = "Invite an administrator of a site, which is made if absent; print the path of the one-time link."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--site", required=True, help="the site's name")
        parser.add_argument("--reading-mode", choices=ReadingMode.values, help="asked where the site is made")
        parser.add_argument("--name", default="", help="the name shown to others")

    def handle(self, *args: Any, **options: Any) -> None:
        mode = ReadingMode(options["reading_mode"]) if options["reading_mode"] else None
        try:
            link = people.make_first_admin(
                username=options["username"],
                display_name=options["name"] or options["username"],
                site_name=options["site"],
                reading_mode=mode,
            )
        except DomainError as error:
            raise CommandError(" ".join([error.sentence, *error.fields.values()])) from error
        self.stdout.write(link.path)
