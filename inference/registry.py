"""Which models there are and which of them serve: register, shadow, promote, retire, roll back, reject.

    register(actor, path, *, on_keras=False) -> ModelVersion      a candidate
    gate(actor, version) -> GateVerdict                           what promoting would be answered; kept
    promote(actor, version, *, override_reason="") -> ModelVersion
    retire(actor, version) -> ModelVersion
    roll_back(actor, task=Task.FRACTURE) -> ModelVersion          no gate: it served before
    shadow(actor, version) -> ModelVersion                        predicts new radiographs, shown to no reader
    end_shadow(actor, version) -> ModelVersion                    a candidate again
    reject(actor, version, *, reason) -> ModelVersion             for ever

One model is active per task. Registering copies the artifact into the platform's own store, so that the folder it came
from may go. Not responsible for training, for the statistics of the gate (``gates``), nor for doing predictions:
promoting rings ``studies.request_predictions``, since only studies know what is unread.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import structlog
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.celery import ring
from bonefrac.errors import Conflict, Invalid, NotFound
from inference import acceptance, gates, jobs, places, policies
from inference.models import GateVerdict, ModelVersion
from inference.states import MODEL_TRANSITIONS, ModelEvent, ModelStatus, Task, UsePurpose, Verdict
from training.artifact import Artifact, ArtifactError

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

#: Who decided, in the audit row: a person or a command, or the platform's own start.
BY_SOMEBODY: Final = "somebody"
BY_START: Final = "start"
#: Characters of a reason at least: "because" is none.
LEAST_REASON: Final = 10
_REFUSALS: Final = MappingProxyType(
    {Verdict.FAIL: "gate_failed", Verdict.NOT_ENOUGH_EVIDENCE: "gate_not_enough_evidence"}
)

log = structlog.get_logger(__name__)


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
    with acceptance.incoming(path) as artifact:
        _require_new(artifact)
        replayed = acceptance.replay(artifact, on_keras=on_keras)
        acceptance.keep(artifact)
    with transaction.atomic():
        _lock_register()
        version = _create(artifact, replayed)
        gates.note_use(version, artifact, UsePurpose.REPORT)
        data: dict[str, object] = {"artifact": artifact.sha256, "replayed_on": sorted(replayed), "by": by}
        record(actor, Verb.MODEL_REGISTERED, target_type="model_version", target_id=version.pk, data=data)
    return version


def gate(actor: User | None, version: ModelVersion) -> GateVerdict:
    """Ask the gate whether a model may go into service now, keep the answer and return it; nothing else changes.

    Raises:
        Forbidden: The actor does not look after models.
        Conflict: The model cannot be promoted from its state (``wrong_state``), or the files of one of the models have
            changed (``artifact_changed``).
    """
    policies.require_manager(actor)
    MODEL_TRANSITIONS.move(ModelStatus(version.status), ModelEvent.PROMOTE)
    return gates.judge(actor, version)


def promote(
    actor: User | None, version: ModelVersion, *, override_reason: str = "", by: str = BY_SOMEBODY
) -> ModelVersion:
    """Put a model into service that passes the gate, retire the one before it, and ask for unread studies' predictions.

    Args:
        actor: Who does it; None for a command on the machine itself.
        version: The model.
        override_reason: Why it goes into service although it does not pass, in at least 10 characters; recorded under
            a verb of its own. Not needed, and not recorded, where it passes.
        by: Who decided, for the audit row.

    Raises:
        Forbidden: The actor does not look after models.
        Invalid: The reason is too short (``reason_too_short``).
        Conflict: The gate answered fail (``gate_failed``) or not enough evidence (``gate_not_enough_evidence``), the
            model is in service already or was rejected (``wrong_state``), its files have changed
            (``artifact_changed``), or another went into service meanwhile (``changed``).
    """
    policies.require_manager(actor)
    reason = _reason(override_reason) if override_reason else ""
    verdict = gate(actor, version)
    passed = verdict.verdict == Verdict.PASS
    if not passed and not reason:
        sentence = _("%(model)s was not promoted. %(verdict)s")
        words = {"model": version, "verdict": gates.sentence_of(verdict)}
        raise Conflict(sentence % words, code=_REFUSALS[Verdict(verdict.verdict)])
    verb = Verb.MODEL_PROMOTED if passed else Verb.MODEL_PROMOTED_AGAINST_GATE
    data: dict[str, object] = {"gate": str(verdict.pk), "verdict": verdict.verdict}
    with transaction.atomic():
        _lock_register()
        if _active_id(version.task) != verdict.active_id:
            raise Conflict(_("Another model went into service meanwhile. Nothing was changed."), code="changed")
        _activate(actor, version, verb, by, data if passed else data | {"reason": reason})
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
    """Put the model back into service that served last before the active one; the gate is not asked, it served before.

    Raises:
        Forbidden: The actor does not look after models.
        Conflict: There is none (``wrong_state``), or its files have changed (``artifact_changed``).
    """
    policies.require_manager(actor)
    earlier = ModelVersion.objects.filter(task=task, status=ModelStatus.RETIRED).order_by("-activated_at").first()
    if earlier is None:
        raise Conflict(_("No earlier model of this task is left to go back to."), code="wrong_state")
    _verify(earlier)
    with transaction.atomic():
        _lock_register()
        _activate(actor, earlier, Verb.MODEL_ROLLED_BACK, BY_SOMEBODY, {})
    return earlier


def shadow(actor: User | None, version: ModelVersion) -> ModelVersion:
    """Let a candidate predict new radiographs beside the active model; no reader is shown what it says.

    Raises:
        Forbidden: The actor does not look after models.
        Conflict: The model is no candidate (``wrong_state``), or its files have changed (``artifact_changed``).
    """
    policies.require_manager(actor)
    _verify(version)
    return _moved(actor, version, ModelEvent.SHADOW, Verb.MODEL_SHADOWED, {})


def end_shadow(actor: User | None, version: ModelVersion) -> ModelVersion:
    """Make a shadow a candidate again; its waiting jobs are cancelled, what it said stays.

    Raises:
        Forbidden: The actor does not look after models.
        Conflict: The model is no shadow (``wrong_state``).
    """
    policies.require_manager(actor)
    return _moved(actor, version, ModelEvent.END_SHADOW, Verb.MODEL_SHADOW_ENDED, {})


def reject(actor: User | None, version: ModelVersion, *, reason: str) -> ModelVersion:
    """Decide that a candidate or a shadow never goes into service, with a reason of at least 10 characters.

    Raises:
        Forbidden: The actor does not look after models.
        Invalid: The reason is too short (``reason_too_short``).
        Conflict: The model served already or was rejected (``wrong_state``).
    """
    policies.require_manager(actor)
    return _moved(actor, version, ModelEvent.REJECT, Verb.MODEL_REJECTED, {"reason": _reason(reason)})


def register_shipped() -> list[ModelVersion]:
    """Register the artifacts that ship with the platform; return those that were new. Calling it again changes nothing.

    Where a task has never had a model in service, the first start puts the shipped one there, if it meets the floors
    for a first model. Everywhere else a new one waits as a candidate: an upgrade of the platform changes nobody's
    model, and a model that does not meet the floors keeps nothing else from starting.

    Raises:
        Invalid: A shipped artifact is damaged.
    """
    fresh = []
    for folder in places.shipped():
        if registered_as(acceptance.digest_of(folder)) is None:
            version = register(None, folder, by=BY_START)
            if not ModelVersion.objects.filter(task=version.task, activated_at__isnull=False).exists():
                _promote_at_start(version)
            fresh.append(version)
    return fresh


def _promote_at_start(version: ModelVersion) -> None:
    """Put the model in the box into service; it stays a candidate where the gate or somebody else is against it."""
    try:
        promote(None, version, override_reason=_reason_at_start(version), by=BY_START)
    except Conflict as error:
        log.warning("shipped_model_waits", model=str(version), reason=error.sentence)
    version.refresh_from_db()


def _reason_at_start(version: ModelVersion) -> str:
    """Return why a shipped model of format 1 goes into service all the same; no reason for any other."""
    artifact = Artifact.load(places.artifact_folder(version))
    if artifact.config["format"] > 1:
        return ""
    return "The model in the box was made before predictions were kept with a model, so the gate cannot judge it."


def _lock_register() -> None:
    """Make changes of what serves one after another; rows of models that are not there yet cannot be locked."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('inference.registry'))")


