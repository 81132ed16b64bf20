"""Pages of the worklist: the list, claims, and the next study."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from bonefrac.accounts.models import User
from bonefrac.accounts.requests import signed_in
from studies import access, forms
from studies import worklist as verbs
from studies.selectors import listing
from studies.selectors.front_door import front_door
from studies.selectors.rows import uploads_page, worklist_page
from studies.states import BodyPart


@require_GET
@login_required
def worklist(request: HttpRequest) -> HttpResponse:
    """Show the studies that the person may see; a poll gets the rows alone and leaves no record."""
    user = signed_in(request)
    if listing.only_uploads(user):
        return _uploads(request, user)
    filters = forms.filters(request.GET)
    in_background = request.headers.get("X-Background") == "1"
    cursor = request.GET.get("cursor", "")
    rows, following = worklist_page(user, filters, cursor=cursor, in_background=in_background)
    context = {
        "rows": rows, "following": following, "filters": filters, "cursor": cursor, "counts": listing.counts(user),
        "sites": listing.sites_of(user), "parts": BodyPart.choices, "reads": access.reads_somewhere(user),
        "address": _address(request), "is_poll": in_background, "door": front_door(user),
    }  # fmt: skip
    template = "studies/worklist_live.html" if in_background else "studies/worklist.html"
    response = render(request, template, context)
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@login_required
def claim(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Claim a study and go on to read it."""
    study = verbs.claim(signed_in(request), study_id)
    return redirect("studies:read", study.pk)


@require_POST
@login_required
def extend(request: HttpRequest, study_id: uuid.UUID) -> JsonResponse:
    """Extend the person's claim while they read."""
    study = verbs.extend(signed_in(request), study_id)
    until = study.claimed_until
    return JsonResponse({"claimed_until": until.isoformat() if until else None})


@require_POST
@login_required
def hand_back(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Give a study back to the pool."""
    verbs.hand_back(signed_in(request), study_id)
    messages.success(request, _("Handed back. Another reader can take it."))
    return redirect("studies:worklist")


@require_POST
@login_required
def take_next(request: HttpRequest, site_id: uuid.UUID) -> HttpResponse:
    """Claim the study that the person should read next at a site."""
    user = signed_in(request)
    study = verbs.next_for(user, access.site(user, site_id))
    if study is None:
        messages.info(request, _("Nothing waits for you at this site."))
        return redirect("studies:worklist")
    return redirect("studies:read", study.pk)


def _uploads(request: HttpRequest, user: User) -> HttpResponse:
    rows, following = uploads_page(user, cursor=request.GET.get("cursor", ""))
    return render(request, "studies/my_studies.html", {"rows": rows, "following": following})


def _address(request: HttpRequest) -> str:
    """Return the filters of the address without its cursor, to be followed by one."""
    asked = request.GET.copy()
    asked.pop("cursor", None)
    return asked.urlencode()
