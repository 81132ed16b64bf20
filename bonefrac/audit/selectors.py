"""Which events an auditor sees: those of the sites, of the sites' people as such, and of the models all share."""

from __future__ import annotations

from django.db.models import CharField, Q, QuerySet
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from bonefrac.accounts.models import Membership, Role, User
from bonefrac.accounts.roles import sites_with
from bonefrac.audit.models import AuditEvent
from bonefrac.errors import Forbidden
from bonefrac.paging import Page, newest_first

ABOUT_PEOPLE = ("user", "access_token")
ABOUT_MODELS = ("model_version",)


def require_auditor(actor: User) -> None:
    """Raise ``Forbidden`` unless somebody is auditor or administrator of a site."""
    if not sites_with(actor, Role.AUDITOR, Role.ADMIN).exists():
        raise Forbidden(_("Only auditors and administrators see the audit record."))


def visible_to(actor: User) -> QuerySet[AuditEvent]:
    """Return the events that an auditor or administrator may see.

    An event of a site is seen there only. Signing in and passwords belong to no site: they are seen wherever their
    person holds a role.
    """
    sites = sites_with(actor, Role.AUDITOR, Role.ADMIN)
    held = Membership.objects.filter(site__in=sites)
    targets = held.annotate(key=Cast("user_id", CharField())).values("key")
    by_them = Q(actor__in=held.values("user"), target_type__in=ABOUT_PEOPLE)
    about_them = Q(target_type="user", target_id__in=targets)
    shared = Q(target_type__in=ABOUT_MODELS)
    seen = Q(site__in=sites) | (Q(site=None) & (by_them | about_them | shared))
    return AuditEvent.objects.filter(seen).select_related("actor", "site")


def events_page(
    actor: User, *, verb: str = "", username: str = "", target_id: str = "", cursor: str = ""
) -> Page[AuditEvent]:
    """Return a page of the events that the actor may see, newest first.

    Args:
        actor: An auditor or administrator.
        verb: Only this verb, where given.
        username: Only deeds of the person with exactly this username, where given.
        target_id: Only events about the thing with this key, where given.
        cursor: What the page before handed out.
    """
    require_auditor(actor)
    events = visible_to(actor)
    wanted = {"verb": verb, "actor__username": username.strip(), "target_id": target_id.strip()}
    events = events.filter(**{name: value for name, value in wanted.items() if value})
    return newest_first(events, time="occurred_at", cursor=cursor)