def _require_new(artifact: Artifact) -> None:
    known = registered_as(artifact.sha256)
    if known is not None:
        raise Conflict(_("This artifact is registered already, as %(model)s.") % {"model": known}, code="registered")


def _create(artifact: Artifact, replayed: dict[str, float]) -> ModelVersion:
    _require_new(artifact)
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


def _reason(words: str) -> str:
    """Return a reason; raise ``Invalid`` where it is too short to say anything."""
    reason = " ".join(words.split())
    if len(reason) < LEAST_REASON:
        sentence = _("Give a reason of at least %(count)s characters.") % {"count": LEAST_REASON}
        raise Invalid(sentence, code="reason_too_short", fields={"reason": sentence})
    return reason


def _active_id(task: str) -> uuid.UUID | None:
    return ModelVersion.objects.filter(task=task, status=ModelStatus.ACTIVE).values_list("pk", flat=True).first()


def _verify(version: ModelVersion) -> None:
    try:
        acceptance.require_artifact(places.artifact_folder(version), version.artifact_sha256)
    except ArtifactError as error:
        sentence = _("%(model)s stays as it is: its files are not the ones that were registered.") % {"model": version}
        raise Conflict(sentence, code="artifact_changed") from error


def _activate(actor: User | None, version: ModelVersion, verb: Verb, by: str, more: Mapping[str, object]) -> None:
    """Retire what serves, put a model in its place and ring for unread studies; the register is locked."""
    version.refresh_from_db()
    target = MODEL_TRANSITIONS.move(ModelStatus(version.status), ModelEvent.PROMOTE)
    for former in ModelVersion.objects.filter(task=version.task, status=ModelStatus.ACTIVE):
        _retire(actor, former, by)
    _set_status(version, target)
    data: dict[str, object] = {"task": version.task, "by": by, **more}
    record(actor, verb, target_type="model_version", target_id=version.pk, data=data)
    ring("studies.request_predictions", str(version.pk))


