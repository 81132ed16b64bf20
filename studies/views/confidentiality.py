"""The page on which those who treat see who a patient is, and the pages of text in the pixels."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from bonefrac.accounts.requests import signed_in
from bonefrac.errors import Invalid
from studies import access
from studies import identity as identities
from studies.intake import lettering


@never_cache
@require_GET
@login_required
def identity(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Show who the patient of a study is; that it was seen is recorded."""
    user = signed_in(request)
    fields = identities.view(user, study_id)
    context = {"study": access.study(user, study_id), "fields": fields}
    return render(request, "studies/identity.html", context)


@never_cache
@require_GET
@login_required
def held_text(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """Show the text that was found in a picture's pixels, who is in charge, and to a lead what can be done."""
    seen = lettering.held(signed_in(request), file_id)
    context = {
        "held": seen,
        "file": seen.file,
        "size": seen.file.details["size"],
        "lines": seen.file.details["lettering"],
    }
    return render(request, "studies/held_text.html", context)


@never_cache
@require_GET
@login_required
def held_picture(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """Send the picture of a file that is held for its text; that it was seen is recorded."""
    return HttpResponse(lettering.picture_of(signed_in(request), file_id), content_type="image/png")


@require_POST
@login_required
def take_on(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """Put the lead in charge of a held file."""
    lettering.take_on(signed_in(request), file_id)
    return redirect("studies:held_text", file_id)


@require_POST
@login_required
def clear_text(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """Let a file in whose text names nobody."""
    lettering.clear(signed_in(request), file_id)
    messages.success(request, _("Cleared. The file is judged again."))
    return redirect("studies:held")


@require_POST
@login_required
def mask_text(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """Have regions of a picture made dark."""
    lettering.mask(signed_in(request), file_id, regions=_regions(request.POST.getlist("region")))
    messages.success(request, _("Masked. The file is judged again without these regions."))
    return redirect("studies:held")


def _regions(texts: list[str]) -> list[list[int]]:
    try:
        regions = [[int(part) for part in text.split(",")] for text in texts]
    except ValueError as error:
        raise Invalid(_("A region is four whole numbers."), code="bad_region") from error
    if any(len(region) != 4 for region in regions):
        raise Invalid(_("A region is four whole numbers."), code="bad_region")
    return regions
