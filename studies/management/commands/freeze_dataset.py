"""``manage.py freeze_dataset NAME --site SITE --by USERNAME``."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bonefrac.accounts.models import Site, User
from bonefrac.errors import DomainError
from studies.datasets import Criteria, freeze
from studies.states import BodyPart


class Command(BaseCommand):
    """Freeze the current labels of a site."""

    help = "Freeze the current labels of a site under a name; prints the dataset's id."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--site", required=True, help="the site's name")
        parser.add_argument("--by", required=True, help="username of an administrator of the site")
        parser.add_argument("--body-part", default="", choices=["", *BodyPart.values])
        parser.add_argument("--received-from", type=date.fromisoformat)
        parser.add_argument("--received-until", type=date.fromisoformat)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            site, actor = Site.objects.get(name=options["site"]), User.objects.get(username=options["by"])
            criteria = Criteria(options["body_part"], options["received_from"], options["received_until"])
            made = freeze(actor, site=site, name=options["name"], criteria=criteria)
        except (Site.DoesNotExist, User.DoesNotExist) as error:
            raise CommandError(f"There is no such site or person: {error}") from error
        except DomainError as error:
            raise CommandError(error.sentence) from error
        self.stdout.write(str(made.id))
