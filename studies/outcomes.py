"""What follows from a signature, in the signature's own transaction: who is told, what is raised, what differs.

It decides nothing about the study's state, which ``reviews`` has settled before. Everything here waits until the
signature can no more be undone: notices by their due time, critical findings by theirs.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.utils.translation import gettext as _

from studies import critical, divergences, notices
from studies.consensus import Label, Reading
from studies.models import Review, Study
from studies.policies import may_adjudicate
from studies.selectors.decided import label_before
from studies.selectors.readings import label_from
from studies.states import NoticeKind, ReviewKind, StudyStatus
from studies.turns import standing_reviews


def follow(study: Study, review: Review, readings: Sequence[Reading]) -> None:
    """Let happen what follows from a review that was just added to a locked study and settled.

    Args:
        study: The study as it stands now.
        review: A reading, an amendment or an adjudication.
        readings: The current readings, this one among them.
    """
    critical.follow(study, review)
    is_reviewed = study.status == StudyStatus.REVIEWED
    current = label_from(study, readings) if is_reviewed else None
    _tell_of_verdict(study, review, current)
    if current:
        divergences.find(study, current, readings)
    elif study.status == StudyStatus.DISPUTED:
        _tell_leads(study, review)


def follow_undoing(study: Study, review: Review) -> None:
    """Let happen what follows from an undoing: what the undone signature raised is withdrawn, or stands again.

    Nobody is told: what would have been told of the signature waits until it can no more be undone, and now never is.

    Args:
        study: The study as it stands now.
        review: The withdrawal, or what stands again in an amendment's place.
    """
    critical.follow(study, review)


def _tell_of_verdict(study: Study, review: Review, current: Label | None) -> None:
    """Tell those who saw the former verdict that it changed, or the uploader that there is one."""
    former = label_before(study, at=review.signed_at) if _may_have_a_past(study, review) else None
    if former and (current is None or current.verdict != former.verdict):
        if current or _was_current(study, former):
            told = _("The verdict of this study was changed. What you saw of it before no longer stands.")
            _tell(notices.all_who_saw(study), study, review, NoticeKind.VERDICT_CHANGED, told)
    elif current and review.supersedes_id and former:
        told = _("The signed reading was amended; its verdict stays.")
        _tell({study.uploader_id}, study, review, NoticeKind.VERDICT_CHANGED, told)
    elif current:
        _tell({study.uploader_id}, study, review, NoticeKind.VERDICT_SIGNED, _("The verdict of this study is signed."))


def _may_have_a_past(study: Study, review: Review) -> bool:
    return study.round > 1 or review.supersedes_id is not None or review.kind == ReviewKind.ADJUDICATION


def _was_current(study: Study, former: Label) -> bool:
    """Whether a former label was of this round: a reopened study has told already that it is read anew."""
    return Review.objects.filter(pk=former.deciding.review, round=study.round).exists()


def _tell_leads(study: Study, review: Review) -> None:
    """Tell the leads who may settle a dispute that there is one."""
    kinds = standing_reviews().filter(study=study, round=study.round, kind=ReviewKind.READING)
    readers = set(kinds.values_list("reader_id", flat=True))
    leads = {
        key
        for key, standing in notices.leads_of(study.site).items()
        if may_adjudicate(standing, is_reader_of_round=key in readers)
    }
    _tell(leads, study, review, NoticeKind.DISPUTED, _("The readings of this study differ: it waits for a lead."))


def _tell(people: set[uuid.UUID], study: Study, review: Review, kind: NoticeKind, sentence: str) -> None:
    notices.tell(people, study, kind=kind, sentence=sentence, by=review.reader, review=review)
