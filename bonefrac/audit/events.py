"""Writes and reads the audit record."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import structlog
from django.db.models import QuerySet

from bonefrac.audit.models import AuditEvent, Verb

if TYPE_CHECKING:
    from bonefrac.accounts.models import Site, User


def record(
    actor: User | None,
    verb: Verb,
    *,
    target_type: str,
    target_id: uuid.UUID | str,
    site: Site | uuid.UUID | None = None,
    data: dict[str, object] | None = None,
) -> AuditEvent:
    """Write one event in the caller's transaction.

    Args:
        actor: Who did it; None is the system.
        verb: What was done.
        target_type: The vocabulary's word for the thing: ``study``, ``site``, ``model_version``.
        target_id: Its key.
        site: The site whose auditors may see the event, or its key; None where it belongs to no site.
        data: What a later reader needs; never a name, a patient's id or free text.
    """
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    return AuditEvent.objects.create(
        actor=actor,
        verb=verb,
        target_type=target_type,
        target_id=str(target_id),
        site_id=site if site is None or isinstance(site, uuid.UUID) else site.pk,
        request_id=request_id,
        data=data or {},
    )


def record_each(
    actor: User | None,
    verb: Verb,
    *,
    target_type: str,
    rows: Iterable[tuple[uuid.UUID, uuid.UUID, Mapping[str, object]]],
) -> None:
    """Write an event for each thing of a kind, in one statement: its key, its site's key and the data of ``record``."""
    request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))
    AuditEvent.objects.bulk_create(
        AuditEvent(
            actor=actor, verb=verb, target_type=target_type, target_id=str(key), site_id=site, request_id=request_id,
            data=dict(data),
        )
        for key, site, data in rows
    )  # fmt: skip


def history_of(target_type: str, target_id: uuid.UUID | str) -> QuerySet[AuditEvent]:
    """Return everything recorded about one thing, oldest first."""
    return (
        AuditEvent.objects.filter(target_type=target_type, target_id=str(target_id))
        .select_related("actor")
        .order_by("occurred_at", "id")
    )
