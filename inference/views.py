"""Pages of models and of jobs that failed."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from bonefrac.accounts.requests import signed_in
from inference import access, cards, jobs, policies, registry, selectors
from inference.figures import figures_of
from inference.reports import report_page
from inference.states import MODEL_TRANSITIONS, ModelEvent, ModelStatus

#: A report is a page from outside: it runs nothing, loads nothing and cannot reach the platform's own pages.
REPORT_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"


@require_GET
@login_required
def models(request: HttpRequest) -> HttpResponse:
    """Show every registered model, and whether one is in service."""
    user = signed_in(request)
    rows = [(version, figures_of(version)) for version in selectors.model_versions()]
    context = {"rows": rows, "active": selectors.active_model(), "may_manage": policies.may_manage(user)}
    return render(request, "inference/models.html", context)


@require_GET
@login_required
def model(request: HttpRequest, model_version_id: uuid.UUID) -> HttpResponse:
    """Show one model: what it is not for and its figures first, then its card."""
    user = signed_in(request)
    version = access.model_version(user, model_version_id)
    events = MODEL_TRANSITIONS.available(ModelStatus(version.status)) if policies.may_manage(user) else ()
    context = {
        "model": version,
        "figures": figures_of(version),
        "card": cards.html_of(version.card),
        "can_promote": ModelEvent.PROMOTE in events,
        "can_retire": ModelEvent.RETIRE in events,
        "active": selectors.active_model(),
    }
    return render(request, "inference/model.html", context)


@require_GET
@login_required
def report(request: HttpRequest, model_version_id: uuid.UUID) -> HttpResponse:
    """Send a model's report, sandboxed."""
    version = access.model_version(signed_in(request), model_version_id)
    headers = {"Content-Security-Policy": REPORT_POLICY, "X-Content-Type-Options": "nosniff"}
    return HttpResponse(report_page(version), content_type="text/html; charset=utf-8", headers=headers)


@require_POST
@login_required
def promote(request: HttpRequest, model_version_id: uuid.UUID) -> HttpResponse:
    """Put a model into service."""
    user = signed_in(request)
    version = registry.promote(user, access.model_version(user, model_version_id))
    messages.success(request, _("%(model)s is in service. Unread studies are asked again.") % {"model": version})
    return redirect("inference:model", version.pk)


@require_POST
@login_required
def retire(request: HttpRequest, model_version_id: uuid.UUID) -> HttpResponse:
    """Take a model out of service."""
    user = signed_in(request)
    version = registry.retire(user, access.model_version(user, model_version_id))
    messages.success(request, _("%(model)s is out of service. What it said stays.") % {"model": version})
    return redirect("inference:model", version.pk)


@require_GET
@login_required
def failed_jobs(request: HttpRequest) -> HttpResponse:
    """Show predictions that failed and were not asked again."""
    access.require_jobs(signed_in(request))
    return render(request, "inference/jobs.html", {"jobs": selectors.failed_jobs()})


@require_POST
@login_required
def retry(request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
    """Ask again for a prediction that failed."""
    user = signed_in(request)
    jobs.retry(user, access.job(user, job_id))
    messages.success(request, _("Asked again. It waits for a worker."))
    return redirect("inference:jobs")
