"""The people and sites of a demonstration; their accounts work on the machine itself only."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction

from bonefrac.accounts.models import Membership, ReadingMode, Role, Site, User
from bonefrac.accounts.people import SiteTerms, appoint_engineer, grant, make_site
from bonefrac.errors import Forbidden

# Everybody may know it: such accounts are refused from anywhere but the machine itself.
PASSWORD = "bonefrac-demo"
HOSPITAL, CLINIC = "Demo Hospital", "Second Clinic"
PEOPLE: dict[str, tuple[str, dict[str, Role]]] = {
    "uploader": ("Uma Upload", {HOSPITAL: Role.UPLOADER, CLINIC: Role.UPLOADER}),
    "radiologist": ("Dr Rosa Read", {HOSPITAL: Role.RADIOLOGIST, CLINIC: Role.RADIOLOGIST}),
    "radiologist2": ("Dr Ben Second", {HOSPITAL: Role.RADIOLOGIST, CLINIC: Role.RADIOLOGIST}),
    "lead": ("Dr Lena Lead", {HOSPITAL: Role.LEAD, CLINIC: Role.LEAD}),
    "admin": ("Ada Admin", {HOSPITAL: Role.ADMIN, CLINIC: Role.ADMIN}),
    "auditor": ("Aki Audit", {HOSPITAL: Role.AUDITOR}),
    "engineer": ("Emil Engineer", {}),
}


@transaction.atomic
def seed_people() -> dict[str, User]:
    """Make what is absent of the demo's sites and people and return the people by role: ``radiologist`` and so on.

    Raises:
        Forbidden: The platform does not run as a demonstration.
    """
    if not settings.DEMO:
        raise Forbidden("Demo accounts are made where BONEFRAC_DEMO=1 only.")
    sites = {HOSPITAL: _site(HOSPITAL, ReadingMode.ASSISTED), CLINIC: _site(CLINIC, ReadingMode.BLIND_FIRST, 2)}
    secret = make_password(PASSWORD)
    return {key: _person(key, name, {sites[at]: role for at, role in held.items()}, secret)
            for key, (name, held) in PEOPLE.items()}  # fmt: skip


def _site(name: str, mode: ReadingMode, readings: int = 1) -> Site:
    found = Site.objects.filter(name=name).first()
    return found or make_site(None, terms=SiteTerms(name=name, reading_mode=mode, readings_required=readings))


def _person(key: str, display_name: str, roles: dict[Site, Role], secret: str) -> User:
    username = f"demo-{key}"
    found = User.objects.filter(username=username).first()
    if found is None:
        found = User.objects.create(username=username, display_name=display_name, is_demo=True, password=secret)
    for site, role in roles.items():
        if not Membership.objects.filter(user=found, site=site, role=role).exists():
            grant(None, person=found, site=site, role=role)
    if key == "engineer" and not found.is_engineer:
        appoint_engineer(None, person=found)
    found.refresh_from_db()
    return found
