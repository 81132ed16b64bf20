"""Pages of judgements that differ: the list, two side by side, and that somebody has looked."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from bonefrac.accounts.requests import signed_in
from studies import divergences as verbs
from studies.selectors import agreement as agreements
from studies.selectors import divergences as selectors
from studies.states import BodyPart
from studies.terms import DivergenceKind


@require_GET
@login_required
def divergences(request: HttpRequest) -> HttpResponse:
    """List judgements that differ, newest first."""
    user = signed_in(request)
    filters = _filters(request.GET)
    page = selectors.page(user, filters, cursor=request.GET.get("cursor", ""))
    kept = request.GET.copy()
    kept.pop("cursor", None)
    context = {
        "rows": selectors.rows_of(page),
        "following": page.next_cursor,
        "filters": filters,
        "kinds": DivergenceKind.choices,
        "parts": BodyPart.choices,
        "sites": agreements.sites_of(user),
        "address": kept.urlencode(),
    }
    response = render(request, "studies/divergences.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


@require_GET
@login_required
def divergence(request: HttpRequest, divergence_id: uuid.UUID) -> HttpResponse:
    """Show two judgements side by side."""
    beside = selectors.open_divergence(signed_in(request), divergence_id)
    context = {"beside": beside, "study": beside.row.divergence.study}
    response = render(request, "studies/divergence.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@login_required
def look_at(request: HttpRequest, divergence_id: uuid.UUID) -> HttpResponse:
    """Note that a lead has looked."""
    verbs.look_at(signed_in(request), divergence_id, remark=request.POST.get("remark", ""))
    messages.success(request, _("Looked at."))
    return redirect("studies:divergences")


def _filters(data: QueryDict) -> selectors.Filters:
    try:
        site = uuid.UUID(data.get("site", "")) if data.get("site") else None
    except ValueError:
        site = None
    show = data.get("show", "new")
    shown = show if show in selectors.SHOWS else "new"
    return selectors.Filters(show=shown, kind=data.get("kind", ""), site=site, part=data.get("part", ""))
