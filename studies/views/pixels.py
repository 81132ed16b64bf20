"""Sends pixels: a DICOM instance and a preview of each image, to whoever may see its study."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from bonefrac.accounts.requests import signed_in
from inference import radiographs
from studies import access
from studies.dicom import compose


@require_GET
@login_required
def instance(request: HttpRequest, study_id: uuid.UUID, image_id: uuid.UUID) -> HttpResponse:
    """Send an image as a DICOM file, composed from its frame and the study's de-identified header."""
    image = access.image(signed_in(request), study_id, image_id)
    return _cached(HttpResponse(compose.instance(image), content_type="application/dicom"))


@require_GET
@login_required
def preview(request: HttpRequest, study_id: uuid.UUID, image_id: uuid.UUID) -> HttpResponse:
    """Send a small picture of an image."""
    image = access.image(signed_in(request), study_id, image_id)
    return _cached(HttpResponse(radiographs.preview(image.radiograph), content_type="image/png"))


def _cached(response: HttpResponse) -> HttpResponse:
    """Let the person's own browser keep pixels, which never change, and nobody between."""
    response["Cache-Control"] = "private, max-age=3600, immutable"
    return response
