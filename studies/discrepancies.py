"""Asks once where a header and a person say different things of a study, and keeps the one answer."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.audit.models import Verb
from bonefrac.errors import Conflict, Forbidden, Invalid
from studies import access, notices, policies
from studies.models import Discrepancy, Study, StudyImage
from studies.reviews.locking import locked, note
from studies.selectors.discrepancies import in_words, word_of
from studies.states import Fact, NoticeKind

if TYPE_CHECKING:
    from bonefrac.accounts.models import User


def ask(study: Study, contradictions: Sequence[Sequence[str]]) -> None:
    """Keep what a file's header and its sender say differently; what was asked before is not asked again."""
    for fact, header_value, entered_value in contradictions:
        made, is_new = Discrepancy.objects.get_or_create(
            study=study, fact=fact, header_value=header_value, entered_value=entered_value
        )
        if is_new:
            notices.tell([study.uploader_id], study, kind=NoticeKind.CONTRADICTED, sentence=in_words(made))


def answer(actor: User, discrepancy_id: uuid.UUID, *, chosen: str) -> Discrepancy:
    """Say which of the two is right; the study carries it from then on.

    Raises:
        NotFound, Forbidden: The actor may not see the study, or is neither its uploader nor a lead of its site.
        Conflict: It was answered already.
        Invalid: The answer is neither of the two values.
    """
    found = access.discrepancy(actor, discrepancy_id)
    with transaction.atomic():
        study = locked(found.study_id)
        if not policies.may_answer(access.standing(actor, study.site), study):
            raise Forbidden(_("The study's uploader or a lead of the site answers this."))
        asked = study.discrepancies.select_for_update(no_key=True).get(pk=found.pk)
        if asked.answered_at is not None:
            raise Conflict(_("This was answered already."), code="answered")
        if chosen not in (asked.header_value, asked.entered_value):
            sentence = _("Choose what the header says or what was entered.")
            raise Invalid(sentence, fields={"chosen": sentence})
        asked.chosen, asked.answered_by, asked.answered_at = chosen, actor, timezone.now()
        asked.save(update_fields=["chosen", "answered_by", "answered_at"])
        _apply(actor, study, asked)
    return asked


def _apply(actor: User, study: Study, asked: Discrepancy) -> None:
    """Let the study, and the images whose header was wrong, carry the answer; who reads it is told."""
    if asked.fact == Fact.SIDE and asked.chosen == asked.entered_value:
        StudyImage.objects.filter(study=study, side=asked.header_value).update(side=asked.entered_value)
    setattr(study, asked.fact, asked.chosen)
    study.revision += 1
    study.save(update_fields=[str(asked.fact), "revision"])
    note(actor, Verb.PROBLEM_SETTLED, study, fact=str(asked.fact), chosen=asked.chosen)
    told = _("%(fact)s of the study was settled: %(value)s.") % {
        "fact": str(Fact(asked.fact).label).capitalize(),
        "value": word_of(asked.fact, asked.chosen),
    }
    notices.tell(notices.readers_of(study), study, kind=NoticeKind.CONTRADICTED, sentence=told, by=actor)
