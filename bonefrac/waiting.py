"""What waits behind the entries of the header, asked again while a page is open."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from bonefrac.accounts.requests import signed_in_only
from bonefrac.context import counts


@require_GET
@signed_in_only
def waiting(request: HttpRequest) -> HttpResponse:
    """Say how much waits behind each counted entry, by its address; a poll, which records nothing."""
    return JsonResponse(counts(request), headers={"Cache-Control": "private, no-store"})
