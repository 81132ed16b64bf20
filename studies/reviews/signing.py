"""Sign, amend and adjudicate: the verbs that add a review."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.accounts.models import ReadingMode
from bonefrac.audit.models import Verb
from bonefrac.errors import Conflict, Forbidden, Invalid
from studies import access, drafts, outcomes, policies
from studies.models import Review, Study
from studies.reviews.checking import REASON_LENGTH, check
from studies.reviews.confirming import require_agreement
from studies.reviews.judgement import Judgement, facts_of, judgement_of, write_marks
from studies.reviews.locking import drop_claim, lock, note, require_revision, require_same_study, settle
from studies.selectors.ai import has_been_shown, has_signed_blind
from studies.states import STUDY_TRANSITIONS, ReviewKind, ReviewMode, StudyEvent, StudyStatus
from studies.terms import DraftPurpose
from studies.turns import counts_at_once, has_read, is_reader_of_round, standing_reviews

if TYPE_CHECKING:
    from bonefrac.accounts.models import User


def next_mode(actor: User, study: Study) -> ReviewMode:
    """Return in which mode the actor's next reading of the study would be, from what they were shown.

    Where the site reads blind first, the first is blind and the second look is assisted, also when there was nothing
    to show. Elsewhere a reading is assisted as soon as the reader was handed AI output of the study in this round.
    """
    if study.site.reading_mode == ReadingMode.BLIND_FIRST and has_signed_blind(actor, study):
        return ReviewMode.ASSISTED
    return ReviewMode.ASSISTED if has_been_shown(actor, study) else ReviewMode.BLIND


def sign(
    actor: User, study_id: uuid.UUID, *, judgement: Judgement, revision: int, opened_at: datetime | None = None
) -> Review:
    """Sign the actor's reading of a study that they hold.

    Args:
        actor: The reader.
        study_id: The study.
        judgement: What the reader filled in.
        revision: The study's revision that the reader looked at.
        opened_at: When the reader opened it; now where it is unknown.

    Raises:
        NotFound: The actor may not see it.
        Forbidden: The actor does not read at this site.
        Conflict: It changed (``stale``), the actor does not hold it (``not_held``), has read it (``already_read``),
            it has an open problem (``problem``) or awaits no reading (``wrong_state``).
        Invalid: The judgement is not whole.
    """
    with transaction.atomic():
        study = lock(actor, study_id)
        _require_turn(actor, study, revision)
        _require_whole(actor, study, judgement)
        mode = next_mode(actor, study)
        review = _add_anew(actor, study, judgement, kind=ReviewKind.READING, mode=mode, opened_at=opened_at)
        if counts_at_once(study, review):
            drop_claim(study)
        readings = settle(study, StudyEvent.SIGN)
        drafts.discard(actor, study, DraftPurpose.SIGN)
        data = {"review": str(review.pk), "mode": mode, "round": study.round, "shown": _shown(judgement)}
        note(actor, Verb.REVIEW_SIGNED, study, **data)
        outcomes.follow(study, review, readings)
    return review


def amend(actor: User, review_id: uuid.UUID, *, judgement: Judgement, revision: int, reason: str = "") -> Review:
    """Supersede one of the actor's own current reviews by a new judgement; the study's state is computed again.

    Args:
        actor: The author of the review.
        review_id: The review that is corrected.
        judgement: What is right.
        revision: The study's revision that the author looked at.
        reason: Why; may be empty within ``UNDO_SECONDS`` of signing.

    Raises:
        NotFound: The actor may not see it.
        Forbidden: Somebody else signed it.
        Conflict: It changed, was superseded already, belongs to an earlier round, or is a blind reading whose reader
            has been shown the AI since.
        Invalid: The judgement is not whole, says what was signed (``nothing_changed``), or the reason is missing.
    """
    review = access.own_review(actor, review_id)
    with transaction.atomic():
        study = lock(actor, review.study_id)
        _require_state(study, StudyEvent.AMEND)
        require_revision(study, revision)
        require_amendable(actor, study, review)
        _require_change(review, judgement)
        _require_reason(review, reason)
        _require_whole(actor, study, judgement, earlier=judgement_of(review))
        amended = _supersede(actor, study, review, judgement, reason)
        readings = settle(study, StudyEvent.AMEND)
        drafts.discard(actor, study, DraftPurpose.AMEND)
        data = {"review": str(amended.pk), "supersedes": str(review.pk), "shown": _shown(judgement)}
        note(actor, Verb.REVIEW_AMENDED, study, **data)
        outcomes.follow(study, amended, readings)
    return amended


def adjudicate(
    actor: User, study_id: uuid.UUID, *, judgement: Judgement, revision: int, opened_at: datetime | None = None
) -> Review:
    """Settle a dispute by a lead who is not one of its readers.

    Raises:
        NotFound: The actor may not see it.
        Forbidden: The actor is no lead of the site, or one of the readers.
        Conflict: It changed, or is not disputed.
        Invalid: The judgement is not whole.
    """
    with transaction.atomic():
        study = lock(actor, study_id)
        standing = access.standing(actor, study.site)
        if not policies.may_adjudicate(standing, is_reader_of_round=is_reader_of_round(actor, study)):
            raise Forbidden(_("A lead who is not one of its readers settles a dispute."))
        _require_state(study, StudyEvent.ADJUDICATE)
        require_revision(study, revision)
        _require_whole(actor, study, judgement)
        mode = ReviewMode.ASSISTED if has_been_shown(actor, study) else ReviewMode.BLIND
        review = _add_anew(actor, study, judgement, kind=ReviewKind.ADJUDICATION, mode=mode, opened_at=opened_at)
        drop_claim(study)
        readings = settle(study, StudyEvent.ADJUDICATE)
        drafts.discard(actor, study, DraftPurpose.ADJUDICATE)
        data = {"review": str(review.pk), "mode": mode, "round": study.round, "shown": _shown(judgement)}
        note(actor, Verb.STUDY_ADJUDICATED, study, **data)
        outcomes.follow(study, review, readings)
    return review


def may_be_undone(review: Review) -> bool:
    """Whether a review is so fresh that its reader takes it back without giving a reason."""
    return timezone.now() - review.signed_at <= timedelta(seconds=settings.UNDO_SECONDS)


def once(actor: User, study_id: uuid.UUID, judgement: Judgement, verb: Callable[[], Review]) -> Review:
    """Do a verb that adds a review; where the actor signed just this a moment ago, return that review.

    A second Enter sends the same form again: what it asks for is done already. Raises what the verb raises.
    """
    try:
        return verb()
    except Conflict:
        done = just_signed(actor, study_id, judgement)
        if done is None:
            raise
        return done


def just_signed(actor: User, study_id: uuid.UUID, judgement: Judgement) -> Review | None:
    """Return the actor's newest review of the study's round, if it is fresh and says just this; else None."""
    study = access.study(actor, study_id)
    own = standing_reviews().filter(study=study, reader=actor, round=study.round)
    newest = own.order_by("signed_at", "id").last()
    if newest is None or not may_be_undone(newest):
        return None
    return newest if judgement_of(newest).says_the_same(judgement) else None


def _require_whole(actor: User, study: Study, judgement: Judgement, *, earlier: Judgement | None = None) -> None:
    check(judgement, list(study.images.select_related("radiograph")), earlier=earlier)
    require_agreement(actor, study, judgement)


def _shown(judgement: Judgement) -> list[str] | None:
    """Return which images were drawn at full depth, for the audit record; None where a program did not say."""
    return None if judgement.shown is None else sorted(str(key) for key in judgement.shown)


def _require_state(study: Study, event: StudyEvent) -> None:
    """Raise ``Conflict`` in a reader's words where the study's state does not take the event."""
    if event not in STUDY_TRANSITIONS.available(StudyStatus(study.status)):
        sentence = _(
            "This study is %(status)s by now. Nothing was signed; what you entered is kept. Take the next one."
        )
        raise Conflict(sentence % {"status": study.get_status_display()}, code="wrong_state")


def _require_turn(actor: User, study: Study, revision: int) -> None:
    if not policies.may_read(access.standing(actor, study.site)):
        raise Forbidden(_("Only radiologists and leads of this site sign its studies."))
    _require_state(study, StudyEvent.SIGN)
    if has_read(actor, study):
        raise Conflict(_("You have signed a reading of this study already. Amend it instead."), code="already_read")
    if study.has_problem:
        raise Conflict(_("A problem was reported with this study. A lead has to settle it first."), code="problem")
    if study.claimed_by_id != actor.pk:
        raise Conflict(
            _("Your claim on this study has ended. Nothing was signed, your entries are kept: claim it again."),
            code="not_held",
        )
    require_same_study(actor, study, revision)


def require_amendable(actor: User, study: Study, review: Review) -> None:
    """Raise ``Conflict`` where a review stands no longer, or is a blind one that the AI would change."""
    if review.is_withdrawal or Review.objects.filter(supersedes=review, is_withdrawal=True).exists():
        raise Conflict(_("You took this reading back. Sign the study anew instead."), code="withdrawn")
    if Review.objects.filter(supersedes=review).exists():
        raise Conflict(_("This reading was amended already. Amend the newer one."), code="superseded")
    if review.round != study.round:
        raise Conflict(_("This reading belongs to an earlier round and is history."), code="earlier_round")
    blind_look = study.site.reading_mode == ReadingMode.BLIND_FIRST and review.kind == ReviewKind.READING
    if blind_look and review.mode == ReviewMode.BLIND and has_been_shown(actor, study):
        raise Conflict(
            _("You have seen the AI since: your blind reading stays as it is. Say what changed in the second look."),
            code="blind_is_final",
        )


def _require_change(review: Review, judgement: Judgement) -> None:
    """An amendment says something else; that it does not repeat "I agree with the machine" is not something else."""
    signed = judgement_of(review)
    if signed.says_the_same(
        replace(judgement, agreed_with_model=judgement.agreed_with_model or signed.agreed_with_model)
    ):
        raise Invalid(
            _("Nothing was amended: this is what you signed. Change what is wrong in it, or leave it as it is."),
            code="nothing_changed",
        )


def _require_reason(review: Review, reason: str) -> None:
    if not reason.strip() and not may_be_undone(review):
        sentence = _("Say why the reading is amended.")
        raise Invalid(sentence, code="reason_missing", fields={"reason": sentence})
    if len(reason) > REASON_LENGTH:
        sentence = _("The reason has more than 500 characters.")
        raise Invalid(sentence, code="reason_long", fields={"reason": sentence})


def _supersede(actor: User, study: Study, review: Review, judgement: Judgement, reason: str) -> Review:
    mode = ReviewMode.ASSISTED if has_been_shown(actor, study) else ReviewMode(review.mode)
    return add(
        actor,
        study,
        judgement,
        kind=ReviewKind(review.kind),
        mode=mode,
        opened_at=None,
        supersedes=review,
        reason=reason,
    )


def _add_anew(
    actor: User, study: Study, judgement: Judgement, *, kind: ReviewKind, mode: ReviewMode, opened_at: datetime | None
) -> Review:
    """Add a review that supersedes the one that its reader took back before, where there is one."""
    undone = Review.objects.filter(
        study=study, reader=actor, kind=kind, round=study.round, is_withdrawal=True, superseded_by__isnull=True
    )
    if study.site.reading_mode == ReadingMode.BLIND_FIRST:
        undone = undone.filter(mode=mode)
    supersedes = undone.order_by("id").last()
    return add(actor, study, judgement, kind=kind, mode=mode, opened_at=opened_at, supersedes=supersedes)


def add(
    actor: User,
    study: Study,
    judgement: Judgement,
    *,
    kind: ReviewKind,
    mode: ReviewMode,
    opened_at: datetime | None,
    supersedes: Review | None = None,
    reason: str = "",
    is_withdrawal: bool = False,
) -> Review:
    """Insert a review with the rows of its images and findings; the caller holds the study's lock."""
    now = timezone.now()
    review = Review.objects.create(
        study=study,
        reader=actor,
        kind=kind,
        mode=mode,
        round=study.round,
        reason=reason.strip(),
        supersedes=supersedes,
        is_withdrawal=is_withdrawal,
        opened_at=min(opened_at or now, now),
        **facts_of(judgement),
    )
    write_marks(review, judgement)
    return review
