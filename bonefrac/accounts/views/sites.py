"""Pages on which administrators make and change sites."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from bonefrac.accounts import access, policies, selectors
from bonefrac.accounts import people as verbs
from bonefrac.accounts.forms import SiteForm, show_faults
from bonefrac.accounts.requests import signed_in
from bonefrac.errors import DomainError


@require_GET
@login_required
def sites(request: HttpRequest) -> HttpResponse:
    """List the sites that the actor administers."""
    actor = signed_in(request)
    policies.require_admin_anywhere(actor)
    return render(request, "accounts/sites.html", {"administered": selectors.administered_sites(actor)})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new_site(request: HttpRequest) -> HttpResponse:
    """Make a site; its reading mode is asked."""
    actor = signed_in(request)
    policies.require_admin_anywhere(actor)
    form = SiteForm(request.POST or None)
    status = 400 if request.method == "POST" else 200
    if form.is_valid():
        try:
            made = verbs.make_site(actor, terms=form.terms())
        except DomainError as error:
            show_faults(form, error)
            status = error.status
        else:
            messages.success(request, _("%(site)s is made. You are its administrator.") % {"site": made})
            return redirect("accounts:sites")
    return render(request, "accounts/site.html", {"form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def site(request: HttpRequest, site_id: uuid.UUID) -> HttpResponse:
    """Show and change how a site works; a form that has become stale keeps what was typed."""
    actor = signed_in(request)
    found = access.site(actor, site_id)
    form = SiteForm(request.POST) if request.method == "POST" else SiteForm.of(found)
    status = 400 if request.method == "POST" else 200
    if form.is_valid():
        try:
            verbs.change_site(actor, site=found, terms=form.terms(), expected=form.cleaned_data["seen"])
        except DomainError as error:
            show_faults(form, error)
            status = error.status
        else:
            messages.success(request, _("Saved."))
            return redirect("accounts:site", site_id)
    context = {"form": form, "of_site": found, "now": SiteForm.of(found).initial}
    return render(request, "accounts/site.html", context, status=status)
