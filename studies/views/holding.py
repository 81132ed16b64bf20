"""Pages on which a lead decides about a file that names another patient than what is here."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from bonefrac.accounts.requests import signed_in
from inference import radiographs
from studies import intake
from studies.intake import holding
from studies.selectors.listing import pseudonym


@require_GET
@login_required
def held_file(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """Show a lead both sides of a conflict of patients."""
    sides = holding.sides_of(signed_in(request), file_id)
    context = {"sides": sides, "other": pseudonym(sides.study)}
    response = render(request, "studies/held_file.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


@require_GET
@login_required
def held_preview(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """Send a lead the picture of a held file."""
    shown = radiographs.preview(holding.pixels_of(signed_in(request), file_id))
    response = HttpResponse(shown, content_type="image/png")
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@login_required
def link_held(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """Take a held file for what is here."""
    intake.link_held(signed_in(request), file_id)
    messages.success(request, _("The file was put where its picture is; its sender is told."))
    return redirect("studies:held")
