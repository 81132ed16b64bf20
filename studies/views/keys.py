"""The page on which people choose their own keys."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from bonefrac.accounts.models import User
from bonefrac.accounts.requests import signed_in
from studies import keys as verbs


@require_http_methods(["GET", "POST"])
@login_required
def keys(request: HttpRequest) -> HttpResponse:
    """Show the person's keys, or change one or all of them."""
    user = signed_in(request)
    if request.method == "GET":
        return _show(request, user)
    messages.success(request, _change(user, request))
    if not getattr(request, "htmx", False):
        return redirect("studies:keys")
    return _show(request, user, template="studies/keys_list.html")


def _change(user: User, request: HttpRequest) -> str:
    action, key = request.POST.get("action", ""), request.POST.get("key", "")
    if request.POST.get("all") == "1":
        verbs.restore_all(user)
        return _("Every action has its usual key again.")
    kept = verbs.bind(user, action=action, key=key) if key else verbs.restore(user, action=action)
    return _("Kept: %(key)s is “%(words)s”.") % {"key": " ".join(kept.caps), "words": kept.action.words}


def _show(request: HttpRequest, user: User, template: str = "studies/keys.html") -> HttpResponse:
    context = {"keys": verbs.of(user), "is_fragment": template != "studies/keys.html"}
    response = render(request, template, context)
    response["Cache-Control"] = "private, no-store"
    return response
