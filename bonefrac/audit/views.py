"""The page of the audit record; it only reads."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from bonefrac.accounts.requests import signed_in
from bonefrac.audit import selectors
from bonefrac.audit.forms import FilterForm


@require_GET
@login_required
def events(request: HttpRequest) -> HttpResponse:
    """List the events of the actor's sites."""
    form = FilterForm(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    page = selectors.events_page(signed_in(request), **wanted, cursor=request.GET.get("cursor", ""))
    context = {"form": form, "page": page, "query": urlencode(wanted)}
    return render(request, "audit/events.html", context, status=200 if form.is_valid() else 400)
