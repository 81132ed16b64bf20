"""Saved filters of the worklist: kept, renamed and forgotten by the person whose they are."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from bonefrac.accounts.requests import signed_in
from studies import saved_filters


@require_POST
@login_required
def save(request: HttpRequest) -> HttpResponse:
    """Keep the filters of the list under a name and show them."""
    kept = saved_filters.keep(
        signed_in(request), name=request.POST.get("name", ""), query=request.POST.get("query", "")
    )
    messages.success(request, _("Saved as “%(name)s”.") % {"name": kept.name})
    return _list(kept.query)


@require_POST
@login_required
def rename(request: HttpRequest, filter_id: uuid.UUID) -> HttpResponse:
    """Give a filter another name and show what it narrows."""
    kept = saved_filters.rename(signed_in(request), filter_id, name=request.POST.get("name", ""))
    messages.success(request, _("Renamed to “%(name)s”.") % {"name": kept.name})
    return _list(kept.query)


@require_POST
@login_required
def delete(request: HttpRequest, filter_id: uuid.UUID) -> HttpResponse:
    """Forget a filter."""
    name = saved_filters.delete(signed_in(request), filter_id)
    messages.success(request, _("The filter “%(name)s” is deleted.") % {"name": name})
    return _list("")


def _list(query: str) -> HttpResponse:
    return redirect(f"{reverse('studies:worklist')}?{query}")
