"""``manage.py demo DIR [--site NAME] [--by USERNAME] [--limit N]``: hands in a folder of radiographs."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bonefrac.accounts.demo import HOSPITAL
from bonefrac.accounts.models import Site, User
from bonefrac.errors import DomainError
from studies.intake import demonstration


class Command(BaseCommand):
    """Load a folder such as FracAtlas through the front door."""

    help = "Hand in every picture below a folder, a study per picture; the workers judge them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--site", default=HOSPITAL, help="the site's name")
        parser.add_argument("--by", default="demo-uploader", help="username of an uploader of the site")
        parser.add_argument("--limit", type=int, default=0, help="at most so many files; 0 for all")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        if not folder.is_dir():
            raise CommandError(f"Expected a folder. Received: {folder}.")
        try:
            site, actor = Site.objects.get(name=options["site"]), User.objects.get(username=options["by"])
            counts = demonstration.load_folder(actor, site, folder, limit=options["limit"], say=self.stdout.write)
        except (Site.DoesNotExist, User.DoesNotExist) as error:
            raise CommandError(f"There is no such site or person: {error}") from error
        except DomainError as error:
            raise CommandError(error.sentence) from error
        said = ", ".join(f"{number} {status.lower()}" for status, number in sorted(counts.items()))
        self.stdout.write(f"Handed in: {said or 'nothing'}. What was received is judged in the background.")
