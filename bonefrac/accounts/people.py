"""The verbs about people, sites and roles. Each owns its transaction, asks the policy and writes its audit row.

``None`` as the actor is the system: a command typed on the machine. Whoever gives a role by a username learns that the
name exists, and nothing more before the role is given; there is no other way to ask for names of other sites.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Final
from zoneinfo import available_timezones

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models import QuerySet
from django.utils.timezone import now
from django.utils.translation import gettext as _

from bonefrac.accounts import policies, triage
from bonefrac.accounts.links import OneTimeLink, make_link, person_of
from bonefrac.accounts.models import AccessToken, Membership, ReadingMode, Role, Site, User
from bonefrac.accounts.terms import SiteTerms as SiteTerms
from bonefrac.accounts.terms import fingerprint as fingerprint
from bonefrac.accounts.terms import terms_of as terms_of
from bonefrac.accounts.tokens import digest_of, new_token
from bonefrac.audit import events
from bonefrac.audit.models import Verb
from bonefrac.db import violated
from bonefrac.errors import Conflict, Forbidden, Invalid

#: Terms that decide in which order open studies are read, and when they are read enough.
_FOLLOWED: Final = {"reading_mode", "readings_required", "triage", "wait_ceiling_minutes"}


@transaction.atomic
def make_site(actor: User | None, *, terms: SiteTerms) -> Site:
    """Make a site; the actor becomes its administrator.

    Raises:
        Forbidden: The actor administers no site.
        Invalid: The name is taken or a term is out of its bounds.
    """
    policies.require_admin_anywhere(actor)
    site = Site(**asdict(terms))
    _insert(site, taken={"accounts_site_name_key": "name"})
    data: dict[str, object] = {"reading_mode": str(terms.reading_mode)}
    events.record(actor, Verb.SITE_MADE, target_type="site", target_id=site.pk, site=site, data=data)
    if actor is not None:
        _add_role(actor, actor, site, Role.ADMIN)
    return site


@transaction.atomic
def change_site(actor: User | None, *, site: Site, terms: SiteTerms, expected: str) -> Site:
    """Change how a site works.

    Args:
        actor: An administrator of the site.
        site: The site.
        terms: All of its new terms.
        expected: The ``fingerprint`` of the site as the actor saw it.

    Raises:
        Forbidden: The actor is no administrator of the site.
        Conflict: Somebody else has changed the site since (code ``stale``).
        Invalid: The name is taken, a term is out of its bounds, or triage was asked for that a simulation forbids.
    """
    policies.require_admin(actor, site)
    current = Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    if fingerprint(current) != expected:
        sentence = _("Somebody changed this site after you opened it. Nothing was saved; compare and send again.")
        raise Conflict(sentence, code="stale")
    before, after = asdict(terms_of(current)), asdict(terms)
    changed = sorted(name for name, value in after.items() if before[name] != value)
    if "triage" in changed and terms.triage:
        triage.require_no_objection(current)
    for name in changed:
        setattr(current, name, after[name])
    _check(current)
    current.save(update_fields=changed)
    data: dict[str, object] = {name: str(after[name]) for name in ("reading_mode", "identity_policy")}
    data |= {"changed": changed, "limits": {one: after[one] for one in changed if one.startswith("max_")}}
    events.record(actor, Verb.SITE_CHANGED, target_type="site", target_id=site.pk, site=site, data=data)
    if "triage" in changed:
        triage.note(actor, current)
    if _FOLLOWED & set(changed):
        triage.let_studies_follow(current)
    return current


@transaction.atomic
def invite(
    actor: User | None, *, site: Site, username: str, display_name: str, email: str = "", roles: Iterable[Role]
) -> OneTimeLink:
    """Make an account with roles at a site and return the link by which its person sets a password.

    Raises:
        Forbidden: The actor is no administrator of the site.
        Invalid: The username is taken or malformed, or no role was named.
    """
    policies.require_admin(actor, site)
    wanted = sorted(set(roles))
    if not wanted:
        raise Invalid(_("Choose at least one role."), fields={"roles": _("Choose at least one role.")})
    person = User(username=username.strip(), display_name=display_name.strip(), email=email.strip())
    person.set_unusable_password()
    _insert(person, taken={"accounts_user_username_key": "username"})
    events.record(actor, Verb.PERSON_INVITED, target_type="user", target_id=person.pk, site=site)
    for role in wanted:
        _add_role(actor, person, site, role)
    return make_link(person)


@transaction.atomic
def make_first_admin(
    *, username: str, display_name: str, site_name: str, reading_mode: ReadingMode | None
) -> OneTimeLink:
    """Invite an administrator of a site as the system does; the site is made where it is absent.

    Raises:
        Invalid: The site is absent and no reading mode was named for it, or the username is taken.
    """
    site = Site.objects.filter(name=site_name).first()
    if site is None:
        if reading_mode is None:
            raise Invalid(_("The site is new: name its reading mode, assisted or blind_first."), code="reading_mode")
        site = make_site(None, terms=SiteTerms(name=site_name, reading_mode=reading_mode))
    return invite(None, site=site, username=username, display_name=display_name, roles=[Role.ADMIN])


@transaction.atomic
def accept_invitation(*, who: str, token: str, password: str) -> User:
    """Set the password of the person for whom a one-time link is good; their sessions and tokens end.

    Raises:
        Invalid: The link is spent, or the password is too weak.
    """
    person = person_of(who, token, lock=True)
    _set_password(person, password)
    _revoke_all_tokens(person, person)
    return person


@transaction.atomic
def change_own_password(actor: User, *, present: str, password: str) -> User:
    """Change the actor's own password; other sessions end.

    Raises:
        Invalid: The present password is wrong, or the new one is too weak.
        Forbidden: The account is a demo account, whose password everybody knows.
    """
    person = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    if person.is_demo:
        raise Forbidden(_("The password of a demo account cannot be changed."))
    if not person.check_password(present):
        raise Invalid(_("The present password is wrong."), fields={"present": _("The present password is wrong.")})
    _set_password(person, password)
    return person


@transaction.atomic
def issue_password_reset(actor: User | None, *, person: User) -> OneTimeLink:
    """Return a one-time link by which a person sets a new password; the old one works until then.

    Raises:
        Forbidden: The account reaches beyond the actor's sites.
        Conflict: The person has been deactivated, or is a demo account.
    """
    policies.require_whole_charge(actor, person)
    if not person.is_active or person.is_demo:
        raise Conflict(_("This account gets no new password: it is a demo account or has been deactivated."))
    events.record(actor, Verb.PASSWORD_RESET_ISSUED, target_type="user", target_id=person.pk)
    return make_link(person)


@transaction.atomic
def deactivate(actor: User | None, *, person: User) -> None:
    """Shut an account: its sessions and tokens end at once and for ever.

    Raises:
        Forbidden: It is the actor's own, or reaches beyond the actor's sites.
        Conflict: It is shut already, or its person is the last administrator of a site.
    """
    policies.require_other(actor, person)
    policies.require_whole_charge(actor, person)
    for site in _locked(Site.objects.filter(memberships__user=person, memberships__role=Role.ADMIN)):
        _require_another_admin(site, person)
    closed = User.objects.filter(pk=person.pk, is_active=True).update(is_active=False)
    if not closed:
        raise Conflict(_("This account has been deactivated already."))
    # A session is bound to the hash of the password: a new unusable one ends them all, also after a reactivation.
    person.refresh_from_db()
    person.set_unusable_password()
    person.save(update_fields=["password"])
    _revoke_all_tokens(actor, person)
    events.record(actor, Verb.PERSON_DEACTIVATED, target_type="user", target_id=person.pk)


@transaction.atomic
def reactivate(actor: User | None, *, person: User) -> OneTimeLink:
    """Open an account again and return the link by which its person sets a new password.

    Raises:
        Forbidden: It reaches beyond the actor's sites.
        Conflict: It is open.
    """
    policies.require_whole_charge(actor, person)
    if not User.objects.filter(pk=person.pk, is_active=False).update(is_active=True):
        raise Conflict(_("This account is active already."))
    person.refresh_from_db()
    events.record(actor, Verb.PERSON_REACTIVATED, target_type="user", target_id=person.pk)
    return make_link(person)


@transaction.atomic
def grant(actor: User | None, *, person: User, site: Site, role: Role) -> Membership:
    """Give a person a role at a site.

    Raises:
        Forbidden: The actor is no administrator of the site.
        Conflict: The person holds the role already.
    """
    policies.require_admin(actor, site)
    return _add_role(actor, person, site, role)


def grant_by_username(actor: User | None, *, username: str, site: Site, role: Role) -> Membership:
    """Give a role to somebody who works elsewhere and is known by the exact username only.

    Raises:
        Forbidden: The actor is no administrator of the site.
        Invalid: Nobody active has this username.
        Conflict: The person holds the role already.
    """
    policies.require_admin(actor, site)
    person = User.objects.filter(username=username.strip(), is_active=True).first()
    if person is None:
        sentence = _("Nobody has exactly this username. Nothing was changed. Invite the person instead.")
        raise Invalid(sentence, code="unknown_person", fields={"username": sentence})
    return grant(actor, person=person, site=site, role=role)


@transaction.atomic
def revoke(actor: User | None, *, person: User, site: Site, role: Role) -> None:
    """Take a role at a site from a person.

    Raises:
        Forbidden: The actor is no administrator of the site.
        Conflict: The person does not hold the role, or would be the last administrator to go.
    """
    policies.require_admin(actor, site)
    list(_locked(Site.objects.filter(pk=site.pk)))
    if role == Role.ADMIN:
        _require_another_admin(site, person)
    gone, _rows = Membership.objects.filter(user=person, site=site, role=role).delete()
    if not gone:
        raise Conflict(_("This person does not hold this role any more."), code="stale")
    data: dict[str, object] = {"role": str(role)}
    events.record(actor, Verb.ROLE_REVOKED, target_type="user", target_id=person.pk, site=site, data=data)


@transaction.atomic
def appoint_engineer(actor: User | None, *, person: User) -> None:
    """Make somebody an engineer, who looks after models and by that sees no study.

    Raises:
        Forbidden: The actor administers no site of the person's, or would appoint themselves.
    """
    policies.require_some_charge(actor, person)
    User.objects.filter(pk=person.pk).update(is_engineer=True)
    events.record(actor, Verb.ROLE_GRANTED, target_type="user", target_id=person.pk, data={"role": "engineer"})


@transaction.atomic
def dismiss_engineer(actor: User | None, *, person: User) -> None:
    """Let somebody be an engineer no longer; raises as ``appoint_engineer``."""
    policies.require_some_charge(actor, person)
    User.objects.filter(pk=person.pk).update(is_engineer=False)
    events.record(actor, Verb.ROLE_REVOKED, target_type="user", target_id=person.pk, data={"role": "engineer"})


@transaction.atomic
def issue_token(actor: User, *, label: str) -> str:
    """Return a new token by which a program acts for the actor; it is shown this once.

    Raises:
        Invalid: The label is empty or too long.
    """
    token = new_token()
    held = AccessToken(user=actor, label=label.strip(), digest=digest_of(token))
    _insert(held, taken={})
    events.record(actor, Verb.TOKEN_ISSUED, target_type="access_token", target_id=held.pk)
    return token


@transaction.atomic
def revoke_token(actor: User, *, token: AccessToken) -> None:
    """End one of the actor's tokens.

    Raises:
        Forbidden: It belongs to somebody else.
        Conflict: It was revoked before.
    """
    if token.user_id != actor.pk:
        raise Forbidden(_("This token belongs to somebody else."))
    if not AccessToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now()):
        raise Conflict(_("This token was revoked already."))
    events.record(actor, Verb.TOKEN_REVOKED, target_type="access_token", target_id=token.pk)


def _add_role(actor: User | None, person: User, site: Site, role: Role) -> Membership:
    membership, is_new = Membership.objects.get_or_create(user=person, site=site, role=role)
    if not is_new:
        raise Conflict(_("This person holds this role already."), code="stale")
    data: dict[str, object] = {"role": str(role)}
    events.record(actor, Verb.ROLE_GRANTED, target_type="user", target_id=person.pk, site=site, data=data)
    return membership


def _locked(sites: QuerySet[Site]) -> QuerySet[Site]:
    """Return sites in the order of their keys, held until the transaction ends: two cannot revoke each other."""
    return Site.objects.filter(pk__in=sites.values("pk")).order_by("pk").select_for_update(no_key=True)


def _require_another_admin(site: Site, person: User) -> None:
    others = Membership.objects.filter(site=site, role=Role.ADMIN, user__is_active=True).exclude(user=person)
    holds_it = Membership.objects.filter(site=site, role=Role.ADMIN, user=person).exists()
    if holds_it and not others.exists():
        raise Conflict(
            _("A site keeps at least one administrator: name another one first. Nothing was changed."),
            code="last_admin",
        )


def _set_password(person: User, password: str) -> None:
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise Invalid(_("This password is too weak."), fields={"password": " ".join(error.messages)}) from None
    person.set_password(password)
    person.save(update_fields=["password"])
    events.record(person, Verb.PASSWORD_SET, target_type="user", target_id=person.pk)


def _revoke_all_tokens(actor: User | None, person: User) -> None:
    for token in AccessToken.objects.filter(user=person, revoked_at=None).select_for_update(no_key=True):
        AccessToken.objects.filter(pk=token.pk).update(revoked_at=now())
        events.record(actor, Verb.TOKEN_REVOKED, target_type="access_token", target_id=token.pk)


def _check(row: models.Model) -> None:
    """Raise ``Invalid`` with a sentence for every field that breaks the table's rules."""
    faults: dict[str, str] = {}
    try:
        row.full_clean()
    except ValidationError as error:
        faults = {name: " ".join(messages) for name, messages in error.message_dict.items()}
    if isinstance(row, Site) and row.time_zone not in available_timezones():
        faults["time_zone"] = _("Expected a time zone such as Europe/Berlin.")
    if faults:
        raise Invalid(_("Something is missing or wrong. Nothing was saved."), fields=faults)


def _insert(row: models.Model, *, taken: Mapping[str, str]) -> None:
    """Check and insert a row; a race for a unique value is the same refusal as a value taken before."""
    _check(row)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        field = taken.get(violated(error))
        if field is None:
            raise
        raise Invalid(_("Nothing was saved."), fields={field: _("This is taken already.")}) from None
    row.refresh_from_db()
