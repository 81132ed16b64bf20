"""What the pages and the API about people show; every list starts at what the actor may see."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import QuerySet

from bonefrac.accounts.access import memberships_visible_to, people_visible_to
from bonefrac.accounts.models import AccessToken, Membership, Role, Site, User
from bonefrac.accounts.roles import memberships_of, sites_with
from bonefrac.paging import Page, newest_first


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person with the roles held at the actor's sites; roles elsewhere are not shown."""

    person: User
    memberships: tuple[Membership, ...]

    @property
    def is_invited(self) -> bool:
        """Whether the person has not set a password yet."""
        return self.person.is_active and not self.person.has_usable_password()


def people_page(actor: User, *, site: Site | None = None, cursor: str = "") -> Page[User]:
    """Return a page of the people at the actor's sites, or at one of them, the newest first."""
    people = people_visible_to(actor).order_by()
    if site is not None:
        people = people.filter(pk__in=memberships_visible_to(actor).filter(site=site).values("user"))
    return newest_first(people, time="date_joined", cursor=cursor)


def rows_of(actor: User, people: list[User]) -> list[PersonRow]:
    """Return people with their roles at the actor's sites, in two queries however many they are."""
    held: dict[object, list[Membership]] = defaultdict(list)
    for membership in memberships_visible_to(actor).filter(user__in=people).order_by("site__name", "role"):
        held[membership.user_id].append(membership)
    return [PersonRow(person, tuple(held[person.pk])) for person in people]


def memberships_page(actor: User, *, cursor: str = "") -> Page[Membership]:
    """Return a page of the memberships at the actor's sites, newest first."""
    return newest_first(memberships_visible_to(actor).order_by(), time="granted_at", cursor=cursor)


def administered_sites(actor: User) -> QuerySet[Site]:
    """Return the sites that the actor administers, by name."""
    return sites_with(actor, Role.ADMIN)


def sites_of(actor: User) -> list[tuple[Site, tuple[Role, ...]]]:
    """Return the actor's sites with the roles held there, by the site's name."""
    held: dict[Site, list[Role]] = {}
    for membership in memberships_of(actor):
        held.setdefault(membership.site, []).append(Role(membership.role))
    return [(site, tuple(roles)) for site, roles in held.items()]


def tokens_of(actor: User) -> QuerySet[AccessToken]:
    """Return the actor's tokens that still work, newest first."""
    return AccessToken.objects.filter(user=actor, revoked_at=None)
