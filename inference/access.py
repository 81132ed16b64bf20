"""The only way from an id to a model, a verdict of the gate or a job.

404 if you may not see it, 403 if you see it but may not do that.
"""

from __future__ import annotations

import uuid

from bonefrac.accounts.roles import Person
from bonefrac.errors import NotFound
from inference import policies, registry
from inference.models import GateVerdict, ModelVersion, PredictionJob
from inference.states import Task


def model_version(user: Person, model_version_id: uuid.UUID) -> ModelVersion:
    """Return a registered model; raise ``NotFound`` where there is none that the person may see."""
    if not policies.sees_models(user):
        raise NotFound
    return registry.model_version(model_version_id)


def gate_verdict(user: Person, gate_verdict_id: uuid.UUID) -> GateVerdict:
    """Return what the gate once answered; raise ``NotFound`` where there is none that the person may see."""
    rows = GateVerdict.objects.select_related("candidate", "active")
    found = rows.filter(pk=gate_verdict_id).first() if policies.sees_models(user) else None
    if found is None:
        raise NotFound
    return found


def task(user: Person, name: str) -> Task:
    """Return the task of a name; raise ``NotFound`` where there is none that the person may see."""
    if not policies.sees_models(user) or name not in Task.values:
        raise NotFound
    return Task(name)


def job(user: Person, job_id: uuid.UUID) -> PredictionJob:
    """Return a prediction job; raise ``NotFound`` where there is none that the person may see."""
    require_jobs(user)
    rows = PredictionJob.objects.select_related("radiograph", "model_version")
    found = rows.filter(pk=job_id).first()
    if found is None:
        raise NotFound
    return found


def require_jobs(user: Person) -> None:
    """Raise ``NotFound`` for whoever looks after no models, ``Forbidden`` for whoever must not know how they ended."""
    if not policies.may_manage(user):
        raise NotFound
    policies.require_live_answers(user)
