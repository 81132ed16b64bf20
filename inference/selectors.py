"""Reads what models said and how their jobs stand.

``predictions_of`` and ``classes_of`` are for ``studies.selectors`` alone: it decides who may be told. Not responsible
for who may see what.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from django.db import models
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bonefrac.paging import Page, newest_first
from inference.models import ModelVersion, Prediction, PredictionJob, UseOfTest
from inference.states import LIVE, JobStatus, ModelStatus, Task
from inference.trials import gates_of as gates_of
from inference.trials import shadow_comparison as shadow_comparison
from inference.trials import used_test_sets as used_test_sets


class OutlookState(models.TextChoices):
    """What can be said of a radiograph's prediction at this moment."""

    POSITIVE = "positive", gettext_lazy("fracture suspected")
    DOUBT = "doubt", gettext_lazy("unsure")
    NEGATIVE = "negative", gettext_lazy("nothing suspected")
    CLASSIFIED = "classified", gettext_lazy("classified")
    NOT_ASSESSED = "not_assessed", gettext_lazy("not assessed")
    PENDING = "pending", gettext_lazy("waiting for the model")
    FAILED = "failed", gettext_lazy("prediction failed")
    NO_MODEL = "no_model", gettext_lazy("no model in service")


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the model in service says of one radiograph, or why it says nothing.

    Attributes:
        state: Where it stands.
        prediction: The row, where there is one.
        model_version: Who spoke, or is expected to speak; None where no model is in service.
        reason: Why nothing is said, to follow the words "not assessed: ".
        probability: The calibrated score, where there is one.
    """

    state: OutlookState
    prediction: Prediction | None = None
    model_version: ModelVersion | None = None
    reason: str = ""
    probability: float | None = None


def active_model(task: Task = Task.FRACTURE) -> ModelVersion | None:
    """Return the model in service for a task, None where there is none."""
    return ModelVersion.objects.filter(task=task, status=ModelStatus.ACTIVE).first()


def active_models() -> list[ModelVersion]:
    """Return the models in service, at most one a task, the fracture model first."""
    rows = ModelVersion.objects.filter(status=ModelStatus.ACTIVE)
    return sorted(rows, key=lambda version: Task.values.index(version.task))


@dataclass(frozen=True, slots=True)
class TaskModels:
    """The registered versions of one task, newest first, and the one in service."""

    task: Task
    versions: tuple[ModelVersion, ...]
    active: ModelVersion | None


def models_by_task() -> list[TaskModels]:
    """Return every registered model by task, the fracture task first; it is there with no model too."""
    rows = list(model_versions())
    found = []
    for task in Task:
        versions = tuple(row for row in rows if row.task == task)
        active = next((row for row in versions if row.status == ModelStatus.ACTIVE), None)
        if versions or task == Task.FRACTURE:
            found.append(TaskModels(task, versions, active))
    return found


def looks_at_test() -> dict[uuid.UUID, int]:
    """Return how often the test set of each model has been looked at, for any model; absent where it has none."""
    by_digest = Counter(UseOfTest.objects.values_list("items_digest", flat=True))
    pairs = UseOfTest.objects.values_list("model_version_id", "items_digest").distinct()
    return {version: by_digest[digest] for version, digest in pairs}


def others_of_task(version: ModelVersion) -> list[ModelVersion]:
    """Return the other versions of a model's task, the one in service first, then the newest."""
    rows = ModelVersion.objects.filter(task=version.task).exclude(pk=version.pk).order_by("-id")
    return sorted(rows, key=lambda row: row.status != ModelStatus.ACTIVE)


def earlier_model(task: Task) -> ModelVersion | None:
    """Return the model that a roll-back of a task would put back into service, None where there is none."""
    return ModelVersion.objects.filter(task=task, status=ModelStatus.RETIRED).order_by("-activated_at").first()


def predictions_of(radiograph_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Outlook]:
    """Return the outlook of each radiograph named, by the active fracture model, in at most four queries.

    A radiograph about which the active model was never asked keeps what an earlier active model said of it, under
    that model's version.
    """
    version = active_model()
    if version is None:
        reason = _("no model is in service")
        return dict.fromkeys(radiograph_ids, Outlook(OutlookState.NO_MODEL, reason=reason))
    return _outlooks(radiograph_ids, version)


def classes_of(radiograph_ids: Collection[uuid.UUID]) -> dict[Task, dict[uuid.UUID, Outlook]]:
    """Return, for each task other than fracture with a model in service, the outlook of each radiograph named."""
    rows = ModelVersion.objects.filter(status=ModelStatus.ACTIVE).exclude(task=Task.FRACTURE).order_by("task")
    return {Task(version.task): _outlooks(radiograph_ids, version) for version in rows} if radiograph_ids else {}


