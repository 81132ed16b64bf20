"""What becomes of open studies when their site works otherwise: other reading mode, readings, triage or ceiling.

From the moment of the change the AI has no part in an order where it may have none (``ranking.rank_at``) and is shown
as the new mode says. Then each open study follows:

- It needs as many readings as the site does now, whether that is more or fewer: what nobody has settled yet is read as
  carefully as is wanted today. What is reviewed or disputed stays: a contradiction is not settled by asking for less.
- A study whose readings are enough under the new terms is settled by them. A blind reading whose second look never came
  is, where the AI is shown from the start, a whole reading of its own, and nobody is asked to read the study again.
- Where readers now read first, a reading that the AI was shown for stays whole: what was seen cannot be unseen, and a
  second blind look of the same reader would be none. One without the AI becomes the blind one, and its reader is asked
  for the second look; others may read the study meanwhile.
- While somebody holds a study it is left alone: whoever is between the two looks signs the second one as well, and that
  one counts. It is settled once nobody holds it.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from bonefrac.accounts.models import Site
from bonefrac.audit.models import Verb
from bonefrac.celery import ring
from studies import outcomes, ranking
from studies.consensus import status_of
from studies.models import Review, Study
from studies.reviews.locking import locked, note, settle
from studies.selectors.readings import current_reviews, readings_of
from studies.states import ReviewKind, StudyEvent, StudyStatus
from studies.turns import reads_blind_first, standing_reviews

if TYPE_CHECKING:
    from django.db.models import QuerySet

#: Longer than such a job may take, so that none is rung that still works.
_LOST_AFTER: Final = timedelta(minutes=10)


def follow_terms(site_id: uuid.UUID) -> int:
    """Let the open studies of a site follow its terms; return how many were settled. A site that is gone is no error.

    The mark on the site goes when all of them do, unless the terms have changed again meanwhile.
    """
    site = Site.objects.filter(pk=site_id).first()
    if site is None:
        return 0
    open_ones = Study.objects.filter(site=site, status=StudyStatus.AWAITING)
    open_ones.exclude(readings_required=site.readings_required).update(readings_required=site.readings_required)
    ranking.rank_site(site.pk)
    settled = [_settle(key) for key in list(_half_read(site))]
    if None not in settled:
        Site.objects.filter(pk=site.pk, pending_since=site.pending_since).update(pending_since=None)
    return sum(1 for is_settled in settled if is_settled)


def ring_again() -> None:
    """Ring once more for sites whose studies do not follow their terms since long: a ring was lost, or a study held."""
    now = timezone.now()
    for key in Site.objects.filter(pending_since__lte=now - _LOST_AFTER).values_list("pk", flat=True):
        Site.objects.filter(pk=key).update(pending_since=now)
        ring("studies.follow_terms", str(key))


def _half_read(site: Site) -> QuerySet[Review, uuid.UUID]:
    """Return the open studies of a site of which somebody has signed a reading in the current round."""
    read = standing_reviews().filter(study__site=site, study__status=StudyStatus.AWAITING, kind=ReviewKind.READING)
    return read.filter(round=F("study__round")).values_list("study", flat=True).distinct()


def _settle(study_id: uuid.UUID) -> bool | None:
    """Settle a study whose readings are enough; return whether they were, None where somebody holds it."""
    with transaction.atomic():
        study = locked(study_id)
        if study.status != StudyStatus.AWAITING or not _is_enough(study):
            return False
        if study.claimed_until and study.claimed_until > timezone.now():
            return None
        study.claimed_by = study.claimed_until = None
        readings = settle(study, StudyEvent.SIGN)
        note(None, Verb.SITE_CHANGED, study, round=study.round)
        last = [review for review in current_reviews([study]) if review.kind == ReviewKind.READING][-1]
        outcomes.follow(study, last, readings)
    return True


def _is_enough(study: Study) -> bool:
    now = status_of(readings_of(study), required=study.readings_required, blind_first=reads_blind_first(study))
    return now != StudyStatus.AWAITING
