"""Pages of coming and going: sign in, unlock, sign out, passwords."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from bonefrac.accounts import links, people, sessions
from bonefrac.accounts.forms import LinkPasswordForm, OwnPasswordForm, SignInForm, UnlockForm, show_faults
from bonefrac.accounts.requests import signed_in
from bonefrac.errors import DomainError

GET_OR_POST = ["GET", "HEAD", "POST"]


def _wanted(request: HttpRequest) -> str:
    return sessions.safe_destination(request, request.POST.get("next", request.GET.get("next", "")))


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(GET_OR_POST)
def sign_in(request: HttpRequest) -> HttpResponse:
    """Ask for name and password; go where the person wanted to go."""
    destination = _wanted(request)
    form = SignInForm(request.POST or None)
    status = 200
    if form.is_valid():
        if sessions.sign_in(request, **form.cleaned_data):
            return redirect(destination)
        form.add_error(None, _("Name and password do not belong together, or the account is not in use here."))
        status = 400
    return render(request, "accounts/sign_in.html", {"form": form, "next": destination}, status=status)


def locked_out(request: HttpRequest, *_: object) -> HttpResponse:
    """Answer further attempts while a name is locked for an address; django-axes calls this."""
    return render(request, "accounts/locked_out.html", status=429)


@never_cache
@sensitive_post_parameters("password")
@login_required
@require_http_methods(GET_OR_POST)
def unlock(request: HttpRequest) -> HttpResponse:
    """Ask a locked session's person for the password and return to where they were."""
    destination = _wanted(request)
    form = UnlockForm(request.POST or None)
    status = 200
    if form.is_valid():
        if sessions.unlock(request, person=signed_in(request), password=form.cleaned_data["password"]):
            return redirect(destination)
        form.add_error("password", _("This is not your password."))
        status = 400
    return render(request, "accounts/unlock.html", {"form": form, "next": destination}, status=status)


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    sessions.sign_out(request)
    return redirect("accounts:sign_in")


@never_cache
@sensitive_post_parameters("password", "again", "token")
@require_http_methods(GET_OR_POST)
def set_password(request: HttpRequest) -> HttpResponse:
    """Set a first or new password by a one-time link."""
    given = request.POST if request.method == "POST" else request.GET
    who, token = given.get("who", ""), given.get("token", "")
    person = links.person_of(who, token)
    form = LinkPasswordForm(request.POST or None, initial={"who": who, "token": token})
    status = 200
    if form.is_valid():
        try:
            people.accept_invitation(who=who, token=token, password=form.cleaned_data["password"])
        except DomainError as error:
            show_faults(form, error)
            status = error.status
        else:
            messages.success(request, _("Your password is set. Sign in with it now."))
            return redirect("accounts:sign_in")
    return render(request, "accounts/set_password.html", {"form": form, "person": person}, status=status)


@never_cache
@sensitive_post_parameters("present", "password", "again")
@login_required
@require_http_methods(GET_OR_POST)
def change_password(request: HttpRequest) -> HttpResponse:
    """Change one's own password; other sessions end, this one stays."""
    form = OwnPasswordForm(request.POST or None)
    status = 200
    if form.is_valid():
        asked = form.cleaned_data
        try:
            person = people.change_own_password(
                signed_in(request), present=asked["present"], password=asked["password"]
            )
        except DomainError as error:
            show_faults(form, error)
            status = error.status
        else:
            sessions.keep_after_password_change(request, person)
            messages.success(request, _("Your password is changed. Your other sessions have ended."))
            return redirect("accounts:change_password")
    return render(request, "accounts/change_password.html", {"form": form}, status=status)
