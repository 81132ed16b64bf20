"""The place of an open study in the worklist, and asking models about what nobody has read yet.

Responsible for the order only; who holds what and who gets the next is in ``worklist``. What the order does to waits,
and why a study in which nothing is suspected keeps the last place for a part of the ceiling only, is in ``triage``.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from bonefrac.accounts.models import ReadingMode, Site
from bonefrac.db import first_id_of
from inference import jobs
from inference.models import ModelVersion, Prediction
from inference.selectors import predictions_of
from studies.models import Study, StudyImage
from studies.states import AIState, Rank, StudyStatus, state_of
from studies.triage.orders import LIFTED_AFTER

RANK_OF = {
    AIState.POSITIVE: Rank.POSITIVE,
    AIState.DOUBT: Rank.UNCERTAIN,
    AIState.UNKNOWN: Rank.UNCERTAIN,
    AIState.NEGATIVE: Rank.NEGATIVE,
}


#: Radiographs about which a model is asked in one transaction.
_ASKED_AT_ONCE: Final = 500


def rank(study: Study) -> Rank:
    """Write and return a study's place in the worklist, and what the AI said of it for the list's filter.

    Urgent first, then by what the AI says; a missing or broken model does not push a study down. Where a site reads
    blind first, or its triage is off, the AI has no part in it. Writes only these two, never the revision.
    """
    state = _ai_state_of(study)
    now = _rank_of(study, state)
    Study.objects.filter(pk=study.pk).exclude(rank=now, ai_state=state).update(rank=now, ai_state=state)
    study.rank, study.ai_state = now, state
    return now


def orders_by_ai(site: Site) -> bool:
    """Whether what the AI says has a part in the order of a site's worklist."""
    return site.triage and site.reading_mode == ReadingMode.ASSISTED


def rank_at(site: Site, rank: int) -> Rank:
    """Return what a rank that is written down amounts to at a site as it is now.

    Where the AI has lost its part in the order, what it made of a study counts no more from that moment on, also while
    nobody has ranked it anew.
    """
    return Rank(rank) if rank == Rank.URGENT or orders_by_ai(site) else Rank.UNCERTAIN


def _rank_of(study: Study, state: AIState) -> Rank:
    if study.urgent:
        return Rank.URGENT
    if not orders_by_ai(study.site):
        return Rank.UNCERTAIN
    if state == AIState.NEGATIVE and study.received_at <= _lifted_before(study.site):
        return Rank.UNCERTAIN
    return RANK_OF[state]


def _lifted_before(site: Site) -> datetime:
    """Return when a study came that keeps the last place no longer."""
    return timezone.now() - LIFTED_AFTER * timedelta(minutes=site.wait_ceiling_minutes)


def _ai_state_of(study: Study) -> AIState:
    if study.site.reading_mode == ReadingMode.BLIND_FIRST:
        return AIState.UNKNOWN
    radiographs = set(study.images.values_list("radiograph_id", flat=True))
    outlooks = predictions_of(radiographs)
    return state_of(str(outlooks[key].state) for key in radiographs)


def rank_by_id(study_id: uuid.UUID) -> None:
    """Rank a study named by its id; one that is gone is no error."""
    for study in Study.objects.select_related("site").filter(pk=study_id):
        rank(study)


def rank_of_radiograph(radiograph_id: uuid.UUID) -> None:
    """Rank every open study that shows a radiograph."""
    for study in _open().filter(images__radiograph=radiograph_id).select_related("site").distinct():
        rank(study)


def rank_open(*, limit: int = 500) -> None:
    """Rank open studies about which a model has spoken within the hour: a lost ring leaves none behind.

    Predictions are found by the time in their keys (UUID version 7), which are indexed.
    """
    spoken = Prediction.objects.filter(pk__gte=first_id_of(timezone.now() - timedelta(hours=1)))
    images = StudyImage.objects.filter(radiograph__in=spoken.values("radiograph"))
    waiting = _open().filter(pk__in=images.values("study"), site__reading_mode=ReadingMode.ASSISTED)
    for study in waiting.select_related("site").order_by("-received_at")[:limit]:
        rank(study)


def lift_waiting() -> int:
    """Take studies in which nothing is suspected with the uncertain ones once they waited a part of the ceiling.

    Returns how many there were. Where the AI has no part in the order, it also takes away what is left of it.
    """
    lifted = 0
    for site in Site.objects.all():
        if orders_by_ai(site):
            late = _open().filter(site=site, rank=Rank.NEGATIVE, received_at__lte=_lifted_before(site))
            lifted += late.update(rank=Rank.UNCERTAIN)
        else:
            _forget_ai(site)
    return lifted


def rank_site(site_id: uuid.UUID) -> None:
    """Rank every open study of a site whose terms have changed; one that is gone is no error."""
    site = Site.objects.filter(pk=site_id).first()
    if site is None:
        return
    _forget_ai(site)
    if site.reading_mode == ReadingMode.ASSISTED:
        for study in _open().filter(site=site).select_related("site").order_by("-received_at", "-id").iterator(500):
            rank(study)


def _forget_ai(site: Site) -> None:
    """Let the AI have no part in the order where it has none, nor in the filter where readers read blind first."""
    if orders_by_ai(site):
        return
    _open().filter(site=site, rank__in=[Rank.POSITIVE, Rank.NEGATIVE]).update(rank=Rank.UNCERTAIN)
    if site.reading_mode == ReadingMode.BLIND_FIRST:
        said = [state for state in AIState if state != AIState.UNKNOWN]
        Study.objects.filter(site=site, ai_state__in=said).update(ai_state=AIState.UNKNOWN)


def request_predictions(model_version_id: uuid.UUID) -> None:
    """Ask a newly active model for predictions of every unread study; signed ones keep what was seen."""
    version = ModelVersion.objects.get(pk=model_version_id)
    images = StudyImage.objects.filter(study__in=_open()).order_by("-study__received_at")
    keys = list(dict.fromkeys(images.values_list("radiograph_id", flat=True)))
    for first in range(0, len(keys), _ASKED_AT_ONCE):
        jobs.request_many(keys[first : first + _ASKED_AT_ONCE], version)


def _open() -> QuerySet[Study]:
    return Study.objects.filter(status=StudyStatus.AWAITING)
