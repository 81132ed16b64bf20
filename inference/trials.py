"""Reads what is known of a model before it serves: the gate's verdicts, looks at its test set, its life as a shadow.

A shadow is compared on radiographs about which both models have spoken; that tells how often they agree, not which of
them is right. Against signed labels they are compared above this app, where labels are known.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db.models import Count, F, QuerySet

from inference.models import GateVerdict, ModelVersion, Prediction, PredictionJob, UseOfTest
from inference.states import LIVE, JobStatus, ModelStatus, PredictionState, UsePurpose


@dataclass(frozen=True, slots=True)
class UsedTestSet:
    """A test set that a model was looked at with.

    Attributes:
        items_digest: Of its images.
        images: How many.
        reports: For the reports of how many registered models it was looked at.
        gates: For how many verdicts of the gate, about any model.
    """

    items_digest: str
    images: int
    reports: int
    gates: int

    @property
    def uses(self) -> int:
        """How often it was looked at in all: the more often, the less it proves."""
        return self.reports + self.gates


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often the active model said the one thing and the shadow the other: states, or classes by name."""

    active: str
    shadow: str
    radiographs: int

    @property
    def is_same(self) -> bool:
        """Whether both said the same."""
        return self.active == self.shadow


@dataclass(frozen=True, slots=True)
class ShadowComparison:
    """What a shadow said of live radiographs beside the model in service.

    Attributes:
        shadow: The model that predicts silently.
        active: The model in service; None where none is.
        cells: Each pair of answers that occurred, the most frequent first.
        waiting: Radiographs about which the shadow has been asked and has not spoken yet.
        failed: Jobs of the shadow that failed.
    """

    shadow: ModelVersion
    active: ModelVersion | None
    cells: tuple[Agreement, ...]
    waiting: int
    failed: int

    @property
    def radiographs(self) -> int:
        """About how many radiographs both have spoken."""
        return sum(cell.radiographs for cell in self.cells)

    @property
    def agreements(self) -> int:
        """About how many both said the same."""
        return sum(cell.radiographs for cell in self.cells if cell.is_same)


def gates_of(version: ModelVersion) -> QuerySet[GateVerdict]:
    """Return what the gate answered about a model, newest first, with the model that served then."""
    return GateVerdict.objects.filter(candidate=version).select_related("candidate", "active")


def used_test_sets(version: ModelVersion) -> list[UsedTestSet]:
    """Return the test sets that a model was looked at with, and how often each has been for any model."""
    digests = UseOfTest.objects.filter(model_version=version).values("items_digest")
    uses = UseOfTest.objects.filter(items_digest__in=digests).values("items_digest", "images", "purpose")
    counts: dict[tuple[str, int], dict[str, int]] = {}
    for row in uses.annotate(count=Count("id")).order_by("items_digest"):
        counts.setdefault((row["items_digest"], row["images"]), {})[row["purpose"]] = row["count"]
    return [
        UsedTestSet(digest, images, by.get(UsePurpose.REPORT, 0), by.get(UsePurpose.GATE, 0))
        for (digest, images), by in counts.items()
    ]


def shadow_comparison(version: ModelVersion) -> ShadowComparison:
    """Return how a shadow's answers compare with those of the model in service, in at most four queries."""
    active = ModelVersion.objects.filter(task=version.task, status=ModelStatus.ACTIVE).exclude(pk=version.pk).first()
    jobs = PredictionJob.objects.filter(model_version=version)
    return ShadowComparison(
        shadow=version,
        active=active,
        cells=_cells(version, active) if active else (),
        waiting=jobs.filter(status__in=LIVE).count(),
        failed=jobs.filter(status=JobStatus.FAILED).count(),
    )


def both_spoke(shadow: ModelVersion, active: ModelVersion) -> QuerySet[Prediction]:
    """Return a shadow's predictions of radiographs about which the active model spoke too."""
    return Prediction.objects.filter(model_version=shadow, radiograph__predictions__model_version=active)


def answers_of(
    versions: tuple[ModelVersion, ModelVersion], radiographs: set[uuid.UUID]
) -> dict[uuid.UUID, dict[uuid.UUID, str]]:
    """Return the state that each of two models gave to radiographs, by radiograph and model."""
    rows = Prediction.objects.filter(radiograph__in=radiographs, model_version__in=versions)
    found: dict[uuid.UUID, dict[uuid.UUID, str]] = {}
    for radiograph, model, state in rows.values_list("radiograph_id", "model_version_id", "state"):
        found.setdefault(radiograph, {})[model] = state
    return found


def _cells(shadow: ModelVersion, active: ModelVersion) -> tuple[Agreement, ...]:
    rows = (
        both_spoke(shadow, active)
        .annotate(beside=F("radiograph__predictions__state"), beside_label=F("radiograph__predictions__label"))
        .values("state", "label", "beside", "beside_label")
        .annotate(count=Count("id"))
        .order_by("-count", "beside", "state")
    )
    return tuple(
        Agreement(_said(row["beside"], row["beside_label"]), _said(row["state"], row["label"]), row["count"])
        for row in rows
    )


def _said(state: str, label: str) -> str:
    """Return what was said in words: the class where one was named."""
    return label or str(PredictionState(state).label)
