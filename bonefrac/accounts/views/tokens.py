"""The page on which people make and end the tokens of their programs."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from bonefrac.accounts import access, selectors
from bonefrac.accounts import people as verbs
from bonefrac.accounts.forms import TokenForm, show_faults
from bonefrac.accounts.requests import signed_in
from bonefrac.errors import DomainError


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def tokens(request: HttpRequest) -> HttpResponse:
    """List one's own tokens, and show a new one once."""
    actor = signed_in(request)
    form = TokenForm(request.POST or None)
    token, status = "", 200
    if form.is_valid():
        try:
            token = verbs.issue_token(actor, label=form.cleaned_data["label"])
            form = TokenForm()
        except DomainError as error:
            show_faults(form, error)
            status = error.status
    context = {"form": form, "token": token, "held": selectors.tokens_of(actor)}
    return render(request, "accounts/tokens.html", context, status=status)


@require_POST
@login_required
def revoke_token(request: HttpRequest, token_id: uuid.UUID) -> HttpResponse:
    """End one of one's own tokens."""
    actor = signed_in(request)
    verbs.revoke_token(actor, token=access.token(actor, token_id))
    messages.success(request, _("The token is revoked; programs that use it are refused from now on."))
    return redirect("accounts:tokens")
