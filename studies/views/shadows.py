"""The page that holds a shadow against what people signed: counts only, no study and no person."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from bonefrac.accounts.requests import signed_in
from inference import access, policies
from studies.selectors.shadow import against_labels
from studies.states import Verdict


@require_GET
@login_required
def labels(request: HttpRequest, model_version_id: uuid.UUID) -> HttpResponse:
    """Show in how many signed studies a shadow and the model in service suspected a fracture."""
    user = signed_in(request)
    version = access.model_version(user, model_version_id)
    policies.require_live_answers(user)
    found = against_labels(version)
    rows = [
        (
            verdict.label,
            [found.suspected(verdict, by_shadow=by) for by in (False, True)],
            [found.suspected_alone(verdict, by_shadow=by) for by in (False, True)],
            found.fractures if verdict == Verdict.FRACTURE else found.others,
        )
        for verdict in (Verdict.FRACTURE, Verdict.NO_FRACTURE)
    ]
    return render(request, "studies/shadow_labels.html", {"comparison": found, "rows": rows})
