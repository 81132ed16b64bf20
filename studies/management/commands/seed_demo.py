"""``manage.py seed_demo``: people and drawn studies of a demonstration; running it again adds what is absent."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bonefrac.errors import DomainError
from studies.intake import demonstration


class Command(BaseCommand):
    """Seed the demonstration."""

    help = "Make the demo's people and studies (with BONEFRAC_DEMO=1 only); what is there already is left alone."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            demonstration.seed(self.stdout.write)
        except DomainError as error:
            raise CommandError(error.sentence) from error
