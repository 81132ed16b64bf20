"""What the sweeper does for files: rings those that wait, takes back those whose worker is gone, drops old names."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from bonefrac.celery import ring
from bonefrac.errors import Conflict
from studies import identity
from studies.intake import joining, judging, originals, resumable
from studies.models import IncomingFile
from studies.states import FileStatus

_AT_ONCE: Final = 500


def sweep() -> None:
    """Ring every received file, lapse every lease that is over, list what a clock hid, forget old names."""
    now = timezone.now()
    over = IncomingFile.objects.filter(status=FileStatus.JUDGING, lease_until__lt=now).select_related("site", "sender")
    for file in over.order_by("lease_until")[:_AT_ONCE]:
        with contextlib.suppress(Conflict):  # it came back this very moment
            judging.lapse(file)
    waiting = IncomingFile.objects.filter(status=FileStatus.RECEIVED).order_by("received_at", "id")
    for key in waiting.values_list("pk", flat=True)[:_AT_ONCE]:
        ring("intake.judge", str(key))
    joining.list_hidden_by_clock()
    resumable.sweep()
    originals.sweep()
    identity.forget()
    old = now - timedelta(days=settings.FILE_NAME_DAYS)
    IncomingFile.objects.filter(name__isnull=False, received_at__lt=old).update(name=None)
