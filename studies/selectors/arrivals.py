"""A site's own log: when studies came, what the AI says of them, how long they were read, what they proved to be."""

from __future__ import annotations

import statistics
import uuid
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Min
from django.utils import timezone

from bonefrac.accounts.models import Site
from inference.selectors import active_model, predictions_of
from studies.models import Review, Study, StudyImage
from studies.selectors.ai import state_of
from studies.selectors.readings import label_from, readings_of_many
from studies.states import StudyStatus, Verdict
from studies.triage.streams import Arrival, Model

#: A reading of more minutes was left open while its reader was elsewhere.
LONGEST: Final = 60.0
MOST: Final = 20_000
_CHUNK: Final = 500


def log_of(site: Site, *, days: int = 90) -> list[tuple[datetime, Arrival]]:
    """Return the reviewed studies of a site that came within so many days, with the times of their arrival.

    What the AI says is what it would say now; the truth is the study's label; a reading of unknown length has 0
    minutes. Studies without a label, and void ones, are left out.
    """
    since = timezone.now() - timedelta(days=days)
    rows = Study.objects.filter(site=site, status=StudyStatus.REVIEWED, received_at__gte=since)
    keys = list(rows.order_by("-received_at").values_list("pk", flat=True)[:MOST])
    found = [row for first in range(0, len(keys), _CHUNK) for row in _of(keys[first : first + _CHUNK])]
    return sorted(found, key=lambda row: row[0])


def model_in_service() -> Model | None:
    """Return how often the fracture model in service says what, by its own report; None where that is not known."""
    version = active_model()
    splits = version.report.get("splits", {}) if version else {}
    for side in ("oof", "test"):
        try:
            return Model.of_counts(splits[side]["states"])
        except (KeyError, TypeError, ValueError):
            continue
    return None


def _of(keys: list[uuid.UUID]) -> list[tuple[datetime, Arrival]]:
    studies = list(Study.objects.filter(pk__in=keys).select_related("site"))
    readings, minutes = readings_of_many(studies), _minutes(studies)
    images: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for study_id, radiograph in StudyImage.objects.filter(study__in=studies).values_list("study_id", "radiograph_id"):
        images[study_id].append(radiograph)
    said = predictions_of({key for shown in images.values() for key in shown})
    found = []
    for study in studies:
        label = label_from(study, readings.get(study.pk, []))
        if label is None or label.verdict == Verdict.NOT_ASSESSABLE:
            continue
        state = str(state_of(str(said[key].state) for key in images[study.pk]))
        has_fracture = label.verdict == Verdict.FRACTURE
        arrival = Arrival(0.0, study.urgent, has_fracture, state, minutes.get(study.pk, 0.0))
        found.append((study.received_at, arrival))
    return found


def _minutes(studies: list[Study]) -> dict[uuid.UUID, float]:
    """Return the median length of each study's readings, without those that were left open."""
    lengths: dict[uuid.UUID, list[float]] = defaultdict(list)
    rows = Review.objects.filter(study__in=studies, is_withdrawal=False).values("study_id", "reader_id", "mode")
    for row in rows.annotate(opened=Min("opened_at"), signed=Min("signed_at")):
        took = (row["signed"] - row["opened"]).total_seconds() / 60
        if 0 < took <= LONGEST:
            lengths[row["study_id"]].append(took)
    return {key: statistics.median(values) for key, values in lengths.items()}
