"""Builds sites and people by the verbs alone, with a password where somebody has to sign in."""

from __future__ import annotations

import itertools
from urllib.parse import parse_qs, urlsplit

from bonefrac.accounts import people
from bonefrac.accounts.links import OneTimeLink
from bonefrac.accounts.models import ReadingMode, Role, Site, User
from bonefrac.accounts.people import SiteTerms

_numbers = itertools.count(1)
PASSWORD = "quiet lake 4711 stone"


def site(mode: ReadingMode = ReadingMode.ASSISTED) -> Site:
    return people.make_site(None, terms=SiteTerms(name=f"Clinic {next(_numbers)}", reading_mode=mode))


def query_of(link: OneTimeLink) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(link.path).query).items()}


def invited(at: Site, *roles: Role) -> OneTimeLink:
    name = f"somebody-{next(_numbers)}"
    return people.invite(None, site=at, username=name, display_name=name.title(), roles=roles)


def person(at: Site, *roles: Role) -> User:
    return people.accept_invitation(**query_of(invited(at, *roles)), password=PASSWORD)
