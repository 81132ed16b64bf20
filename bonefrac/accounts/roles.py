"""Which roles somebody holds where: the questions that every policy starts with.

It answers about people and sites only; what a role may do is decided by the policies above. Somebody who has been
deactivated holds nothing. A superuser holds nothing extra: the roles alone decide.
"""

from __future__ import annotations

from typing import TypeAlias
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from bonefrac.accounts.models import Membership, ReadingMode, Role, Site, User

Person: TypeAlias = User | AnonymousUser


def memberships_of(user: Person) -> QuerySet[Membership]:
    """Return every membership of somebody active, with its site, by the site's name."""
    if not isinstance(user, User) or not user.is_active:
        return Membership.objects.none()
    return Membership.objects.filter(user=user).select_related("site").order_by("site__name", "role")


def roles_of(user: Person, site: Site) -> frozenset[Role]:
    """Return the roles that somebody holds at a site; none for the inactive and the unknown."""
    known = user.known_roles if isinstance(user, User) else None
    if known is None:
        return _roles_of(user, site)
    if site.pk not in known:
        known[site.pk] = _roles_of(user, site)
    return known[site.pk]


def _roles_of(user: Person, site: Site) -> frozenset[Role]:
    return frozenset(Role(role) for role in memberships_of(user).filter(site=site).values_list("role", flat=True))


def holds(user: Person, site: Site, *roles: Role) -> bool:
    """Return whether somebody holds any of the roles at a site."""
    return not roles_of(user, site).isdisjoint(roles)


def sites_with(user: Person, *roles: Role) -> QuerySet[Site]:
    """Return the sites at which somebody holds any of the roles, by name."""
    held = memberships_of(user).filter(role__in=roles).order_by()
    return Site.objects.filter(pk__in=held.values("site")).order_by("name")


def holds_anywhere(user: Person, *roles: Role) -> bool:
    """Return whether somebody holds any of the roles at any site."""
    return memberships_of(user).filter(role__in=roles).exists()


def is_blind_anywhere(user: Person) -> bool:
    """Return whether somebody belongs to a site that reads blind first, other than as an uploader."""
    held = memberships_of(user).exclude(role=Role.UPLOADER)
    return held.filter(site__reading_mode=ReadingMode.BLIND_FIRST).exists()


def time_zone_of(user: Person) -> ZoneInfo | None:
    """Return the time zone that all of somebody's sites share, None where they differ or there is none."""
    zones = set(memberships_of(user).order_by().values_list("site__time_zone", flat=True).distinct()[:2])
    return ZoneInfo(zones.pop()) if len(zones) == 1 else None


def is_engineer(user: Person) -> bool:
    """Return whether somebody works on models; an engineer sees no study."""
    return isinstance(user, User) and user.is_active and user.is_engineer
