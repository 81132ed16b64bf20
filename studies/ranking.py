"""The place of an open study in the worklist, and asking models about what nobody has read yet.

Responsible for the order only; who holds what and who gets the next is in ``worklist``.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from bonefrac.accounts.models import ReadingMode
from bonefrac.db import first_id_of
from inference import jobs
from inference.models import ModelVersion, Prediction
from inference.selectors import predictions_of
from studies.models import Study, StudyImage
from studies.selectors.ai import state_of
from studies.states import AIState, Rank, StudyStatus

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
    blind first the AI has no part in it. Writes only these two, never the revision.
    """
    state = _ai_state_of(study)
    now = Rank.URGENT if study.urgent else RANK_OF[state]
    Study.objects.filter(pk=study.pk).exclude(rank=now, ai_state=state).update(rank=now, ai_state=state)
    study.rank, study.ai_state = now, state
    return now


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


def request_predictions(model_version_id: uuid.UUID) -> None:
    """Ask a newly active model for predictions of every unread study; signed ones keep what was seen."""
    version = ModelVersion.objects.get(pk=model_version_id)
    images = StudyImage.objects.filter(study__in=_open()).order_by("-study__received_at")
    keys = list(dict.fromkeys(images.values_list("radiograph_id", flat=True)))
    for first in range(0, len(keys), _ASKED_AT_ONCE):
        jobs.request_many(keys[first : first + _ASKED_AT_ONCE], version)


def _open() -> QuerySet[Study]:
    return Study.objects.filter(status=StudyStatus.AWAITING)
