"""The page of what a person was told about studies that they read, hold or sent."""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from bonefrac.accounts.requests import signed_in
from studies import notices as verbs
from studies.selectors.listing import pseudonym


@require_GET
@login_required
def notices(request: HttpRequest) -> HttpResponse:
    """List notices, newest first."""
    page = verbs.page_of(signed_in(request), cursor=request.GET.get("cursor", ""))
    rows = [(notice, pseudonym(notice.study)) for notice in page.rows]
    response = render(request, "studies/notices.html", {"rows": rows, "following": page.next_cursor})
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@login_required
def seen(request: HttpRequest, notice_id: uuid.UUID) -> HttpResponse:
    """Note that a notice was seen and go on to its study."""
    notice = verbs.mark_seen(signed_in(request), notice_id)
    return redirect("studies:study", notice.study_id)


@require_POST
@login_required
def all_seen(request: HttpRequest) -> HttpResponse:
    """Note that everything was seen."""
    verbs.mark_all_seen(signed_in(request))
    return redirect("studies:notices")
