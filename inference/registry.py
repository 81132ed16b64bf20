"""Which models there are and which of them serve: register, promote, retire, roll back.

One model is active per task. Registering copies the artifact into the platform's own store, so that the folder it came
from may go. Not responsible for training, nor for doing predictions: promoting rings ``studies.request_predictions``,
since only studies know what is unread.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.audit.events import record
from bonefrac.audit.models import AuditEvent, Verb
from bonefrac.celery import ring
from bonefrac.errors import Conflict, Invalid, NotFound
from inference import acceptance, jobs, places, policies
from inference.models import ModelVersion
from inference.states import MODEL_TRANSITIONS, ModelEvent, ModelStatus, Task
from training.artifact import Artifact, ArtifactError

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

#: Who decided, in the audit row: a person or a command, or the platform's own start.
BY_SOMEBODY: Final = "somebody"
BY_START: Final = "start"


def model_version(model_version_id: uuid.UUID) -> ModelVersion:
    """Return a registered model; raise ``NotFound`` where there is none."""
    found = ModelVersion.objects.filter(pk=model_version_id).first()
    if found is None:
        raise NotFound
    return found


def named(name: str, version: int) -> ModelVersion:
    """Return a model by its name and version; raise ``NotFound`` where there is none."""
    found = ModelVersion.objects.filter(name=name, version=version).first()
    if found is None:
        raise NotFound(_("There is no model %(name)s %(version)s.") % {"name": name, "version": version})
    return found


def registered_as(sha256: str) -> ModelVersion | None:
    """Return the model that was registered from an artifact's digest, None where none was."""
    return ModelVersion.objects.filter(artifact_sha256=sha256).first()


def register(actor: User | None, path: Path, *, on_keras: bool = False, by: str = BY_SOMEBODY) -> ModelVersion:
    """Copy an artifact into the store, replay its golden cases and return it as a candidate.

    Args:
        actor: Who does it; None for a command on the machine itself.
        path: The artifact's folder.
        on_keras: Whether to replay the golden cases on Keras too, which needs TensorFlow and seconds.
        by: Who decided, for the audit row.

    Raises:
        Forbidden: The actor does not look after models.
        Invalid: The folder is no sound artifact, or the model answers otherwise here than where it was made.
        Conflict: The same artifact is registered already (``registered``).
    """
    policies.require_manager(actor)
    artifact = acceptance.take_in(path)
    known = registered_as(artifact.sha256)
    if known is not None:
        raise Conflict(_("This artifact is registered already, as %(model)s.") % {"model": known}, code="registered")
    replayed = acceptance.replay(artifact, on_keras=on_keras)
    with transaction.atomic():
        _lock_register()
        version = _create(artifact, replayed)
        data: dict[str, object] = {"artifact": artifact.sha256, "replayed_on": sorted(replayed), "by": by}
        record(actor, Verb.MODEL_REGISTERED, target_type="model_version", target_id=version.pk, data=data)
    return version


def promote(actor: User | None, version: ModelVersion, *, by: str = BY_SOMEBODY) -> ModelVersion:
    """Put a model into service, retire the one before it, and ask for predictions of unread studies.

    Raises:
        Forbidden: The actor does not look after models.
        Conflict: The model is in service already, was rejected (``wrong_state``), or its files have changed
            (``artifact_changed``).
    """
    policies.require_manager(actor)
    _verify(version)
    with transaction.atomic():
        _lock_register()
        version.refresh_from_db()
        target = MODEL_TRANSITIONS.move(ModelStatus(version.status), ModelEvent.PROMOTE)
        for former in ModelVersion.objects.filter(task=version.task, status=ModelStatus.ACTIVE):
            _retire(actor, former, by)
        _set_status(version, target)
        data: dict[str, object] = {"task": version.task, "by": by}
        record(actor, Verb.MODEL_PROMOTED, target_type="model_version", target_id=version.pk, data=data)
        ring("studies.request_predictions", str(version.pk))
    return version


