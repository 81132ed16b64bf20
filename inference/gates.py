"""The gate before a promotion: reads what two models said of labelled images, asks ``training.comparison``, keeps it.

Each verdict is a row that nobody changes, and so is each look at a test set. Not responsible for what follows from a
verdict (``registry``), nor for who may ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.errors import Conflict
from inference.models import GateVerdict, ModelVersion, UseOfTest
from inference.places import artifact_folder
from inference.states import ModelStatus, UsePurpose
from training import comparison
from training.artifact import Artifact, ArtifactError
from training.comparison import Report, Witness
from training.comparison.evidence import digest

if TYPE_CHECKING:
    from bonefrac.accounts.models import User


def judge(actor: User | None, candidate: ModelVersion) -> GateVerdict:
    """Hold a model against the one that serves its task, or against the floors for a first one; keep the verdict.

    The statistics take seconds and hold no lock: whoever acts on the verdict looks whether the same model still serves.

    Raises:
        Conflict: The files of one of the models are not the ones that were registered (``artifact_changed``).
    """
    serving = ModelVersion.objects.filter(task=candidate.task, status=ModelStatus.ACTIVE).exclude(pk=candidate.pk)
    active = serving.first()
    artifact = artifact_of(candidate)
    report = _report(candidate, artifact, active)
    with transaction.atomic():
        if report.test:
            note_use(candidate, artifact, UsePurpose.GATE)
        verdict = _kept(candidate, active, report)
        data: dict[str, object] = {
            "gate": str(verdict.pk),
            "verdict": verdict.verdict,
            "against": str(active or report.against),
        }
        record(actor, Verb.MODEL_GATED, target_type="model_version", target_id=candidate.pk, data=data)
    return verdict


def note_use(version: ModelVersion, artifact: Artifact, purpose: UsePurpose) -> None:
    """Record that a model's test set was looked at, where it has one."""
    items = [row.item for row in artifact.predictions if row.role == "test"]
    if items:
        UseOfTest.objects.create(model_version=version, items_digest=digest(items), images=len(items), purpose=purpose)


def sentence_of(verdict: GateVerdict) -> str:
    """Return what a verdict says, in one or more sentences."""
    return str(verdict.report["sentence"])


def _kept(candidate: ModelVersion, active: ModelVersion | None, report: Report) -> GateVerdict:
    return GateVerdict.objects.create(
        candidate=candidate,
        active=active,
        verdict=report.verdict,
        report=report.to_dict(),
        items_digest=report.items,
        images=report.images,
        positives=report.positives,
    )


def _report(candidate: ModelVersion, artifact: Artifact, active: ModelVersion | None) -> Report:
    if active is None:
        return comparison.meets_floors(witness(candidate, artifact))
    return comparison.compare(witness(candidate, artifact), witness(active, artifact_of(active)))


def artifact_of(version: ModelVersion) -> Artifact:
    """Return a version's artifact; raise ``Conflict`` (``artifact_changed``) where it is not the registered one."""
    try:
        artifact = Artifact.load(artifact_folder(version))
        if artifact.sha256 != version.artifact_sha256:
            raise ArtifactError(f"{artifact.path}: expected artifact {version.artifact_sha256}.")
    except (ArtifactError, OSError) as error:
        sentence = _("Nothing was changed: the files of %(model)s are not the ones that were registered.")
        raise Conflict(sentence % {"model": version}, code="artifact_changed") from error
    return artifact


def witness(version: ModelVersion, artifact: Artifact) -> Witness:
    """Return what a version said of labelled images, as the statistics want it."""
    return Witness(
        name=str(version),
        rows=artifact.predictions,
        seen=artifact.seen,
        classes=artifact.classes,
        temperature=artifact.temperature,
        points=artifact.operating_points,
    )
