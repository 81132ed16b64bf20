"""The only way from an id to a person or a site: 404 if you may not see it, 403 if you may not do that.

What may be done is asked again by the verbs' policies.
"""

from __future__ import annotations

import uuid

from django.db.models import QuerySet

from bonefrac.accounts import policies
from bonefrac.accounts.models import AccessToken, Membership, Role, Site, User
from bonefrac.accounts.roles import roles_of, sites_with
from bonefrac.errors import Invalid, NotFound


def site(actor: User, site_id: uuid.UUID) -> Site:
    """Return a site that the actor administers; raise ``NotFound`` to strangers and ``Forbidden`` to members."""
    found = Site.objects.filter(pk=site_id).first()
    if found is None or not roles_of(actor, found):
        raise NotFound
    policies.require_admin(actor, found)
    return found


def people_visible_to(actor: User) -> QuerySet[User]:
    """Return the people who hold a role at a site that the actor administers, by username.

    Somebody whose last role at a site was revoked is no longer seen by its administrators.
    """
    held = Membership.objects.filter(site__in=sites_with(actor, Role.ADMIN))
    return User.objects.filter(pk__in=held.values("user")).order_by("username")


def person(actor: User, person_id: uuid.UUID) -> User:
    """Return a person of the actor's sites; raise ``NotFound`` otherwise."""
    found = people_visible_to(actor).filter(pk=person_id).first()
    if found is None:
        raise NotFound
    return found


def memberships_visible_to(actor: User) -> QuerySet[Membership]:
    """Return every membership at the sites that the actor administers."""
    own = sites_with(actor, Role.ADMIN)
    return Membership.objects.select_related("user", "site").filter(site__in=own).order_by("id")


def membership(actor: User, membership_id: uuid.UUID) -> Membership:
    """Return a membership at a site that the actor administers; raise ``NotFound`` otherwise."""
    found = memberships_visible_to(actor).filter(pk=membership_id).first()
    if found is None:
        raise NotFound
    return found


def token(actor: User, token_id: uuid.UUID) -> AccessToken:
    """Return one of the actor's own tokens; raise ``NotFound`` otherwise."""
    found = AccessToken.objects.filter(pk=token_id, user=actor).first()
    if found is None:
        raise NotFound
    return found


def active_person(username: str) -> User:
    """Return the active person with a username, for commands typed on the machine; raise ``Invalid`` otherwise."""
    found = User.objects.filter(username=username, is_active=True).first()
    if found is None:
        raise Invalid(f"Expected the username of somebody active; received {username!r}.", code="unknown_person")
    return found
