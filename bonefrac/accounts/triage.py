"""Whether the AI orders a site's worklist: the switch, what a simulation found, and the record of every change.

A simulation that finds harm turns triage off and leaves its reason; an administrator may turn it off at any time, and
on only where no such reason stands. What is simulated, and what an order is, is not decided here.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.accounts import policies
from bonefrac.accounts.models import Site, User
from bonefrac.audit import events
from bonefrac.audit.models import Verb
from bonefrac.celery import ring
from bonefrac.errors import Invalid


@transaction.atomic
def set_triage(actor: User | None, *, site: Site, is_on: bool, because: str = "") -> bool:
    """Let the AI order a site's worklist, or not, as a simulation has found; return whether that changes anything.

    Args:
        actor: None for the command that simulated.
        site: The site.
        is_on: Whether the AI has a part in the order.
        because: Why it has none; kept beside the switch, which only another simulation turns on again.
    """
    policies.require_admin(actor, site)
    current = Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    before = (current.triage, current.triage_off_because)
    current.triage, current.triage_off_because = is_on, "" if is_on else _shortened(because)
    site.triage, site.triage_off_because = current.triage, current.triage_off_because
    if before == (current.triage, current.triage_off_because):
        return False
    current.save(update_fields=["triage", "triage_off_because"])
    if current.triage != before[0]:
        note(actor, current)
        let_studies_follow(current)
    return True


def require_no_objection(site: Site) -> None:
    """Raise ``Invalid`` where a simulation has found that triage does harm at a site."""
    if not site.triage_off_because:
        return
    sentence = _(
        "A simulation keeps triage off: %(because)s Nothing was saved. Run manage.py simulate_triage for this site "
        "again, with another ceiling if need be; where it keeps its promises it turns triage on."
    ) % {"because": site.triage_off_because}
    raise Invalid(sentence, code="triage_off", fields={"triage": sentence})


def let_studies_follow(site: Site) -> None:
    """Ask for the open studies of a site to follow its terms.

    The mark is written with the terms, so that a ring that is lost is rung again by the sweep.
    """
    Site.objects.filter(pk=site.pk).update(pending_since=timezone.now())
    ring("studies.follow_terms", str(site.pk))


def note(actor: User | None, site: Site) -> None:
    """Record that triage was turned on or off, and by whom."""
    data: dict[str, object] = {"is_on": site.triage, "because": site.triage_off_because}
    events.record(actor, Verb.TRIAGE_CHANGED, target_type="site", target_id=site.pk, site=site, data=data)


def _shortened(sentence: str) -> str:
    longest = Site._meta.get_field("triage_off_because").max_length or 0
    return sentence if len(sentence) <= longest else f"{sentence[: longest - 1]}…"
