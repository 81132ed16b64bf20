"""The audit record in Django's admin pages, read-only."""

from django.contrib import admin

from bonefrac.admin import ReadOnlyAdmin
from bonefrac.audit.models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin[AuditEvent]):
    """Events."""

    list_display = ("occurred_at", "actor", "verb", "target_type", "target_id", "site")
    list_filter = ("verb",)
    list_select_related = ("actor", "site")
