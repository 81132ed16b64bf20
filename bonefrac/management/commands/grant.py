"""``manage.py grant``: rights of the serving and the predicting role, after every migration."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bonefrac import grants

VARIABLES = ("SERVING_PASSWORD", "INFERENCE_PASSWORD")


class Command(BaseCommand):
    help = (
        "Make the roles bonefrac_serving and bonefrac_inference and give each exactly its rights. Run it as the role "
        f"that owns the tables, with {' and '.join(VARIABLES)} set."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if missing := [name for name in VARIABLES if not os.environ.get(name)]:
            raise CommandError(f"{' and '.join(missing)} must be set: the passwords of the two roles.")
        serving, inference = (os.environ[name] for name in VARIABLES)
        grants.apply(serving_password=serving, inference_password=inference)
        self.stdout.write(f"{grants.SERVING} serves and {grants.INFERENCE} predicts; neither owns a table.")
