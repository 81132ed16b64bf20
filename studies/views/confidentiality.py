"""The page on which those who treat see who a patient is, and the pages of text in the pixels."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from bonefrac.accounts.requests import signed_in
from studies import access
from studies import identity as identities


@never_cache
@require_GET
@login_required
def identity(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Show who the patient of a study is; that it was seen is recorded."""
    user = signed_in(request)
    fields = identities.view(user, study_id)
    context = {"study": access.study(user, study_id), "fields": fields}
    return render(request, "studies/identity.html", context)
