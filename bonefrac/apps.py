"""The composition root as a Django app: it brings the deployment checks and the platform's own commands."""

from __future__ import annotations

from django.apps import AppConfig


class PlatformConfig(AppConfig):
    """Registers what ``manage.py check --deploy`` asks."""

    name = "bonefrac"

    def ready(self) -> None:
        """Import the checks, which registers them."""
        from bonefrac import checks  # noqa: F401
