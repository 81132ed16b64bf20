"""Pages on which administrators look after the people of their sites."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from bonefrac.accounts import access, mail, policies, selectors
from bonefrac.accounts import people as verbs
from bonefrac.accounts.forms import GrantByUsernameForm, GrantForm, InviteForm, show_faults
from bonefrac.accounts.links import OneTimeLink
from bonefrac.accounts.models import Role
from bonefrac.accounts.requests import signed_in
from bonefrac.errors import DomainError


def _show_list(
    request: HttpRequest,
    *,
    invite: InviteForm | None = None,
    grant: GrantByUsernameForm | None = None,
    status: int = 200,
) -> HttpResponse:
    actor = signed_in(request)
    sites = selectors.administered_sites(actor)
    page = selectors.people_page(actor, cursor=request.GET.get("cursor", ""))
    context = {
        "rows": selectors.rows_of(actor, page.rows),
        "next_cursor": page.next_cursor,
        "invite_form": invite or InviteForm(sites=sites),
        "grant_form": grant or GrantByUsernameForm(sites=sites),
    }
    return render(request, "accounts/people.html", context, status=status)


def _show_link(request: HttpRequest, link: OneTimeLink) -> HttpResponse:
    address = request.build_absolute_uri(link.path)
    context = {"link": link, "address": address, "is_mailed": mail.send_link(link, address=address)}
    return render(request, "accounts/link.html", context)


@require_GET
@login_required
def people(request: HttpRequest) -> HttpResponse:
    """List the people of the actor's sites, with forms to invite and to give a role."""
    policies.require_admin_anywhere(signed_in(request))
    return _show_list(request)


@never_cache
@require_POST
@login_required
def invite(request: HttpRequest) -> HttpResponse:
    """Invite somebody and show the one-time link, this once."""
    actor = signed_in(request)
    policies.require_admin_anywhere(actor)
    form = InviteForm(request.POST, sites=selectors.administered_sites(actor))
    status = 400
    if form.is_valid():
        asked = {**form.cleaned_data, "roles": [Role(role) for role in form.cleaned_data["roles"]]}
        try:
            return _show_link(request, verbs.invite(actor, **asked))
        except DomainError as error:
            show_faults(form, error)
            status = error.status
    return _show_list(request, invite=form, status=status)


@require_POST
@login_required
def grant_by_username(request: HttpRequest) -> HttpResponse:
    """Give a role to somebody of another site who is known by the exact username."""
    actor = signed_in(request)
    policies.require_admin_anywhere(actor)
    form = GrantByUsernameForm(request.POST, sites=selectors.administered_sites(actor))
    status = 400
    if form.is_valid():
        asked = {**form.cleaned_data, "role": Role(form.cleaned_data["role"])}
        try:
            membership = verbs.grant_by_username(actor, **asked)
        except DomainError as error:
            show_faults(form, error)
            status = error.status
        else:
            messages.success(request, _("The role is given."))
            return redirect("accounts:person", membership.user_id)
    return _show_list(request, grant=form, status=status)


@require_GET
@login_required
def person(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Show one person, the roles at the actor's sites, and what may be done."""
    actor = signed_in(request)
    found = access.person(actor, person_id)
    context = {
        "row": selectors.rows_of(actor, [found])[0],
        "form": GrantForm(sites=selectors.administered_sites(actor)),
        "is_whole_charge": policies.is_whole_charge(actor, found),
        "is_self": found.pk == actor.pk,
    }
    return render(request, "accounts/person.html", context)


@require_POST
@login_required
def grant(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Give a person of the actor's sites another role."""
    actor = signed_in(request)
    found = access.person(actor, person_id)
    form = GrantForm(request.POST, sites=selectors.administered_sites(actor))
    if form.is_valid():
        site, role = form.cleaned_data["site"], Role(form.cleaned_data["role"])
        verbs.grant(actor, person=found, site=site, role=role)
        messages.success(request, _("The role is given."))
    else:
        messages.error(request, _("Choose one of your sites and a role. Nothing was changed."))
    return redirect("accounts:person", person_id)


@require_POST
@login_required
def revoke(request: HttpRequest, membership_id: uuid.UUID) -> HttpResponse:
    """Take a role from a person."""
    actor = signed_in(request)
    held = access.membership(actor, membership_id)
    verbs.revoke(actor, person=held.user, site=held.site, role=Role(held.role))
    messages.success(request, _("The role is taken back."))
    return redirect("accounts:people")


@require_POST
@login_required
def appoint_engineer(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Let a person look after models."""
    actor = signed_in(request)
    verbs.appoint_engineer(actor, person=access.person(actor, person_id))
    messages.success(request, _("This person is an engineer now: models, no further studies."))
    return redirect("accounts:person", person_id)


@require_POST
@login_required
def dismiss_engineer(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Let a person look after models no longer."""
    actor = signed_in(request)
    verbs.dismiss_engineer(actor, person=access.person(actor, person_id))
    messages.success(request, _("This person is no engineer any more."))
    return redirect("accounts:person", person_id)


@require_POST
@login_required
def deactivate(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Shut an account."""
    actor = signed_in(request)
    verbs.deactivate(actor, person=access.person(actor, person_id))
    messages.success(request, _("The account is shut. Its sessions and tokens have ended."))
    return redirect("accounts:person", person_id)


@never_cache
@require_POST
@login_required
def reactivate(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Open an account again and show the one-time link for its password."""
    actor = signed_in(request)
    return _show_link(request, verbs.reactivate(actor, person=access.person(actor, person_id)))


@never_cache
@require_POST
@login_required
def reset_password(request: HttpRequest, person_id: uuid.UUID) -> HttpResponse:
    """Show a one-time link by which a person sets a new password."""
    actor = signed_in(request)
    return _show_link(request, verbs.issue_password_reset(actor, person=access.person(actor, person_id)))
