"""The app's place in Django."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Audit events."""

    name = "bonefrac.audit"
    label = "audit"
    verbose_name = "Audit"