def failed_jobs(*, limit: int = 100) -> list[PredictionJob]:
    """Return the newest failed jobs whose radiograph has no answer of the same model yet, with their models."""
    rows = PredictionJob.objects.filter(status=JobStatus.FAILED)
    newest = rows.select_related("model_version").order_by("-finished_at", "-id")[:limit]
    answered = _answered(newest)
    return [job for job in newest if (job.radiograph_id, job.model_version_id) not in answered]


def jobs_page(*, status: str = "", cursor: str = "") -> Page[PredictionJob]:
    """Return a page of jobs, newest first, of one status where it is given; raise ``Invalid`` for a bad cursor."""
    rows = PredictionJob.objects.filter(status=status) if status else PredictionJob.objects.all()
    return newest_first(rows, time="requested_at", cursor=cursor)


def waiting_job(model_version_id: uuid.UUID) -> uuid.UUID | None:
    """Return the job of a model that waits longest and may start now, None where none does."""
    due = PredictionJob.objects.filter(
        model_version=model_version_id, status=JobStatus.QUEUED, not_before__lte=timezone.now()
    )
    return due.order_by("not_before", "id").values_list("pk", flat=True).first()


def model_versions() -> QuerySet[ModelVersion]:
    """Return every registered model, by task and name, newest version first."""
    return ModelVersion.objects.order_by("task", "name", "-version")


def _answered(rows: Collection[PredictionJob]) -> set[tuple[uuid.UUID, uuid.UUID]]:
    """Return the pairs of radiograph and model that need no attention: answered, or asked again."""
    radiographs = {job.radiograph_id for job in rows}
    spoken = Prediction.objects.filter(radiograph__in=radiographs)
    waiting = PredictionJob.objects.filter(radiograph__in=radiographs, status__in=LIVE)
    fields = ("radiograph_id", "model_version_id")
    return set(spoken.values_list(*fields)) | set(waiting.values_list(*fields))


def _outlooks(radiograph_ids: Collection[uuid.UUID], version: ModelVersion) -> dict[uuid.UUID, Outlook]:
    """Return what a model in service says of radiographs, in at most four queries."""
    outlooks = {key: _spoken(row) for key, row in _predictions(radiograph_ids, version).items()}
    silent = [key for key in radiograph_ids if key not in outlooks]
    if silent:
        outlooks |= {job.radiograph_id: _unspoken(job, version) for job in _latest_jobs(silent, version)}
    unasked = [key for key in silent if key not in outlooks]
    if unasked:
        outlooks |= _earlier(unasked, version.task)
    never = Outlook(OutlookState.NOT_ASSESSED, None, version, _("the model was not asked"))
    return {key: outlooks.get(key, never) for key in radiograph_ids}


def _predictions(keys: Collection[uuid.UUID], version: ModelVersion) -> dict[uuid.UUID, Prediction]:
    """Return what a version said, each row with that very version: not its long report once more for every row."""
    rows = {row.radiograph_id: row for row in Prediction.objects.filter(radiograph__in=keys, model_version=version)}
    for row in rows.values():
        row.model_version = version
    return rows


def _latest_jobs(keys: Collection[uuid.UUID], version: ModelVersion) -> QuerySet[PredictionJob]:
    rows = PredictionJob.objects.filter(radiograph__in=keys, model_version=version)
    return rows.exclude(status=JobStatus.CANCELLED).order_by("radiograph_id", "-id").distinct("radiograph_id")


def _earlier(keys: Collection[uuid.UUID], task: str) -> dict[uuid.UUID, Outlook]:
    rows = Prediction.objects.filter(
        radiograph__in=keys, model_version__task=task, model_version__activated_at__isnull=False
    )
    latest = rows.prefetch_related("model_version").order_by("radiograph_id", "-id").distinct("radiograph_id")
    return {row.radiograph_id: _spoken(row) for row in latest}


def _spoken(row: Prediction) -> Outlook:
    return Outlook(OutlookState(row.state), row, row.model_version, row.reason, row.probability)


def _unspoken(job: PredictionJob, version: ModelVersion) -> Outlook:
    if job.status == JobStatus.FAILED:
        return Outlook(OutlookState.FAILED, None, version, _("the prediction failed"))
    return Outlook(OutlookState.PENDING, None, version, _("waiting for the model"))
