"""What every page shows around its content: where the person may go, who they are, what runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from bonefrac.accounts.models import Membership, Role
from bonefrac.accounts.roles import Person, is_engineer, memberships_of
from studies.intake.listing import held_count
from studies.notices import unseen_count
from studies.policies import may_show_held
from studies.selectors.critical import overdue_count

READERS = frozenset({Role.RADIOLOGIST, Role.LEAD})
UPLOADERS = frozenset({Role.UPLOADER})
LEADS = frozenset({Role.LEAD})
ADMINS = frozenset({Role.ADMIN})
AUDITORS = frozenset({Role.AUDITOR, Role.ADMIN})
ANYONE = frozenset(Role)

HELD = "studies:held"
NOTICES = "studies:notices"
CRITICAL = "studies:critical"

ENTRIES = (
    (_("Worklist"), "studies:worklist", READERS | AUDITORS),
    (_("Upload"), "studies:upload", UPLOADERS),
    (_("My uploads"), "studies:uploads", UPLOADERS),
    (_("Held"), HELD, LEADS),
    (_("Critical"), CRITICAL, READERS | AUDITORS),
    (_("Notices"), NOTICES, READERS | UPLOADERS | AUDITORS),
    (_("Datasets"), "studies:datasets", ADMINS),
    (_("Differences"), "studies:divergences", LEADS | AUDITORS),
    (_("Agreement"), "studies:agreement", LEADS | AUDITORS),
    (_("Models"), "inference:models", ANYONE),
    (_("People"), "accounts:people", ADMINS),
    (_("Sites"), "accounts:sites", ADMINS),
    (_("Devices"), "studies:devices", ADMINS),
    (_("Audit"), "audit:events", AUDITORS),
)
COUNTS: dict[str, Callable[[Person], str]] = {HELD: held_count, NOTICES: unseen_count, CRITICAL: overdue_count}
FOR_ENGINEERS = frozenset({"inference:models"})


@dataclass(frozen=True, slots=True)
class NavEntry:
    """One way to go from the header; ``count`` says how much waits there, empty where nothing does or is counted."""

    label: str
    url: str
    current: bool
    count: str = ""
    is_counted: bool = False


@dataclass(frozen=True, slots=True)
class Around:
    """What a signed-in person's header shows."""

    nav: tuple[NavEntry, ...]
    roles: tuple[str, ...]
    sites: tuple[str, ...]


def platform(request: HttpRequest) -> dict[str, Any]:
    """Return the values for every template; the person's roles are asked for only where a page shows them."""
    around = SimpleLazyObject(lambda: _around(request))
    return {
        "nav": SimpleLazyObject(lambda: around.nav),
        "roles": SimpleLazyObject(lambda: around.roles),
        "sites": SimpleLazyObject(lambda: around.sites),
        "platform_version": settings.VERSION,
        "demo": settings.DEMO,
    }


def counts(request: HttpRequest) -> dict[str, str]:
    """Return how much waits behind each counted entry of the person's header, by its address."""
    return {entry.url: entry.count for entry in _around(request).nav if entry.is_counted}


def _around(request: HttpRequest) -> Around:
    person: Person | None = getattr(request, "user", None)
    if person is None:
        return Around((), (), ())
    held = list(memberships_of(person))
    labels = dict.fromkeys(str(Role(membership.role).label) for membership in held)
    if is_engineer(person):
        labels[str(_("Engineer"))] = None
    sites = dict.fromkeys(membership.site.name for membership in held)
    return Around(_entries(person, held, request.path), tuple(labels), tuple(sites))


def _entries(person: Person, held: list[Membership], path: str) -> tuple[NavEntry, ...]:
    roles = {Role(membership.role) for membership in held}
    shows_held = any(membership.role in READERS and may_show_held(membership.site) for membership in held)
    shown = (
        (str(label), reverse(name), COUNTS[name](person) if name in COUNTS else "", name in COUNTS)
        for label, name, needed in ENTRIES
        if roles & needed or (name in FOR_ENGINEERS and is_engineer(person)) or (name == HELD and shows_held)
    )
    return tuple(NavEntry(label, url, _is_current(url, path), count, counted) for label, url, count, counted in shown)


def _is_current(url: str, path: str) -> bool:
    return path == url or (url != "/" and path.startswith(url))
