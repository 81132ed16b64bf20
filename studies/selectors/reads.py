"""What somebody has signed, newest first: their own readings and adjudications, with what they said and when."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.translation import gettext as _

from bonefrac.paging import newest_first
from studies.models import Disclosure, Review, Study
from studies.selectors.filtering import PAGE_SIZE, Filters
from studies.selectors.listing import pseudonym, site_wide
from studies.selectors.rows import note_list
from studies.standings import Standings, standings_of
from studies.states import STUDY_TRANSITIONS, ReviewKind, ReviewMode, StudyEvent, StudyStatus
from studies.turns import reads_blind_first

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

#: So many of somebody's newest reviews does a filter look through: what fits none of them costs no more.
LOOKED_THROUGH: Final = 10_000


@dataclass(frozen=True, slots=True)
class ReadRow:
    """One review that somebody signed, and whether they may still amend it."""

    review: Review
    how: str
    is_amendable: bool

    @property
    def study(self) -> Study:
        """The study that was read."""
        return self.review.study

    @property
    def pseudonym(self) -> str:
        """The code by which people call the patient."""
        return pseudonym(self.review.study)


def reads_page(
    user: User, filters: Filters, *, cursor: str = "", size: int = PAGE_SIZE, at: Standings | None = None
) -> tuple[list[ReadRow], str]:
    """Return a page of what a person signed and stands, at sites whose studies they see, and record what was shown.

    Raises:
        Invalid: The cursor is none of ours.
    """
    sites = {site.pk: site for site in site_wide(standings_of(user) if at is None else at)}
    found = newest_first(_standing(user, sites, filters), time="signed_at", cursor=cursor, size=size)
    studies = Study.objects.in_bulk({review.study_id for review in found.rows})
    for review in found.rows:
        review.study = studies[review.study_id]
        review.study.site = sites[review.study.site_id]
    final = _final(user, found.rows)
    with transaction.atomic():
        note_list(user, list({review.study_id: review.study for review in found.rows}.values()))
    return [ReadRow(row, _how(row), _is_amendable(row, final)) for row in found.rows], found.next_cursor


def _standing(user: User, sites: Collection[uuid.UUID], filters: Filters) -> QuerySet[Review]:
    """Return a person's reviews that nothing supersedes; a filter looks through the newest of them only.

    Asked row by row along the index of the reader, not joined: the page ends long before the reviews do.
    """
    newer = Review.objects.filter(supersedes=OuterRef("pk")).order_by().values("pk")[:1]
    fitting = filters.narrow(Study.objects.filter(pk=OuterRef("study"), site__in=sites)).values("pk")[:1]
    rows = Review.objects.filter(reader=user, is_withdrawal=False)
    if filters.is_narrow:
        rows = rows.filter(pk__in=rows.order_by("-signed_at", "-id").values("pk")[:LOOKED_THROUGH])
    return rows.alias(newer=Subquery(newer), fits=Subquery(fitting)).filter(newer__isnull=True, fits__isnull=False)


def _how(review: Review) -> str:
    if review.kind == ReviewKind.ADJUDICATION:
        return _("adjudication")
    if reads_blind_first(review.study):
        return _("second look, with the machine") if review.mode == ReviewMode.ASSISTED else _("blind look")
    return _("reading")


def _final(user: User, reviews: list[Review]) -> set[uuid.UUID]:
    """Return the blind looks that stay as they are, since their reader has been shown the AI."""
    blind = [row for row in reviews if row.mode == ReviewMode.BLIND and row.kind == ReviewKind.READING]
    blind = [row for row in blind if reads_blind_first(row.study)]
    known = Disclosure.objects.filter(reader=user, study__in={row.study_id for row in blind})
    shown = set(known.values_list("study_id", "round").distinct())
    return {row.pk for row in blind if (row.study_id, row.round) in shown}


def _is_amendable(review: Review, final: set[uuid.UUID]) -> bool:
    events = STUDY_TRANSITIONS.available(StudyStatus(review.study.status))
    return review.round == review.study.round and review.pk not in final and StudyEvent.AMEND in events