def _retire(actor: User | None, version: ModelVersion, by: str) -> None:
    _set_status(version, MODEL_TRANSITIONS.move(ModelStatus(version.status), ModelEvent.RETIRE))
    cancelled = jobs.cancel_waiting(version)
    data: dict[str, object] = {"task": version.task, "cancelled_jobs": cancelled, "by": by}
    record(actor, Verb.MODEL_RETIRED, target_type="model_version", target_id=version.pk, data=data)


def _moved(
    actor: User | None, version: ModelVersion, event: ModelEvent, verb: Verb, more: Mapping[str, object]
) -> ModelVersion:
    """Take a model that does not serve to another state; jobs that wait for one that no longer predicts end."""
    with transaction.atomic():
        _lock_register()
        version.refresh_from_db()
        _set_status(version, MODEL_TRANSITIONS.move(ModelStatus(version.status), event))
        cancelled = 0 if event == ModelEvent.SHADOW else jobs.cancel_waiting(version)
        data: dict[str, object] = {"task": version.task, "cancelled_jobs": cancelled, **more}
        record(actor, verb, target_type="model_version", target_id=version.pk, data=data)
    return version


def _set_status(version: ModelVersion, status: ModelStatus) -> None:
    values: dict[str, object] = {"status": status}
    if status == ModelStatus.ACTIVE:
        values["activated_at"] = timezone.now()
    ModelVersion.objects.filter(pk=version.pk).update(**values)
    version.refresh_from_db()
