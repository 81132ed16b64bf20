"""What a study's verdict was at a moment to those outside the reading room: what they could have been told by then.

A signature becomes known once it can no more be undone. One that was taken back, or replaced before it became known,
was never known.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F, Prefetch, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from studies.consensus import Label, Reading, label_of, status_of
from studies.models import Review, Study
from studies.selectors.readings import as_reading, findings_with_size
from studies.states import StudyStatus, Verdict
from studies.turns import only_second_looks_count


def known_labels(studies: Iterable[Study], *, at: datetime | None = None) -> dict[uuid.UUID, Label]:
    """Return the label of the current round by study, of those whose readings are complete and known by a moment."""
    found = list(studies)
    if not found:
        return {}
    readings = _readings(found, at or timezone.now())
    labels = {study.pk: _label(study, readings[(study.pk, study.round)]) for study in found}
    return {key: label for key, label in labels.items() if label}


def verdicts_for_uploader(studies: Iterable[Study]) -> dict[uuid.UUID, str]:
    """Return the verdict of each reviewed study in words, as far as it is known outside the reading room."""
    reviewed = [study for study in studies if study.status == StudyStatus.REVIEWED]
    return {key: str(Verdict(label.verdict).label) for key, label in known_labels(reviewed).items()}


def state_for_uploader(study: Study, *, is_known: bool) -> StudyStatus:
    """Return where a study stands to its uploader: reviewed once the verdict can no more be undone."""
    status = StudyStatus(study.status)
    return StudyStatus.AWAITING if status == StudyStatus.REVIEWED and not is_known else status


def status_for_uploader(study: Study, *, is_known: bool) -> str:
    """Return where a study stands, in an uploader's words."""
    state = state_for_uploader(study, is_known=is_known)
    if study.has_problem and state != StudyStatus.VOID:
        return _("a reader reported a problem")
    if state == StudyStatus.DISPUTED:
        return _("readers differ: a lead decides")
    if state == StudyStatus.AWAITING and study.round > 1:
        return _("being read again")
    return str(state.label)


def label_before(study: Study, *, at: datetime) -> Label | None:
    """Return the label that was last known of a study by a moment, of whatever round; None where there was none."""
    readings = _readings([study], at)
    for number in range(study.round, 0, -1):
        label = _label(study, readings[(study.pk, number)])
        if label:
            return label
    return None


def known_reviews(at: datetime | None = None) -> QuerySet[Review]:
    """Return the reviews that stood at a moment, of those that had become known by then."""
    undo = timedelta(seconds=settings.UNDO_SECONDS)
    moment = (at or timezone.now()) - undo
    replaced = Q(superseded_by__signed_at__lte=moment) | Q(superseded_by__signed_at__lte=F("signed_at") + undo)
    known = Review.objects.filter(signed_at__lte=moment, is_withdrawal=False)
    return known.exclude(superseded_by__is_withdrawal=True).exclude(replaced)


def _readings(studies: list[Study], at: datetime) -> dict[tuple[uuid.UUID, int], list[Reading]]:
    rows = known_reviews(at).filter(study__in=studies).order_by("signed_at", "id")
    rows = rows.prefetch_related(Prefetch("image_readings__findings", findings_with_size()), "unlocated_findings")
    grouped: dict[tuple[uuid.UUID, int], list[Reading]] = defaultdict(list)
    for review in rows:
        grouped[(review.study_id, review.round)].append(as_reading(review))
    return grouped


def _label(study: Study, readings: list[Reading]) -> Label | None:
    blind_first = only_second_looks_count(study, readings)
    status = status_of(readings, required=study.readings_required, blind_first=blind_first)
    return label_of(readings, blind_first=blind_first) if status == StudyStatus.REVIEWED else None
