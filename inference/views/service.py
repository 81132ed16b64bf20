"""Pages that change which model serves: each asks once more before it does, and says what will follow.

A page that cannot do what it was sent for comes back with its sentence; what was typed still stands in it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bonefrac.accounts.models import User
from bonefrac.accounts.requests import signed_in
from bonefrac.errors import Conflict, Invalid
from inference import access, policies, registry, selectors
from inference.models import ModelVersion
from inference.states import Task


@dataclass(frozen=True, slots=True)
class Step:
    """One change of what serves, as its page asks for it.

    Attributes:
        title: Of the page, with the model's name.
        consequences: What will follow, in sentences.
        button: The verb.
        is_stop: Whether it takes something away.
        needs_reason: Whether a reason must be given.
    """

    title: str
    consequences: tuple[str, ...]
    button: str
    is_stop: bool = False
    needs_reason: bool = False


@require_http_methods(["GET", "POST"])
@login_required
def promote(request: HttpRequest, model_version_id: uuid.UUID) -> HttpResponse:
    """Ask whether a model shall go into service, beside the gate's last answer, or put it there."""
    user = signed_in(request)
    version = access.model_version(user, model_version_id)
    policies.require_manager(user)
    refusal: Conflict | Invalid | None = None
    if request.method == "POST":
        try:
            registry.promote(user, version, override_reason=request.POST.get("reason", "").strip())
        except (Conflict, Invalid) as error:
            refusal = error
        else:
            sentence = _("%(model)s is in service. Unread studies are asked again.")
            messages.success(request, sentence % {"model": version})
            return redirect("inference:model", version.pk)
    context = {
        "model": version,
        "refusal": refusal,
        "gate": next(iter(selectors.gates_of(version)), None),
        "active": selectors.active_model(Task(version.task)),
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "inference/promote.html", context, status=refusal.status if refusal else 200)


@require_POST
@login_required
def gate(request: HttpRequest, model_version_id: uuid.UUID) -> HttpResponse:
    """Ask the gate about a model and show what it answered."""
    user = signed_in(request)
    verdict = registry.gate(user, access.model_version(user, model_version_id))
    return redirect("inference:gate_verdict", verdict.pk)


@require_GET
@login_required
def gate_verdict(request: HttpRequest, gate_verdict_id: uuid.UUID) -> HttpResponse:
    """Show what the gate once answered, with every number."""
    user = signed_in(request)
    verdict = access.gate_verdict(user, gate_verdict_id)
    return render(request, "inference/gate.html", {"gate": verdict, "may_manage": policies.may_manage(user)})


@require_http_methods(["GET", "POST"])
@login_required
def retire(request: HttpRequest, model_version_id: uuid.UUID) -> HttpResponse:
    """Ask whether a model shall go out of service, or take it out."""
    consequences = (
        _("No model of this task is in service then: new studies are not assessed."),
        _("What this model said stays. Its waiting jobs are cancelled."),
        _("Rolling back puts the one before it into service instead."),
    )
    step = Step(_("Retire %(model)s"), consequences, _("Retire"), is_stop=True)
    done = _("%(model)s is out of service. What it said stays.")
    return _model_step(request, model_version_id, step, registry.retire, done)


@require_http_methods(["GET", "POST"])
@login_required
def start_shadow(request: HttpRequest, model_version_id: uuid.UUID) -> HttpResponse:
    """Ask whether a candidate shall predict silently, or let it."""
    consequences = (
        _("It predicts every new radiograph beside the model in service."),
        _("No reader is shown what it says, and it ranks no study."),
        _("Its page then compares the two on live studies."),
    )
    step = Step(_("Let %(model)s predict in the shadow"), consequences, _("Start the shadow"))
    done = _("%(model)s predicts in the shadow.")
    return _model_step(request, model_version_id, step, registry.shadow, done)


@require_http_methods(["GET", "POST"])
@login_required
def end_shadow(request: HttpRequest, model_version_id: uuid.UUID) -> HttpResponse:
    """Ask whether a shadow shall become a candidate again, or make it one."""
    consequences = (_("It is a candidate again. Its waiting jobs are cancelled, what it said stays."),)
    step = Step(_("End the shadow of %(model)s"), consequences, _("End the shadow"))
    done = _("%(model)s is a candidate again.")
    return _model_step(request, model_version_id, step, registry.end_shadow, done)


@require_http_methods(["GET", "POST"])
@login_required
def reject(request: HttpRequest, model_version_id: uuid.UUID) -> HttpResponse:
    """Ask for the reason why a model shall never serve, or reject it."""
    consequences = (_("It never goes into service. This cannot be taken back; the artifact and its figures stay."),)
    step = Step(_("Reject %(model)s"), consequences, _("Reject"), is_stop=True, needs_reason=True)
    done = _("%(model)s is rejected.")

    def verb(user: User, version: ModelVersion) -> ModelVersion:
        return registry.reject(user, version, reason=request.POST.get("reason", "").strip())

    return _model_step(request, model_version_id, step, verb, done)


@require_http_methods(["GET", "POST"])
@login_required
def roll_back(request: HttpRequest, task: str) -> HttpResponse:
    """Ask whether the model before the one in service shall serve again, or put it back."""
    user = signed_in(request)
    policies.require_manager(user)
    known = access.task(user, task)
    active, earlier = selectors.active_model(known), selectors.earlier_model(known)
    consequences = (
        _("%(model)s serves again; the gate is not asked, since it served before.") % {"model": earlier or "–"},
        _("%(model)s retires.") % {"model": active} if active else _("No model is in service now."),
        _("Unread studies are asked again. Signed ones keep what was seen."),
    )
    step = Step(_("Roll back: %(task)s") % {"task": known.label}, consequences, _("Roll back"))

    def verb() -> ModelVersion:
        return registry.roll_back(user, known)

    return _step(request, step, verb, _("%(model)s is in service again."), {"can_go": earlier is not None})


def _model_step(
    request: HttpRequest, key: uuid.UUID, step: Step, verb: Callable[[User, ModelVersion], ModelVersion], done: str
) -> HttpResponse:
    user = signed_in(request)
    version = access.model_version(user, key)
    policies.require_manager(user)
    named = Step(step.title % {"model": version}, step.consequences, step.button, step.is_stop, step.needs_reason)
    return _step(request, named, lambda: verb(user, version), done, {"model": version, "can_go": True})


def _step(
    request: HttpRequest, step: Step, verb: Callable[[], ModelVersion], done: str, context: dict[str, Any]
) -> HttpResponse:
    """Show the page of a step, or do it and go to the model's page."""
    refusal: Conflict | Invalid | None = None
    if request.method == "POST":
        try:
            version = verb()
        except (Conflict, Invalid) as error:
            refusal = error
        else:
            messages.success(request, done % {"model": version})
            return redirect("inference:model", version.pk)
    shown = {**context, "step": step, "refusal": refusal, "reason": request.POST.get("reason", "")}
    return render(request, "inference/step.html", shown, status=refusal.status if refusal else 200)
