"""Undo: within seconds of signing a reader takes a review back, without a reason, by a row that supersedes it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.accounts.models import ReadingMode
from bonefrac.audit.models import Verb
from bonefrac.celery import ring
from bonefrac.errors import Conflict
from studies import access, drafts, outcomes, policies
from studies.models import Review, Study
from studies.reviews.judgement import judgement_of
from studies.reviews.locking import lock, note, settle
from studies.reviews.signing import add, may_be_undone, require_amendable
from studies.selectors.ai import has_been_shown
from studies.states import STUDY_TRANSITIONS, ReviewKind, ReviewMode, StudyEvent, StudyStatus
from studies.terms import DraftPurpose
from studies.turns import standing_reviews
from studies.typed import typed_of

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

_LOOKED_AT: Final = 4


@dataclass(frozen=True, slots=True)
class Undoable:
    """A review that its reader may still take back, and until when."""

    review: uuid.UUID
    study: uuid.UUID
    until: datetime


def undo(actor: User, review_id: uuid.UUID) -> Review:
    """Take one of the actor's own reviews back within ``UNDO_SECONDS`` of signing; what it said is their draft again.

    A reading or adjudication is superseded by a withdrawal, which counts nowhere; the study goes back to where it was,
    and the reader holds it again if nobody else does. An amendment is superseded by what it had amended.

    Returns:
        The row that supersedes.

    Raises:
        NotFound, Forbidden: There is no such review of the actor's that they may see.
        Conflict: The time is over (``too_late``), it stands no longer, belongs to an earlier round, was adjudicated
            since, is a blind reading whose reader has been shown the AI, or the study is void.
    """
    review = access.own_review(actor, review_id)
    with transaction.atomic():
        study = lock(actor, review.study_id)
        STUDY_TRANSITIONS.targets(StudyStatus(study.status), StudyEvent.UNDO)
        require_amendable(actor, study, review)
        _require_open(study, review)
        undone = _supersede(actor, study, review)
        if undone.is_withdrawal and review.kind == ReviewKind.READING:
            _hold_again(actor, study)
        settle(study, StudyEvent.UNDO)
        drafts.put_back(actor, study, _purpose(review, undone), typed_of(review))
        note(actor, Verb.REVIEW_WITHDRAWN, study, review=str(undone.pk), supersedes=str(review.pk), round=study.round)
        outcomes.follow_undoing(study, undone)
        ring("studies.rank", str(study.pk))
    return undone


def undoable(actor: User) -> Undoable | None:
    """Return the newest review that the actor could undo now, None where there is none."""
    since = timezone.now() - timedelta(seconds=settings.UNDO_SECONDS)
    fresh = standing_reviews().filter(reader=actor, signed_at__gt=since).select_related("study__site")
    for review in fresh.order_by("-signed_at", "-id")[:_LOOKED_AT]:
        study = review.study
        is_settled = review.round != study.round or study.status == StudyStatus.VOID
        if not is_settled and not _is_final(actor, study, review):
            until = review.signed_at + timedelta(seconds=settings.UNDO_SECONDS)
            return Undoable(review=review.pk, study=study.pk, until=until)
    return None


def _is_final(actor: User, study: Study, review: Review) -> bool:
    is_blind_look = study.site.reading_mode == ReadingMode.BLIND_FIRST and review.mode == ReviewMode.BLIND
    return is_blind_look and review.kind == ReviewKind.READING and has_been_shown(actor, study)


def _require_open(study: Study, review: Review) -> None:
    if not may_be_undone(review):
        raise Conflict(
            _("A reading can be undone for %(seconds)d seconds only. Nothing was changed: amend it, with a reason.")
            % {"seconds": settings.UNDO_SECONDS},
            code="too_late",
        )
    settled = standing_reviews().filter(study=study, round=study.round, kind=ReviewKind.ADJUDICATION)
    if review.kind == ReviewKind.READING and settled.exists():
        raise Conflict(
            _("A lead has settled the dispute since. Your reading stays as it is; amend it, with a reason."),
            code="adjudicated",
        )


def _supersede(actor: User, study: Study, review: Review) -> Review:
    """Add the row that takes a review back: a withdrawal, or what an amendment had amended."""
    earlier = review.supersedes
    is_amendment = earlier is not None and not earlier.is_withdrawal
    source = earlier if earlier is not None and is_amendment else review
    return add(
        actor,
        study,
        judgement_of(source),
        kind=ReviewKind(review.kind),
        mode=ReviewMode(source.mode),
        opened_at=review.opened_at,
        supersedes=review,
        is_withdrawal=not is_amendment,
    )


def _hold_again(actor: User, study: Study) -> None:
    """Give the claim back to who had it, where the study is free; ``settle`` saves it."""
    now = timezone.now()
    is_free = study.claimed_by_id is None or study.claimed_until is None or study.claimed_until < now
    reads = policies.may_read(access.standing(actor, study.site))
    if reads and is_free and not study.has_problem:
        study.claimed_by, study.claimed_until = actor, now + timedelta(minutes=settings.CLAIM_MINUTES)


def _purpose(review: Review, undone: Review) -> DraftPurpose:
    if not undone.is_withdrawal:
        return DraftPurpose.AMEND
    return DraftPurpose.ADJUDICATE if review.kind == ReviewKind.ADJUDICATION else DraftPurpose.SIGN
