"""``manage.py export_dataset NAME --format csv|coco|zip --out FILE --by USERNAME``."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bonefrac.accounts.models import User
from bonefrac.errors import DomainError
from studies.datasets import FORMATS, export
from studies.models import Dataset


class Command(BaseCommand):
    """Write a frozen dataset to a file."""

    help = "Write a frozen dataset as CSV, COCO or ZIP; the file appears whole or not at all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--format", required=True, choices=list(FORMATS))
        parser.add_argument("--out", required=True, type=Path)
        parser.add_argument("--by", required=True, help="username of an administrator of the site")
        parser.add_argument("--corrected-only", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            dataset, actor = Dataset.objects.get(name=options["name"]), User.objects.get(username=options["by"])
            made = export(actor, dataset, file_format=options["format"], corrected_only=options["corrected_only"])
        except (Dataset.DoesNotExist, User.DoesNotExist) as error:
            raise CommandError(f"There is no such dataset or person: {error}") from error
        except DomainError as error:
            raise CommandError(error.sentence) from error
        target: Path = options["out"]
        partial = target.with_name(f".{target.name}.partial")
        with partial.open("wb") as handle:
            for chunk in made.chunks:
                handle.write(chunk)
        os.replace(partial, target)
        self.stdout.write(str(target))