def retire(actor: User | None, version: ModelVersion) -> ModelVersion:
    """Take a model out of service; its waiting jobs are cancelled, what it said stays.

    Raises:
        Forbidden: The actor does not look after models.
        Conflict: The model is not in service (``wrong_state``).
    """
    policies.require_manager(actor)
    with transaction.atomic():
        _lock_register()
        version.refresh_from_db()
        _retire(actor, version, BY_SOMEBODY)
    return version


def roll_back(actor: User | None, task: Task = Task.FRACTURE) -> ModelVersion:
    """Promote the model that served last before the active one; raise ``Conflict`` where there is none."""
    earlier = ModelVersion.objects.filter(task=task, status=ModelStatus.RETIRED).order_by("-activated_at").first()
    if earlier is None:
        raise Conflict(_("No earlier model of this task is left to go back to."), code="wrong_state")
    return promote(actor, earlier)


def register_shipped() -> list[ModelVersion]:
    """Register the artifacts that ship with the platform; return those that were new.

    A new one goes into service unless somebody has ever decided which model of its task serves: then it waits as a
    candidate. Calling this again changes nothing.

    Raises:
        Invalid: A shipped artifact is damaged.
    """
    fresh = []
    for folder in places.shipped():
        if registered_as(acceptance.digest_of(folder)) is None:
            version = register(None, folder, by=BY_START)
            if not _somebody_decided(version.task):
                promote(None, version, by=BY_START)
            fresh.append(version)
    return fresh


def _somebody_decided(task: str) -> bool:
    decisions = AuditEvent.objects.filter(
        verb__in=[Verb.MODEL_PROMOTED, Verb.MODEL_RETIRED], target_type="model_version", data__task=task
    )
    return decisions.exclude(data__by=BY_START).exists()


def _lock_register() -> None:
    """Make changes of what serves one after another; rows of models that are not there yet cannot be locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('inference.registry'))")


def _create(artifact: Artifact, replayed: dict[str, float]) -> ModelVersion:
    known = registered_as(artifact.sha256)
    if known is not None:
        raise Conflict(_("This artifact is registered already, as %(model)s.") % {"model": known}, code="registered")
    if artifact.task not in Task.values:
        raise Invalid(_("Expected a task among %(known)s.") % {"known": ", ".join(Task.values)}, code="unknown_task")
    points = artifact.operating_points
    last = ModelVersion.objects.filter(name=artifact.name).aggregate(last=Max("version"))["last"]
    return ModelVersion.objects.create(
        task=artifact.task,
        name=artifact.name,
        version=(last or 0) + 1,
        artifact_sha256=artifact.sha256,
        artifact_path=f"models/{artifact.sha256}",
        preprocessing=artifact.preprocessing.to_dict(),
        preprocessing_digest=artifact.preprocessing.digest,
        temperature=artifact.temperature,
        operating_points=points and {"lower": points.lower, "upper": points.upper},
        map_kind=artifact.map_kind,
        scope=artifact.scope.to_dict(),
        report=artifact.report | {"replayed_here": replayed},
        card=artifact.card,
        dataset_digest=str(artifact.config.get("dataset_digest", ""))[:64],
    )


def _verify(version: ModelVersion) -> None:
    try:
        acceptance.require_artifact(places.artifact_folder(version), version.artifact_sha256)
    except ArtifactError as error:
        sentence = _("%(model)s stays as it is: its files are not the ones that were registered.") % {"model": version}
        raise Conflict(sentence, code="artifact_changed") from error


def _retire(actor: User | None, version: ModelVersion, by: str) -> None:
    _set_status(version, MODEL_TRANSITIONS.move(ModelStatus(version.status), ModelEvent.RETIRE))
    cancelled = jobs.cancel_waiting(version)
    data: dict[str, object] = {"task": version.task, "cancelled_jobs": cancelled, "by": by}
    record(actor, Verb.MODEL_RETIRED, target_type="model_version", target_id=version.pk, data=data)


def _set_status(version: ModelVersion, status: ModelStatus) -> None:
    values: dict[str, object] = {"status": status}
    if status == ModelStatus.ACTIVE:
        values["activated_at"] = timezone.now()
    ModelVersion.objects.filter(pk=version.pk).update(**values)
    version.refresh_from_db()
