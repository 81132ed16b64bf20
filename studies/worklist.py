"""The pool of open studies: who holds which, who passed over which, and handing out the next.

A claim is a lease on the row, not a state: it is taken by one conditional UPDATE and lapses by itself. What a list
shows is in ``selectors.listing``.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, TypedDict

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.accounts.models import ReadingMode
from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.errors import Conflict, Forbidden
from studies import access
from studies.models import Review, Skip, Study
from studies.policies import may_adjudicate, may_read
from studies.ranking import orders_by_ai
from studies.reviews.leading import required
from studies.states import Rank, ReviewKind, ReviewMode, StudyStatus
from studies.turns import has_read, is_between_looks, is_reader_of_round, standing_reviews

if TYPE_CHECKING:
    from bonefrac.accounts.models import Site, User

_IN_POOL: Final = (StudyStatus.AWAITING, StudyStatus.DISPUTED)


class _Lease(TypedDict):
    claimed_by: User
    claimed_until: datetime


def claim(actor: User, study_id: uuid.UUID) -> Study:
    """Give the actor a lease on a study, or extend the one that they hold.

    Raises:
        NotFound: The actor may not see it.
        Forbidden: The actor does not read at this site.
        Conflict: Somebody else holds it (``held``), the actor has read it this round (``already_read``), it has an
            open problem (``problem``) or awaits no reading (``wrong_state``); a disputed one awaits a lead.
    """
    study = access.study(actor, study_id)
    _require_reader(actor, study.site)
    with transaction.atomic():
        return _take(actor, study, study.site)


def extend(actor: User, study_id: uuid.UUID) -> Study:
    """Extend a lease that the actor holds; raise ``Conflict`` (``not_held``) where it has gone. Writes no audit row."""
    study = access.study(actor, study_id)
    _require_reader(actor, study.site)
    if not Study.objects.filter(pk=study.pk, claimed_by=actor).update(**_lease(actor)):
        sentence = _("Your claim on this study has ended. Nothing that you typed is lost: claim it again.")
        raise Conflict(sentence, code="not_held")
    study.refresh_from_db(fields=["claimed_by", "claimed_until"])
    return study


def hand_back(actor: User, study_id: uuid.UUID) -> Study:
    """Give a claimed study back to the pool; raise ``Conflict`` (``not_held``) where the actor does not hold it."""
    study = access.study(actor, study_id)
    _require_reader(actor, study.site)
    with transaction.atomic():
        if not Study.objects.filter(pk=study.pk, claimed_by=actor).update(claimed_by=None, claimed_until=None):
            raise Conflict(_("You do not hold this study."), code="not_held")
        record(actor, Verb.STUDY_HANDED_BACK, target_type="study", target_id=study.pk, site=study.site_id)
    study.refresh_from_db(fields=["claimed_by", "claimed_until"])
    return study


def next_for(actor: User, site: Site) -> Study | None:
    """Claim and return the study that the actor should read next at a site; None where nothing waits for them.

    What they hold already comes first: asking twice gathers no second study. Then studies over the site's wait
    ceiling, oldest first; then, for leads, what is disputed and not theirs; then by rank and age. What another reader
    holds, or is taking at this moment, and what the actor has skipped in its round is passed over.
    """
    _require_reader(actor, site)
    with transaction.atomic():
        for lane in _lanes(actor, site):
            firsts = (rows.select_for_update(skip_locked=True, no_key=True, of=("self",)).first() for rows in lane)
            waiting = sorted((study for study in firsts if study), key=lambda study: (study.received_at, study.pk))
            if waiting:
                return _take(actor, waiting[0], site)
    return None


def upcoming(actor: User, study_id: uuid.UUID) -> Study | None:
    """Return what ``next_for`` would hand the actor after a study, at its site; nothing is claimed or recorded."""
    study = access.study(actor, study_id)
    _require_reader(actor, study.site)
    for lane in _lanes(actor, study.site):
        firsts = (rows.exclude(pk=study.pk).first() for rows in lane)
        waiting = sorted((found for found in firsts if found), key=lambda found: (found.received_at, found.pk))
        if waiting:
            return waiting[0]
    return None


def skip(actor: User, study_id: uuid.UUID, *, reason: str) -> Skip:
    """Pass over a study: the pool does not hand it to the actor again in this round; their claim on it ends.

    It stays open for others and may still be claimed by name. Skipping it twice is once; leads see the reason.

    Raises:
        NotFound, Forbidden: The actor may not see it, or does not read at its site.
        Conflict: It awaits no reading (``wrong_state``).
        Invalid: The reason is missing.
    """
    text = required(reason)
    study = access.study(actor, study_id)
    _require_reader(actor, study.site)
    with transaction.atomic():
        study = Study.objects.select_related("site").select_for_update(no_key=True, of=("self",)).get(pk=study.pk)
        if study.status not in _IN_POOL:
            raise _not_waiting(study)
        skipped, is_new = Skip.objects.get_or_create(
            study=study, reader=actor, round=study.round, defaults={"reason": text}
        )
        Study.objects.filter(pk=study.pk, claimed_by=actor).update(claimed_by=None, claimed_until=None)
        if is_new:
            data: dict[str, object] = {"round": study.round}
            site = study.site_id
            record(actor, Verb.STUDY_SKIPPED, target_type="study", target_id=study.pk, site=site, data=data)
    return skipped


def release_lapsed_claims() -> int:
    """Give studies whose lease is over back to the pool and return how many there were."""
    with transaction.atomic():
        lapsed = list(
            Study.objects.select_for_update(skip_locked=True, no_key=True)
            .filter(claimed_until__lt=timezone.now())
            .values_list("pk", "site_id", "claimed_by_id")
        )
        Study.objects.filter(pk__in=[key for key, _site, _holder in lapsed]).update(claimed_by=None, claimed_until=None)
        for key, site, holder in lapsed:
            data: dict[str, object] = {"holder": str(holder)}
            record(None, Verb.CLAIM_LAPSED, target_type="study", target_id=key, site=site, data=data)
    return len(lapsed)


def holders(studies: Iterable[Study]) -> dict[uuid.UUID, uuid.UUID]:
    """Return who holds which of the studies at this moment; a lease that is over holds nothing."""
    now = timezone.now()
    return {
        study.pk: study.claimed_by_id
        for study in studies
        if study.claimed_by_id and study.claimed_until and study.claimed_until > now
    }


def _require_reader(actor: User, site: Site) -> None:
    if not may_read(access.standing(actor, site)):
        raise Forbidden(_("Only radiologists and leads of this site read its studies."))


def _lease(actor: User) -> _Lease:
    return {"claimed_by": actor, "claimed_until": timezone.now() + timedelta(minutes=settings.CLAIM_MINUTES)}


def _claimable(actor: User, site: Site) -> QuerySet[Study]:
    """Return what the actor may take at a site. No join: an UPDATE over it must see the row as it is then."""
    rows = _free(actor, site)
    wanted = Q(~Exists(_own_readings(actor, site)), status=StudyStatus.AWAITING)
    if _settles(actor, site):
        wanted |= Q(~Exists(_own_readings(actor)), status=StudyStatus.DISPUTED)
    return rows.filter(wanted)


def _lanes(actor: User, site: Site) -> Iterator[Sequence[QuerySet[Study]]]:
    """Return what the pool hands the actor, lane by lane: the oldest first row of a lane's parts is the next."""
    skipped = Skip.objects.filter(study=OuterRef("pk"), reader=actor, round=OuterRef("round"))
    rows = _free(actor, site).filter(~Exists(skipped)).order_by("received_at", "id")
    waiting = rows.filter(~Exists(_own_readings(actor, site)), status=StudyStatus.AWAITING)
    disputed = rows.filter(~Exists(_own_readings(actor)), status=StudyStatus.DISPUTED)
    now = timezone.now()
    ceiling = now - timedelta(minutes=site.wait_ceiling_minutes)
    open_to_actor = (waiting, disputed) if _settles(actor, site) else (waiting,)
    yield [part.filter(claimed_by=actor, claimed_until__gte=now) for part in open_to_actor]
    yield [part.filter(received_at__lte=ceiling) for part in open_to_actor]
    yield [part.filter(received_at__gt=ceiling) for part in open_to_actor[1:]]
    fresh = waiting.filter(received_at__gt=ceiling)
    if orders_by_ai(site):
        yield [fresh.order_by("rank", "received_at", "id")]
    else:  # whatever the AI made of them before it lost its part in the order
        yield [fresh.filter(rank=Rank.URGENT)]
        yield [fresh.exclude(rank=Rank.URGENT)]


