"""The page on which administrators look after the devices that store over the DICOM network."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from bonefrac.accounts import policies
from bonefrac.accounts.forms import show_faults
from bonefrac.accounts.requests import signed_in
from bonefrac.errors import DomainError
from bonefrac.paging import newest_first
from studies.dimse import devices as verbs
from studies.dimse.forms import DeviceForm


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def devices(request: HttpRequest) -> HttpResponse:
    """List the devices of the actor's sites, the newest first, and add one."""
    actor = signed_in(request)
    policies.require_admin_anywhere(actor)
    senders = verbs.senders(actor)
    form = DeviceForm(request.POST or None, senders=senders)
    status = 400 if request.method == "POST" else 200
    if form.is_valid():
        sender = form.chosen_sender()
        try:
            made = verbs.add(actor, site=sender.site, person=sender.user, terms=form.terms())
        except DomainError as error:
            show_faults(form, error)
            status = error.status
        else:
            messages.success(request, _("%(device)s may store from now on.") % {"device": made})
            return redirect("studies:devices")
    page = newest_first(verbs.visible_to(actor), time="added_at", cursor=request.GET.get("cursor", ""))
    context = {"page": page, "form": form, "has_senders": senders.exists()}
    return render(request, "studies/devices.html", context, status=status)


@require_POST
@login_required
def deactivate(request: HttpRequest, device_id: uuid.UUID) -> HttpResponse:
    """Refuse a device from now on."""
    actor = signed_in(request)
    device = verbs.device(actor, device_id)
    verbs.deactivate(actor, device=device)
    messages.success(request, _("%(device)s is refused from now on.") % {"device": device})
    return redirect("studies:devices")


@require_POST
@login_required
def reactivate(request: HttpRequest, device_id: uuid.UUID) -> HttpResponse:
    """Let a device call again."""
    actor = signed_in(request)
    device = verbs.device(actor, device_id)
    verbs.reactivate(actor, device=device)
    messages.success(request, _("%(device)s may store again.") % {"device": device})
    return redirect("studies:devices")
