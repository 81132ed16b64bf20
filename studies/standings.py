"""What somebody is at each of their sites, asked of the database once for a whole page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from bonefrac.accounts.models import Role, Site
from bonefrac.accounts.roles import memberships_of
from studies.policies import Standing

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

Standings: TypeAlias = Mapping[Site, Standing]


def standings_of(user: User) -> Standings:
    """Return what a person is at each site where they hold a role, by the site's name.

    What is learnt here need not be asked again of each site in the same request.
    """
    roles: dict[Site, set[Role]] = {}
    for membership in memberships_of(user):
        roles.setdefault(membership.site, set()).add(Role(membership.role))
    held = {site: frozenset(found) for site, found in roles.items()}
    if user.known_roles is not None:
        user.known_roles |= {site.pk: found for site, found in held.items()}
    return {site: Standing(user.pk, found) for site, found in held.items()}
