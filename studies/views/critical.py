"""Pages of critical findings: the list, whom one told, and who acknowledged."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from bonefrac.accounts.requests import signed_in
from bonefrac.errors import Invalid
from studies import critical as verbs
from studies.selectors import critical as selectors
from studies.terms import Channel


@require_GET
@login_required
def critical(request: HttpRequest) -> HttpResponse:
    """List critical findings of the person's sites."""
    user, show = signed_in(request), request.GET.get("show", "open")
    page = selectors.page(user, show=show, cursor=request.GET.get("cursor", ""))
    context = {
        "rows": selectors.rows_of(user, page),
        "following": page.next_cursor,
        "show": show if show in selectors.SHOWS else "open",
        "channels": Channel.choices,
    }
    response = render(request, "studies/critical.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@login_required
def communicate(request: HttpRequest, finding_id: uuid.UUID) -> HttpResponse:
    """Record whom somebody told, when and how."""
    told = verbs.communicate(
        signed_in(request),
        finding_id,
        whom=request.POST.get("whom", ""),
        channel=request.POST.get("channel", ""),
        told_at=_when(request.POST.get("told_at", "")),
        note=request.POST.get("note", ""),
        is_acknowledged=request.POST.get("is_acknowledged") == "1",
    )
    messages.success(request, _("Recorded."))
    return _go_to(request, told.critical_finding.study_id)


@require_POST
@login_required
def acknowledge(request: HttpRequest, finding_id: uuid.UUID) -> HttpResponse:
    """Note who acknowledged a critical finding."""
    found = verbs.acknowledge(signed_in(request), finding_id, name=request.POST.get("name", ""))
    messages.success(request, _("Acknowledged. The reading room sees it."))
    return _go_to(request, found.study_id)


def _go_to(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Go to the study; a script that sent the form is told where, and keeps it where it was refused."""
    if getattr(request, "htmx", False):
        return HttpResponse(headers={"HX-Redirect": reverse("studies:study", args=[study_id])})
    return redirect("studies:study", study_id)


def _when(text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        sentence = _("The time was not understood. Nothing was recorded; choose a date and a time, or leave it empty.")
        raise Invalid(sentence, fields={"told_at": sentence})
    return found if timezone.is_aware(found) else timezone.make_aware(found)
