"""One study as its uploader sees it: where it stands, the signed verdict, what changed since, what is critical.

Nothing that was signed is told before it can no more be undone. What the AI says is told only where the site allows it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import Prefetch
from django.utils import timezone

from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from studies import access, policies
from studies.consensus import Label
from studies.models import CriticalFinding, Problem, Review, Study, StudyImage
from studies.selectors.ai import StudyAI, ai_for_uploader
from studies.selectors.decided import known_labels, known_reviews, state_for_uploader, status_for_uploader
from studies.selectors.discrepancies import OpenQuestion, open_of
from studies.selectors.listing import pseudonym
from studies.selectors.readings import findings_with_size
from studies.states import StudyStatus, Verdict
from studies.wording import Change, Fact, Names, changes_between, facts_of, names_of

if TYPE_CHECKING:
    from bonefrac.accounts.models import User


@dataclass(frozen=True, slots=True)
class Amendment:
    """A reading that was amended after its verdict was known: when, why, and what it says differently."""

    at: datetime
    reason: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class UploaderStory:
    """What an uploader sees of their own study."""

    study: Study
    pseudonym: str
    state: StudyStatus
    status: str
    verdict: str
    signed_at: datetime | None
    facts: tuple[Fact, ...]
    amendments: tuple[Amendment, ...]
    critical: tuple[tuple[CriticalFinding, tuple[Fact, ...]], ...]
    ai: StudyAI | None
    images: tuple[StudyImage, ...]
    problems: tuple[Problem, ...]
    questions: tuple[OpenQuestion, ...]


def open_as_uploader(user: User, study: Study) -> UploaderStory:
    """Return what an uploader sees of their own study and record that they opened it."""
    label = known_labels([study]).get(study.pk) if study.status == StudyStatus.REVIEWED else None
    state = state_for_uploader(study, is_known=label is not None)
    with transaction.atomic():
        record(user, Verb.STUDY_OPENED, target_type="study", target_id=study.pk, site=study.site_id)
        allowed = policies.uploader_sees_ai(access.standing(user, study.site), study, is_signed=label is not None)
        ai = ai_for_uploader(user, study) if allowed else None
    names = names_of(StudyImage.everything.filter(study=study))
    reviews = _reviews(study)
    deciding = next((row for row in reviews if label and row.pk == label.deciding.review), None)
    return UploaderStory(
        study=study,
        pseudonym=pseudonym(study),
        state=state,
        status=status_for_uploader(study, is_known=label is not None),
        verdict=str(Verdict(label.verdict).label) if label else "",
        signed_at=deciding.signed_at if deciding else None,
        facts=facts_of(deciding, names) if deciding else (),
        amendments=tuple(_amendments(reviews, label, names)),
        critical=_critical(study, names),
        ai=ai,
        images=tuple(study.images.select_related("radiograph")),
        problems=tuple(study.problems.order_by("reported_at", "id")),
        questions=open_of(study),
    )


def _reviews(study: Study) -> list[Review]:
    rows = Review.objects.filter(study=study, round=study.round).order_by("signed_at", "id")
    return list(rows.prefetch_related(Prefetch("image_readings__findings", findings_with_size()), "unlocated_findings"))


def _amendments(reviews: Sequence[Review], label: Label | None, names: Names) -> list[Amendment]:
    """Return what changed in the readings that made the verdict since they were first known, oldest first."""
    by_key = {row.pk: row for row in reviews}
    found = []
    for reading in label.readings if label else ():
        known = _known_of(reading.review, by_key)
        for before, after in pairwise(known):
            changes = changes_between(before, after, names)
            if changes:
                found.append(Amendment(after.signed_at, after.reason, changes))
    return sorted(found, key=lambda amendment: amendment.at)


def _known_of(review: uuid.UUID, by_key: Mapping[uuid.UUID, Review]) -> list[Review]:
    """Return a reading and what it amended, oldest first, without what was replaced before it became known."""
    chain: list[Review] = []
    row = by_key.get(review)
    while row is not None and not row.is_withdrawal:
        chain.insert(0, row)
        row = by_key.get(row.supersedes_id) if row.supersedes_id else None
    undo = timedelta(seconds=settings.UNDO_SECONDS)
    return [row for row, later in zip_longest(chain, chain[1:]) if not later or later.signed_at - row.signed_at > undo]


def _critical(study: Study, names: Names) -> tuple[tuple[CriticalFinding, tuple[Fact, ...]], ...]:
    """Return the critical findings that an uploader has to know of, with what the reading says now."""
    known = timezone.now() - timedelta(seconds=settings.UNDO_SECONDS)
    rows = CriticalFinding.objects.filter(study=study, withdrawn_at__isnull=True, review__signed_at__lte=known)
    said = {(row.reader_id, row.kind): row for row in known_reviews().filter(study=study).order_by("signed_at", "id")}
    found = []
    for row in rows.select_related("review"):
        review = said.get((row.raised_by_id, row.review.kind), row.review)
        found.append((row, facts_of(review, names)))
    return tuple(found)
