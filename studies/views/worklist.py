"""Pages of the worklist: the list, claims, the next study and what comes after it."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from bonefrac.accounts.models import User
from bonefrac.accounts.requests import signed_in
from studies import access, reviews, saved_filters
from studies import worklist as verbs
from studies.models import Study
from studies.policies import may_read
from studies.selectors import filtering, listing
from studies.selectors.filtering import Filters
from studies.selectors.front_door import front_door
from studies.selectors.reads import reads_page
from studies.selectors.rows import uploads_page, worklist_page
from studies.standings import Standings, standings_of
from studies.states import AgeBand, AIState, BodyPart, Side, StudyStatus


@require_GET
@login_required
def worklist(request: HttpRequest) -> HttpResponse:
    """Show the studies that the person may see; a poll gets the rows alone and leaves no record."""
    user = signed_in(request)
    at = standings_of(user)
    filters = filtering.parse(request.GET)
    if filters.show == "uploads" or listing.only_uploads(at):
        return _uploads(request, user, at)
    in_background = request.headers.get("X-Background") == "1"
    context = _shared(request, user, filters, at)
    cursor = context["cursor"]
    if filters.show == "reads":
        context["rows"], context["following"] = reads_page(user, filters, cursor=cursor, at=at)
    else:
        context["rows"], context["following"] = worklist_page(
            user, filters, cursor=cursor, in_background=in_background, at=at
        )
    if in_background:
        return _fresh(render(request, "studies/worklist_live.html", context))
    return _fresh(render(request, "studies/worklist.html", {**context, **_choices(user)}))


@require_POST
@login_required
def claim(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Claim a study and go on to read it."""
    return redirect(address_of(verbs.claim(signed_in(request), study_id)))


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
    return redirect(_list(request))


@require_POST
@login_required
def skip(request: HttpRequest, study_id: uuid.UUID) -> HttpResponse:
    """Pass over a study with a reason; from the reading page the next one follows, from the list the list."""
    user = signed_in(request)
    skipped = verbs.skip(user, study_id, reason=request.POST.get("reason", ""))
    messages.success(request, _("Skipped. The pool does not hand it to you again; others take it, and leads see why."))
    following = verbs.next_for(user, skipped.study.site) if request.POST.get("next") == "1" else None
    address = address_of(following) if following else _list(request)
    if "X-In-Place" in request.headers and (following is None or following.status == StudyStatus.DISPUTED):
        return HttpResponse(headers={"X-Address": address})
    return redirect(address)


@require_POST
@login_required
def take_next(request: HttpRequest, site_id: uuid.UUID) -> HttpResponse:
    """Claim the study that the person should read next at a site."""
    user = signed_in(request)
    study = verbs.next_for(user, access.site(user, site_id))
    if study is None:
        messages.info(request, _("Nothing waits for you at this site."))
        return redirect("studies:worklist")
    return redirect(address_of(study))


@require_GET
@login_required
def upcoming(request: HttpRequest, study_id: uuid.UUID) -> JsonResponse:
    """Say which images the person will see next, so that they are fetched already; nothing is claimed by it."""
    study = verbs.upcoming(signed_in(request), study_id)
    images = [
        {
            "id": str(image.pk), "rows": image.radiograph.rows, "columns": image.radiograph.columns,
            "dicom": reverse("studies:instance", args=[study.pk, image.pk]),
            "preview": reverse("studies:preview", args=[study.pk, image.pk]),
        }
        for image in study.images.select_related("radiograph")
    ] if study else []  # fmt: skip
    shown = {"study": str(study.pk) if study else None, "images": images}
    return JsonResponse(shown, headers={"Cache-Control": "private, no-store"})


def address_of(study: Study) -> str:
    """Return where a study that somebody holds is read: by its readers, or by the lead who settles a dispute."""
    page = "studies:adjudicate" if study.status == StudyStatus.DISPUTED else "studies:read"
    return reverse(page, args=[study.pk])


def _shared(request: HttpRequest, user: User, filters: Filters, at: Standings) -> dict[str, Any]:
    """Return what the page and its polls have in common."""
    sites = list(listing.site_wide(at))
    return {
        "filters": filters,
        "cursor": request.GET.get("cursor", ""),
        "counts": listing.counts(user, at),
        "my_sites": sites,
        "reads": any(may_read(held) for held in at.values()),
        "leads": any(held.leads for held in at.values()),
        "uploads": listing.has_uploads(at),
        "door": front_door(user),
    }


def _choices(user: User) -> dict[str, Any]:
    """Return what the filters may be and which the person has saved; and what they may still take back."""
    return {
        "undo": reviews.undoable(user),
        "saved": saved_filters.filters_of(user),
        "parts": BodyPart.choices,
        "sides": Side.choices,
        "states": AIState.choices,
        "bands": AgeBand.choices,
        "missings": filtering.missings(),
    }


def _uploads(request: HttpRequest, user: User, at: Standings) -> HttpResponse:
    rows, following = uploads_page(user, cursor=request.GET.get("cursor", ""))
    is_all = listing.only_uploads(at)
    context = {"rows": rows, "following": following, "is_all": is_all}
    return _fresh(render(request, "studies/my_studies.html", context))


def _list(request: HttpRequest) -> str:
    """Return the address of the list as the person had narrowed it."""
    query = filtering.parse(QueryDict(request.POST.get("query", ""))).query
    return f"{reverse('studies:worklist')}?{query}" if query else reverse("studies:worklist")


def _fresh(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "private, no-store"
    return response
