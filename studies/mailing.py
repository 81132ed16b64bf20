"""Notices by mail, where the platform has a mail server: a link each, and nothing of a patient or a verdict.

The row is the queue: what is due and not mailed is tried again by every sweep until it is a day old, seen, or gone.
A server that is down delays mails and blocks nobody. A mail that was sent while the worker died may come twice.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.accounts import mail
from studies import access, notices
from studies.models import Notice

AT_ONCE: Final = 100
_TRIED_FOR: Final = timedelta(days=1)
_FAILURES: Final = 5


def mail_due() -> int:
    """Send a mail for every notice whose time has come, once each; return how many were handed to the server."""
    if not settings.EMAIL_HOST:
        return 0
    sent = failed = 0
    for key in _due():
        is_sent = _mail(key)
        sent, failed = sent + is_sent, failed + (not is_sent)
        if failed == _FAILURES:
            break
    return sent


def _due() -> list[uuid.UUID]:
    """Return notices that wait to be mailed, in no order: an address that fails every time stands in nobody's way."""
    waiting = notices.shown().filter(mailed_at__isnull=True, seen_at__isnull=True, person__is_active=True)
    young = waiting.filter(due_at__gt=timezone.now() - _TRIED_FOR).exclude(person__email="")
    return list(young.order_by("?").values_list("pk", flat=True)[:AT_ONCE])


def _mail(key: uuid.UUID) -> bool:
    """Mail one notice and note that, while nobody else does; return whether it was done with."""
    with transaction.atomic():
        rows = Notice.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
        notice = rows.select_related("person").filter(pk=key, mailed_at__isnull=True).first()
        if notice is None:
            return True
        may_know = access.visible_to(notice.person).filter(pk=notice.study_id).exists()
        address = settings.PUBLIC_ADDRESS.rstrip("/") + reverse("studies:notices")
        body = _("Something was noted for you in bonefrac. Sign in and see what:\n\n%(address)s\n")
        subject = _("A notice in bonefrac")
        if may_know and not mail.send(notice.person.email, subject=subject, body=body % {"address": address}):
            return False
        Notice.objects.filter(pk=notice.pk).update(mailed_at=timezone.now())
    return True
