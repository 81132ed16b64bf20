"""How long the bytes that came in are kept: some days at a pseudonymous site; a clinical one keeps them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from bonefrac.accounts.models import IdentityPolicy
from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.stores import ORIGINALS
from studies.intake import safekeeping
from studies.models import StudyImage

_AT_ONCE: Final = 500


def sweep() -> int:
    """Drop the originals whose days are over; return how many images have lost theirs."""
    over = StudyImage.everything.exclude(original="").filter(
        study__site__identity_policy=IdentityPolicy.PSEUDONYMOUS,
        added_at__lt=Now() - F("study__site__originals_days") * timedelta(days=1),
    )
    images = list(over.select_related("study").order_by("added_at")[:_AT_ONCE])
    for image in images:
        drop(image)
    return len(images)


def drop(image: StudyImage) -> None:
    """Take an image's original from it, and its bytes where no other image of any site points at them."""
    key = image.original
    with transaction.atomic():
        safekeeping.lock_original(key)
        StudyImage.everything.filter(pk=image.pk).update(original="")
        record(None, Verb.ORIGINAL_DROPPED, target_type="image", target_id=image.pk, site=image.study.site_id)
        if not StudyImage.everything.filter(original=key).exists():
            ORIGINALS.remove(key)
    image.original = ""