def _take(actor: User, study: Study, site: Site) -> Study:
    """Give the actor a lease, if the row as it is now allows it; the caller's transaction also records it."""
    lease = _lease(actor)
    if not _claimable(actor, site).filter(pk=study.pk).update(**lease):
        raise _why_not(actor, study)
    if study.claimed_by_id != actor.pk:
        record(actor, Verb.STUDY_CLAIMED, target_type="study", target_id=study.pk, site=site.pk)
    study.site, study.claimed_by, study.claimed_until = site, actor, lease["claimed_until"]
    return study


def _free(actor: User, site: Site) -> QuerySet[Study]:
    now = timezone.now()
    free = Q(claimed_by__isnull=True) | Q(claimed_by=actor) | Q(claimed_until__lt=now)
    return Study.objects.filter(free, site=site, has_problem=False, ready_at__lte=now)


def _own_readings(actor: User, site: Site | None = None) -> QuerySet[Review]:
    """Return the actor's standing readings of a study's round; of a site, those that count there."""
    own = standing_reviews().filter(
        study=OuterRef("pk"), reader=actor, round=OuterRef("round"), kind=ReviewKind.READING
    )
    return own.filter(mode=ReviewMode.ASSISTED) if site and site.reading_mode == ReadingMode.BLIND_FIRST else own


def _settles(actor: User, site: Site) -> bool:
    return may_adjudicate(access.standing(actor, site), is_reader_of_round=False)


def _not_waiting(study: Study) -> Conflict:
    sentence = _("This study awaits no reading: it is %(status)s.") % {"status": study.get_status_display()}
    return Conflict(sentence, code="wrong_state")


def _why_not(actor: User, study: Study) -> Conflict:
    study.refresh_from_db()
    if study.status not in _IN_POOL or (study.status == StudyStatus.DISPUTED and not _settles(actor, study.site)):
        return _not_waiting(study)
    if study.has_problem:
        return Conflict(_("A problem was reported with this study. A lead has to settle it first."), code="problem")
    if study.status == StudyStatus.DISPUTED and is_reader_of_round(actor, study):
        return Conflict(_("You are one of its readers. Another lead settles it."), code="already_read")
    if has_read(actor, study) or is_between_looks(actor, study):
        return Conflict(_("You have read this study already. It waits for another reader."), code="already_read")
    if study.claimed_by_id and study.claimed_by_id != actor.pk:
        return Conflict(_("Somebody else is reading this study. Take the next one."), code="held")
    return Conflict(_("This study is not complete yet. Try again in a moment."), code="not_ready")
