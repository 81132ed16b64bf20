"""What is done with a reading form that is not signed yet: it is kept as a draft, dropped, or put into a sentence.

Asked by the reading page's script in the background; answers are JSON and leave no record of an opening.
"""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_POST

from bonefrac.accounts.requests import signed_in, signed_in_only
from bonefrac.errors import DomainError
from studies import access, drafts, forms, report_sentence


@require_POST
@signed_in_only
def keep(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Keep what stands in the form; 409 with the other version where another tab or device saved meanwhile."""
    try:
        draft = drafts.keep(
            signed_in(request),
            study_id,
            purpose=forms.purpose(request.POST),
            form=forms.typed(request.POST),
            version=forms.number(request.POST, "draft_version"),
            revision=forms.number(request.POST, "revision"),
        )
    except DomainError as error:
        return _refused(error)
    return JsonResponse({"version": draft.version, "saved_at": draft.saved_at})


@require_POST
@signed_in_only
def discard(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Drop the person's draft of a study."""
    user = signed_in(request)
    drafts.discard(user, access.read_study(user, study_id), forms.purpose(request.POST))
    return JsonResponse({"version": 0})


@require_POST
@signed_in_only
def sentence(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Put what stands in the form into one plain sentence to copy."""
    study = access.read_study(signed_in(request), study_id)
    said = report_sentence.compose(
        forms.typed(request.POST), body_part=study.body_part, side=study.side, views=len(study.images.all())
    )
    return JsonResponse({"sentence": said})


def _refused(error: DomainError) -> JsonResponse:
    """Answer a refusal in the one JSON shape, with the sentence and the version that the page's script looks for."""
    version = int(error.fields.get("version", 0))
    return JsonResponse({**error.as_dict(), "sentence": error.sentence, "version": version}, status=error.status)
