"""What is done with a study beside reading it: reopen, void, restore, problems, and an image that arrives late."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.audit.models import Verb
from bonefrac.celery import ring
from bonefrac.errors import Conflict, Forbidden, Invalid
from studies import access, critical, notices, policies
from studies.models import Decision, Problem, Study
from studies.reviews.checking import REASON_LENGTH
from studies.reviews.locking import drop_claim, lock, locked, move, note, settle
from studies.states import STUDY_TRANSITIONS, NoticeKind, StudyEvent, StudyStatus
from studies.turns import standing_reviews

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

_SENTENCE: Final = 500


def reopen(actor: User, study_id: uuid.UUID, *, reason: str) -> Study:
    """Start another round of reading; earlier reviews stay as history and no longer count.

    Raises:
        NotFound, Forbidden: The actor may not see the study, or is no lead of its site.
        Conflict: It is not reviewed.
        Invalid: The reason is missing.
    """
    text = required(reason)
    with transaction.atomic():
        study = _lead(actor, study_id)
        STUDY_TRANSITIONS.targets(StudyStatus(study.status), StudyEvent.REOPEN)
        study.round += 1
        move(study, StudyEvent.REOPEN)
        Decision.objects.create(study=study, lead=actor, event=StudyEvent.REOPEN, round=study.round, reason=text)
        note(actor, Verb.STUDY_REOPENED, study, round=study.round)
        _tell(actor, study, NoticeKind.REOPENED, _("The study is read again. Why: %(reason)s") % {"reason": text})
        ring("studies.rank", str(study.pk))
    return study


def void(actor: User, study_id: uuid.UUID, *, reason: str) -> Study:
    """Take a study out of everything: its reviews stop being labels. ``restore`` brings it back.

    Raises:
        NotFound, Forbidden: The actor may not see the study, or is no lead of its site.
        Conflict: It is void already.
        Invalid: The reason is missing.
    """
    text = required(reason)
    with transaction.atomic():
        study = _lead(actor, study_id)
        told = _("The study was voided: its readings count no longer. Why: %(reason)s") % {"reason": text}
        _tell(actor, study, NoticeKind.VOIDED, told)
        drop_claim(study)
        move(study, StudyEvent.VOID)
        Decision.objects.create(study=study, lead=actor, event=StudyEvent.VOID, round=study.round, reason=text)
        critical.withdraw_all(study)
        note(actor, Verb.STUDY_VOIDED, study)
    return study


def restore(actor: User, study_id: uuid.UUID) -> Study:
    """Bring a void study back to where its current reviews put it.

    Raises:
        NotFound, Forbidden: The actor may not see the study, or is no lead of its site.
        Conflict: It is not void, or its images were moved to other studies (``no_image``).
    """
    with transaction.atomic():
        study = _lead(actor, study_id)
        STUDY_TRANSITIONS.targets(StudyStatus(study.status), StudyEvent.RESTORE)
        if not study.images.exists():
            raise Conflict(_("Its images are in another study now: there is nothing to restore."), code="no_image")
        settle(study, StudyEvent.RESTORE)
        note(actor, Verb.STUDY_RESTORED, study)
        _tell(actor, study, NoticeKind.RESTORED, _("The study was restored."))
        ring("studies.rank", str(study.pk))
    return study


def report_problem(actor: User, study_id: uuid.UUID, *, sentence: str) -> Problem:
    """Take a study out of the pool until a lead settles what is wrong with it; a claim on it ends.

    Raises:
        NotFound, Forbidden: The actor may not see the study, or does not read at its site.
        Conflict: It is void.
        Invalid: The sentence is missing.
    """
    text = required(sentence, field="sentence")
    with transaction.atomic():
        study = lock(actor, study_id)
        if not policies.may_report_problem(access.standing(actor, study.site)):
            raise Forbidden(_("Radiologists and leads of the site report problems."))
        STUDY_TRANSITIONS.targets(StudyStatus(study.status), StudyEvent.REPORT_PROBLEM)
        problem = Problem.objects.create(study=study, reporter=actor, sentence=text)
        drop_claim(study)
        study.has_problem = True
        study.save(update_fields=["has_problem", "claimed_by", "claimed_until"])
        note(actor, Verb.PROBLEM_REPORTED, study, problem=str(problem.pk))
    return problem


def settle_problem(actor: User, problem_id: uuid.UUID, *, settlement: str) -> Problem:
    """Say how a problem was settled; with the last one the study is back in the pool.

    Raises:
        NotFound, Forbidden: The actor may not see the study, or is no lead of its site.
        Conflict: It was settled already.
        Invalid: The settlement is missing.
    """
    text = required(settlement, field="settlement")
    found = access.problem(actor, problem_id)
    with transaction.atomic():
        study = _lead(actor, found.study_id)
        problem = study.problems.select_for_update(no_key=True).get(pk=found.pk)
        if problem.settled_at is not None:
            raise Conflict(_("This problem was settled already."), code="settled")
        problem.settled_by, problem.settled_at, problem.settlement = actor, timezone.now(), text
        problem.save(update_fields=["settled_by", "settled_at", "settlement"])
        study.has_problem = study.problems.filter(settled_at__isnull=True).exists()
        study.save(update_fields=["has_problem"])
        note(actor, Verb.PROBLEM_SETTLED, study, problem=str(problem.pk))
    return problem


def add_image(study_id: uuid.UUID) -> Study:
    """Move a study to which intake just added an image; call it in the transaction that added the row.

    An open study that nobody has read in its round stays open with a higher revision, so that its reader is told. Any
    other goes to its next round: what was signed did not know the image. Its readers and who holds it are told.

    Raises:
        Conflict: The study is void.
    """
    with transaction.atomic():
        study = locked(study_id)
        is_new_round = start_round_if_read(study)
        move(study, StudyEvent.ADD_IMAGE)
        note(None, Verb.IMAGE_ADDED, study, round=study.round)
        told = (
            _("An image came later. Earlier readings no longer count.") if is_new_round else _("An image came later.")
        )
        notices.tell(notices.readers_of(study), study, kind=NoticeKind.IMAGE_ADDED, sentence=told)
    return study


def start_round_if_read(study: Study) -> bool:
    """Put a locked study into its next round where anybody has signed in this one; the caller saves."""
    is_read = standing_reviews().filter(study=study, round=study.round).exists()
    study.round += is_read
    return is_read


def _tell(actor: User, study: Study, kind: NoticeKind, sentence: str) -> None:
    notices.tell(notices.all_who_saw(study), study, kind=kind, sentence=sentence[:_SENTENCE], by=actor)


def _lead(actor: User, study_id: uuid.UUID) -> Study:
    study = lock(actor, study_id)
    if not policies.may_lead(access.standing(actor, study.site)):
        raise Forbidden(_("Only a lead of the site does this."))
    return study


def required(text: str, *, field: str = "reason") -> str:
    """Return the text without its margins; raise ``Invalid`` where nothing or too much was written."""
    stripped = text.strip()
    if not stripped or len(stripped) > REASON_LENGTH:
        sentence = _("Say why in a sentence of at most 500 characters.")
        raise Invalid(sentence, code=f"{field}_missing", fields={field: sentence})
    return stripped
