"""Which study a reader goes on with after signing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection, transaction

from bonefrac.errors import DomainError
from studies import worklist
from studies.models import Study

if TYPE_CHECKING:
    from bonefrac.accounts.models import Site, User


def next_study(actor: User, site: Site) -> Study | None:
    """Claim and return the study that the actor goes on with at a site; None where nothing waits, or not for them.

    The same person asks one at a time: two Enters at once are handed the same study, not one each.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"next {actor.pk}"])
        try:
            return worklist.next_for(actor, site)
        except DomainError:
            return None
