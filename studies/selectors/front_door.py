"""What waits or went wrong at a person's sites, at a glance: at the front door, and with what was read.

Leads decide about held files, administrators look after devices and workers; nobody else sees any of it. No file is
named. Counts stop at 99, and each is read from an index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone

from bonefrac.accounts.models import Role, Site
from bonefrac.accounts.roles import sites_with
from bonefrac.db import first_id_of
from studies.models import Device, IncomingFile
from studies.selectors.critical import overdue_count
from studies.selectors.divergences import new_count
from studies.states import FileStatus

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

_COUNTED: Final = 99
#: A device that stored before and has been silent for so long is shown.
SILENT_AFTER: Final = timedelta(days=1)
#: A file that waits so long for its verdict waits for a worker that is not there.
WAITS_TOO_LONG: Final = timedelta(minutes=5)
_RECENT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pile:
    """How many files there are, at most "99+", and since when the oldest waits."""

    number: str
    since: datetime
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """What there is to look after; a pile that is not there is None."""

    held: Pile | None
    may_decide: bool
    waiting: Pile | None
    refused: str
    silent: tuple[Device, ...]
    overdue: str = ""
    different: str = ""

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to look after."""
        return not (self.held or self.waiting or self.refused or self.silent or self.overdue or self.different)


def front_door(user: User) -> FrontDoor | None:
    """Return what waits at the sites that a person leads or administers; None for anybody else."""
    sites = list(sites_with(user, Role.LEAD, Role.ADMIN))
    if not sites:
        return None
    files, now = IncomingFile.objects.filter(site__in=sites), timezone.now()
    ceiling = timedelta(minutes=min(site.wait_ceiling_minutes for site in sites))
    late = files.filter(status=FileStatus.RECEIVED, received_at__lt=now - WAITS_TOO_LONG)
    recent = files.filter(pk__gte=first_id_of(now - _RECENT), status=FileStatus.REFUSED)
    return FrontDoor(
        held=_pile(files.filter(status=FileStatus.HELD), now - ceiling),
        may_decide=sites_with(user, Role.LEAD).exists(),
        waiting=_pile(late, now),
        refused=_counted(recent),
        silent=tuple(_silent(list(sites_with(user, Role.ADMIN)), now - SILENT_AFTER)),
        overdue=overdue_count(user),
        different=new_count(user),
    )


def _pile(files: QuerySet[IncomingFile], overdue_from: datetime) -> Pile | None:
    since = files.order_by("received_at", "id").values_list("received_at", flat=True).first()
    return Pile(_counted(files), since, since < overdue_from) if since else None


def _counted(files: QuerySet[IncomingFile]) -> str:
    found = len(files.order_by().values_list("pk")[: _COUNTED + 1])
    return f"{_COUNTED}+" if found > _COUNTED else str(found or "")


def _silent(sites: Sequence[Site], since: datetime) -> QuerySet[Device]:
    """Return active devices in whose person's name files came before, and none of late; ``last_at`` is when."""
    sent = IncomingFile.objects.filter(sender=OuterRef("person"), site=OuterRef("site")).order_by("-received_at", "-id")
    devices = Device.objects.filter(site__in=sites, is_active=True).select_related("site")
    return devices.annotate(last_at=Subquery(sent.values("received_at")[:1])).filter(last_at__lt=since)[:_COUNTED]
