"""What a simulation of a site's worklist has found, applied: triage on, or off with its reason, and the leads told."""

from __future__ import annotations

from collections.abc import Sequence
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


def apply(actor: User | None, site: Site, *, broken: Sequence[str], good: Sequence[float] = ()) -> bool:
    """Turn triage on where an order keeps all its promises, else off for the reasons given; return whether it changed.

    The order changes with it at once. Leads are told by a notice that hangs on the site's newest study; a site without
    a study has nothing to be told of.

    Args:
        actor: None for the command that simulated.
        site: The site.
        broken: What was promised and is not kept, a sentence each.
        good: Ceilings in minutes under which all would be kept; whoever administers the site reads them on its page.
    """
    because = _("By the simulation of %(day)s (%(advice)s): %(reasons)s.") % {
        "day": timezone.localdate().isoformat(),
        "advice": advice(good),
        "reasons": "; ".join(broken),
    }
    before = site.triage
    with transaction.atomic():
        has_changed = triage.set_triage(actor, site=site, is_on=not broken, because=because)
        if site.triage != before:
            _tell(actor, site)
    ranking.rank_site(site.pk)
    return has_changed


def advice(good: Sequence[float]) -> str:
    """Return in words which of the ceilings that were tried keep every promise; these are in minutes."""
    if not good:
        return _("no ceiling that was tried keeps every promise")
    words = {"low": f"{min(good):.0f}", "high": f"{max(good):.0f}"}
    return _("a ceiling of %(low)s to %(high)s minutes keeps every promise") % words


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
