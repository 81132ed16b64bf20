"""Judgements that differ, as a list and side by side, as far as one person may know of them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib.auth import get_user_model
from django.db.models import Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from bonefrac.accounts.models import Role
from bonefrac.accounts.roles import Person, sites_with
from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.errors import Forbidden
from bonefrac.paging import Page, newest_first
from studies import access, divergences
from studies.models import Divergence, Review, StudyImage
from studies.selectors.ai import StudyAI, ai_of_study
from studies.selectors.disputes import DrawnImage, drawn
from studies.selectors.listing import pseudonym
from studies.selectors.readings import findings_with_size
from studies.states import BodyPart
from studies.terms import DivergenceKind
from studies.wording import Change, Fact, changes_between, facts_of, names_of, verdict_in_words

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

SHOWS: Final = ("new", "looked_at", "all")
_COUNTED: Final = 99


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the list is asked for; what is empty narrows nothing."""

    show: str = "new"
    kind: str = ""
    site: uuid.UUID | None = None
    part: str = ""


@dataclass(frozen=True, slots=True)
class DivergenceRow:
    """Two judgements that differ, in words."""

    divergence: Divergence
    pseudonym: str
    earlier: str
    later: str
    is_of_machine: bool


@dataclass(frozen=True, slots=True)
class Side:
    """One of two judgements: who, when, what, and where it put a fracture."""

    title: str
    by: str
    facts: tuple[Fact, ...]
    pictures: tuple[DrawnImage, ...]


@dataclass(frozen=True, slots=True)
class Beside:
    """Two judgements side by side; ``machine`` stands in the place of the earlier where a model is one of them."""

    row: DivergenceRow
    earlier: Side | None
    later: Side
    changes: tuple[Change, ...]
    machine: StudyAI | None
    may_look: bool


def page(user: User, filters: Filters, *, cursor: str = "") -> Page[Divergence]:
    """Return a page of what differs at the sites that a person leads or oversees, newest first.

    Raises:
        Forbidden: The person leads and oversees no site.
    """
    sites = sites_with(user, Role.LEAD, Role.ADMIN, Role.AUDITOR)
    if not sites.exists():
        raise Forbidden(_("Leads, administrators and auditors see what differs."))
    found = _standing(user).filter(_narrowed(filters))
    return newest_first(found.select_related("study__site", "review", "other", "prediction"), time="found_at",
                        cursor=cursor)  # fmt: skip


def rows_of(found: Page[Divergence]) -> list[DivergenceRow]:
    """Return the rows of a page in words."""
    return [_row(divergence) for divergence in found.rows]


def new_count(person: Person) -> str:
    """Return how many differences nobody has looked at, at most "99+", to somebody who leads; empty for others."""
    if not isinstance(person, get_user_model()):
        return ""
    led = sites_with(person, Role.LEAD)
    waiting = _standing(person).filter(looked_at__isnull=True, study__site__in=led)
    found = len(waiting.order_by().values_list("pk")[: _COUNTED + 1])
    return f"{_COUNTED}+" if found > _COUNTED else str(found or "")


def open_divergence(user: User, divergence_id: uuid.UUID) -> Beside:
    """Return two judgements side by side, and record that the study was opened."""
    found = divergences.visible(user, divergence_id)
    study = found.study
    held = access.standing(user, study.site)
    machine = ai_of_study(user, study) if found.prediction_id else None
    record(user, Verb.STUDY_OPENED, target_type="study", target_id=study.pk, site=study.site_id,
           data={"divergence": str(found.pk)})  # fmt: skip
    reviews = {row.pk: row for row in _reviews(found)}
    later, earlier = reviews[found.review_id], reviews.get(found.other_id) if found.other_id else None
    images = list(StudyImage.everything.filter(study=study).select_related("radiograph"))
    return Beside(
        row=_row(found),
        earlier=_side(earlier, images) if earlier else None,
        later=_side(later, images),
        changes=changes_between(earlier, later, names_of(images)) if earlier else (),
        machine=machine,
        may_look=held.leads and found.looked_at is None,
    )


def _reviews(found: Divergence) -> QuerySet[Review]:
    keys = [key for key in (found.review_id, found.other_id) if key]
    marks = (Prefetch("image_readings__findings", findings_with_size()), "unlocated_findings")
    return Review.objects.filter(pk__in=keys).select_related("reader").prefetch_related(*marks)


def _side(review: Review, images: list[StudyImage]) -> Side:
    names = names_of(images)
    title = f"{review.get_kind_display()}, {review.get_mode_display()}"
    return Side(title, str(review.reader), facts_of(review, names), drawn(review, images, names))


def _standing(user: User) -> QuerySet[Divergence]:
    """Return what a person may know of and what still stands: neither judgement was amended or taken back since."""
    gone = Q(review__superseded_by__isnull=False) | Q(other__superseded_by__isnull=False)
    overseen = sites_with(user, Role.LEAD, Role.ADMIN, Role.AUDITOR)
    return access.divergences_open_to(user).filter(study__site__in=overseen).exclude(gone)


def _narrowed(filters: Filters) -> Q:
    shown = {"new": Q(looked_at__isnull=True), "looked_at": Q(looked_at__isnull=False)}.get(filters.show, Q())
    if filters.kind in DivergenceKind.values:
        shown &= Q(kind=filters.kind)
    if filters.part in BodyPart.values:
        shown &= Q(study__body_part=filters.part)
    return shown & Q(study__site=filters.site) if filters.site else shown


def _row(found: Divergence) -> DivergenceRow:
    said = {"positive": _("fracture suspected"), "negative": _("nothing suspected"), "doubt": _("unsure")}
    machine = said.get(found.prediction.state, "") if found.prediction else ""
    earlier, later = verdict_in_words(found.other) if found.other else machine, verdict_in_words(found.review)
    return DivergenceRow(
        divergence=found,
        pseudonym=pseudonym(found.study),
        earlier=earlier,
        later=_("%(verdict)s, elsewhere") % {"verdict": later} if earlier == later else later,
        is_of_machine=found.prediction_id is not None,
    )
