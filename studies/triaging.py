"""What a simulation of a site's worklist has found, applied: triage on, or off with its reason, and the leads told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.accounts import triage
from bonefrac.accounts.models import Membership, Role, Site
from studies import notices, ranking
from studies.models import Study
from studies.states import NoticeKind

if TYPE_CHECKING:
    from bonefrac.accounts.models import User


def apply(actor: User | None, site: Site, *, broken: tuple[str, ...]) -> bool:
    """Turn triage on where an order keeps all its promises, else off for the reasons given; return whether it changed.

    The order changes with it at once. Leads are told by a notice that hangs on the site's newest study; a site without
    a study has nothing to be told of.
    """
    because = _("By the simulation of %(day)s: %(reasons)s.") % {
        "day": timezone.localdate().isoformat(),
        "reasons": "; ".join(broken),
    }
    before = site.triage
    with transaction.atomic():
        has_changed = triage.set_triage(actor, site=site, is_on=not broken, because=because)
        if site.triage != before:
            _tell(actor, site)
    ranking.rank_site(site.pk)
    return has_changed


def _tell(actor: User | None, site: Site) -> None:
    newest = Study.objects.filter(site=site).order_by("-received_at", "-id").first()
    if newest is None:
        return
    leads = Membership.objects.filter(site=site, role=Role.LEAD).values_list("user", flat=True)
    sentence = _("The AI orders the worklist of %(site)s again.") % {"site": site}
    if not site.triage:
        words = {"site": site, "because": site.triage_off_because}
        sentence = _("The AI no longer orders the worklist of %(site)s. %(because)s") % words
    notices.tell(leads, newest, kind=NoticeKind.TRIAGE, sentence=sentence[:500], by=actor)
