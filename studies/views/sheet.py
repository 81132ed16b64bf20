"""What the reading page is given: the viewer's data, the form's fields, and which of the four kinds of form it is."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.urls import reverse
from django.utils import timezone

from bonefrac.accounts.models import User
from bonefrac.errors import DomainError
from studies import drafts, keys
from studies.forms import kept
from studies.models import Draft, Review, Study
from studies.reviews import CONFIRMS, next_mode, undoable
from studies.selectors.readings import reads_blind_first
from studies.selectors.story import Story
from studies.states import Confidence, ImageVerdict, NotAssessableReason, ReviewMode, Side, StudyEvent, Verdict
from studies.terms import Advice, Bone, DraftPurpose, FractureType, OtherFinding
from studies.turns import blind_answer, is_between_looks
from studies.typed import Typed, typed_in, typed_of
from studies.views.pictures import looked_data, reading_data
from studies.wording import facts_of


@dataclass(frozen=True, slots=True)
class Sheet:
    """The form beside the image: where it is sent, what stands in it, and what is wrong with it.

    ``typed`` is what somebody sent; None where nothing was sent and a draft or what was signed stands there.
    ``looks_again`` drops what was typed on images that are gone.
    """

    kind: StudyEvent
    action: str
    typed: Typed | None = None
    error: DomainError | None = None
    review: Review | None = None
    looks_again: bool = False

    @property
    def purpose(self) -> DraftPurpose:
        """What a draft of it is going to be."""
        return DraftPurpose(str(self.kind))


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a closed list, and whether it was ticked."""

    value: str
    name: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class DraftOfSheet:
    """Where the draft of a form is kept, and the draft that stands in it: version 0 where there is none yet.

    ``is_older`` is whether the study has changed since it was drafted.
    """

    url: str
    discard_url: str
    purpose: str
    version: int = 0
    saved_at: datetime | None = None
    is_older: bool = False


@dataclass(frozen=True, slots=True)
class SheetImage:
    """One image of the form, and what was typed for it."""

    id: uuid.UUID
    label: str
    typed: str


def to_sign(study: Study, typed: Typed | None = None, *, looks_again: bool = False) -> Sheet:
    """Return the form of a reading."""
    return Sheet(StudyEvent.SIGN, reverse("studies:sign", args=[study.pk]), typed, looks_again=looks_again)


def to_amend(review: Review, typed: Typed | None = None) -> Sheet:
    """Return the form that corrects a review."""
    return Sheet(StudyEvent.AMEND, reverse("studies:amend", args=[review.pk]), typed, review=review)


def to_adjudicate(study: Study, typed: Typed | None = None) -> Sheet:
    """Return the form that settles a dispute."""
    return Sheet(StudyEvent.ADJUDICATE, reverse("studies:adjudicate", args=[study.pk]), typed)


def context(user: User, story: Story, sheet: Sheet) -> dict[str, Any]:
    """Return the context of ``studies/reading.html``."""
    study = story.study
    can_write = sheet.kind != StudyEvent.SIGN or (story.is_mine and StudyEvent.SIGN in story.events)
    looks_twice = reads_blind_first(study) or is_between_looks(user, study)
    is_second_look = looks_twice and next_mode(user, study) == ReviewMode.ASSISTED
    draft = drafts.find(user, study, sheet.purpose)
    typed, lost = _typed(user, study, sheet, draft, is_second_look=is_second_look)
    names = story.image_names
    images = [SheetImage(image.pk, names[image.pk], typed.images.get(str(image.pk), "")) for image in story.images]
    return {
        "keys": keys.of(user),
        "story": story,
        "study": study,
        "sheet": replace(sheet, typed=typed),
        "images": images,
        "can_write": can_write,
        "can_claim": sheet.kind == StudyEvent.SIGN and not story.is_mine and StudyEvent.SIGN in story.events,
        "is_second_look": is_second_look,
        "opened_at": timezone.now().isoformat(),
        **_lists(typed),
        "agree": _agree(story) if can_write and sheet.kind == StudyEvent.SIGN else None,
        "draft": _draft(study, sheet, draft),
        "lost": lost,
        "before": facts_of(sheet.review, names) if sheet.review else (),
        "undo": undoable(user),
        "report_sentence_url": reverse("studies:report_sentence", args=[study.pk]),
        "reading_data": reading_data(user, story, can_read=can_write),
    }


def machine_context(user: User, story: Story) -> dict[str, Any]:
    """Return the context of ``studies/machine.html`` for a reading page that is open while the models still speak.

    What arrives is what the page would have shown had it been opened now: the words, where the models looked, and the
    offer to agree, where the person could sign.
    """
    may_sign = story.is_mine and StudyEvent.SIGN in story.events
    agree = _agree(story) if may_sign else None
    looked = "" if story.ai.is_withheld else json.dumps(looked_data(story), cls=DjangoJSONEncoder)
    return {"agree": agree, "keys": keys.of(user) if agree else None, "looked": looked}


def _typed(user: User, study: Study, sheet: Sheet, draft: Draft | None, *, is_second_look: bool) -> tuple[Typed, int]:
    """Return what stands in the form, and how much of it lay on images that are gone."""
    if sheet.typed is not None:
        return kept(sheet.typed, study.images.values_list("pk", flat=True)) if sheet.looks_again else (sheet.typed, 0)
    if draft is not None:
        return kept(typed_in(draft.body), study.images.values_list("pk", flat=True))
    signed = sheet.review or (blind_answer(user, study) if is_second_look else None)
    return (typed_of(signed), 0) if signed else (Typed(), 0)


def _lists(typed: Typed) -> dict[str, Any]:
    """Return the closed lists of the form, with what was typed."""
    return {
        "verdicts": Verdict.choices,
        "confidences": Confidence.choices,
        "reasons": NotAssessableReason.choices,
        "image_verdicts": ImageVerdict.choices,
        "other_findings": [Choice(key, str(name), key in typed.other_findings) for key, name in OtherFinding.choices],
        "advice": [Choice(key, str(name), key in typed.advice) for key, name in Advice.choices],
        "bones": Bone.choices,
        "types": FractureType.choices,
        "sides": Side.choices,
    }


def _agree(story: Story) -> dict[str, str] | None:
    """Return what taking the model's word would say; None where it is unsure, failed, silent or withheld."""
    verdict = CONFIRMS.get(story.ai.state) if story.ai.state else None
    return {"verdict": str(verdict), "sentence": story.ai.sentence} if verdict else None


def _draft(study: Study, sheet: Sheet, draft: Draft | None) -> DraftOfSheet:
    fresh = DraftOfSheet(
        url=reverse("studies:draft", args=[study.pk]),
        discard_url=reverse("studies:discard_draft", args=[study.pk]),
        purpose=sheet.purpose,
    )
    if draft is None:
        return fresh
    is_older = draft.revision < study.revision
    return replace(fresh, version=draft.version, saved_at=draft.saved_at, is_older=is_older)
