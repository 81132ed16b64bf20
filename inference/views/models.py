"""Pages on which models are looked at: the list, a card, a report, two versions side by side."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from bonefrac.accounts.requests import signed_in
from inference import access, cards, comparisons, policies, selectors
from inference.explanations import licence_of
from inference.figures import figures_of
from inference.reports import report_page
from inference.states import MODEL_TRANSITIONS, ModelStatus

#: A report is a page from outside: it runs nothing, loads nothing and cannot reach the platform's own pages.
REPORT_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"


@require_GET
@login_required
def models(request: HttpRequest) -> HttpResponse:
    """Show every registered model by task, and which of them serve."""
    user = signed_in(request)
    looks = selectors.looks_at_test()
    groups = [
        (group, [(row, figures_of(row), looks.get(row.pk)) for row in group.versions])
        for group in selectors.models_by_task()
    ]
    return render(request, "inference/models.html", {"groups": groups, "sees_jobs": policies.sees_live_answers(user)})


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
        "licence": licence_of(version),
        "card": cards.html_of(version.card),
        "events": [str(event) for event in events],
        "others": selectors.others_of_task(version),
        "gates": selectors.gates_of(version),
        "test_sets": selectors.used_test_sets(version),
    }
    return render(request, "inference/model.html", context)


@require_GET
@login_required
def compare(request: HttpRequest, model_version_id: uuid.UUID, other_id: uuid.UUID) -> HttpResponse:
    """Show two versions of one task side by side."""
    user = signed_in(request)
    first, second = (access.model_version(user, key) for key in (model_version_id, other_id))
    return render(request, "inference/compare.html", {"comparison": comparisons.between(first, second)})


@require_GET
@login_required
def shadow(request: HttpRequest, model_version_id: uuid.UUID) -> HttpResponse:
    """Show what a shadow said of live radiographs beside the model in service."""
    user = signed_in(request)
    version = access.model_version(user, model_version_id)
    policies.require_live_answers(user)
    return render(request, "inference/shadow.html", {"comparison": selectors.shadow_comparison(version)})


@require_GET
@login_required
def report(request: HttpRequest, model_version_id: uuid.UUID) -> HttpResponse:
    """Send a model's report, sandboxed."""
    version = access.model_version(signed_in(request), model_version_id)
    headers = {"Content-Security-Policy": REPORT_POLICY, "X-Content-Type-Options": "nosniff"}
    return HttpResponse(report_page(version), content_type="text/html; charset=utf-8", headers=headers)
