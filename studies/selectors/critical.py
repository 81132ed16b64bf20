"""Critical findings as one person may know of them: those of a study, and the list of their sites."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.contrib.auth import get_user_model
from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from bonefrac.accounts.roles import Person, sites_with
from bonefrac.errors import Forbidden
from bonefrac.paging import Page, newest_first
from studies import access
from studies.models import Communication, CriticalFinding
from studies.policies import READERS, SITE_WIDE, Standing
from studies.selectors.listing import pseudonym
from studies.selectors.story import Story
from studies.states import ReviewKind, StudyStatus
from studies.turns import standing_reviews
from studies.wording import verdict_in_words

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

SHOWS: Final = ("open", "overdue", "all")
_COUNTED: Final = 99


@dataclass(frozen=True, slots=True)
class CriticalRow:
    """A critical finding as one person may know of it; ``by`` is empty where they must not know who raised it."""

    finding: CriticalFinding
    pseudonym: str
    by: str
    says: str
    communications: tuple[Communication, ...]
    may_record: bool

    @property
    def state(self) -> str:
        """Where it stands: withdrawn, acknowledged, overdue or open."""
        if self.finding.withdrawn_at:
            return "withdrawn"
        if self.finding.acknowledged_at:
            return "acknowledged"
        return "overdue" if self.finding.due_at <= timezone.now() else "open"

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to hear of it."""
        return self.state in {"open", "overdue"}


def findings_of(user: User, story: Story) -> tuple[CriticalRow, ...]:
    """Return the critical findings of a study that a person has opened."""
    rows = _known_to(user).filter(study=story.study).order_by("raised_at", "id")
    return tuple(_rows(user, list(rows)))


def page(user: User, *, show: str = "open", cursor: str = "") -> Page[CriticalFinding]:
    """Return a page of the critical findings of a person's sites, newest first.

    Args:
        user: Somebody who reads at a site or oversees one.
        show: "open", "overdue" or "all".
        cursor: What the page before handed out.

    Raises:
        Forbidden: The person neither reads nor oversees anywhere.
    """
    if not sites_with(user, *SITE_WIDE).exists():
        raise Forbidden(_("Radiologists, leads, administrators and auditors see critical findings."))
    return newest_first(_known_to(user).filter(_SHOWN.get(show, _open)()), time="raised_at", cursor=cursor)


def rows_of(user: User, found: Page[CriticalFinding]) -> list[CriticalRow]:
    """Return the rows of a page as the person may know of them."""
    return _rows(user, found.rows)


def overdue_count(person: Person) -> str:
    """Return how many overdue findings a person may know of, at most "99+"; empty where there is none."""
    if not isinstance(person, get_user_model()) or not CriticalFinding.objects.filter(_unheard()).exists():
        return ""  # nothing is overdue anywhere: every page asks, and who may know of what is the dear part
    found = len(_known_to(person).filter(_overdue()).order_by().values_list("pk")[: _COUNTED + 1])
    return f"{_COUNTED}+" if found > _COUNTED else str(found or "")


def _known_to(user: User) -> QuerySet[CriticalFinding]:
    open_to = access.whose_readings_are_open_to(user)
    told = Prefetch("communications", Communication.objects.select_related("by"))
    found = CriticalFinding.objects.filter(
        Q(study__in=open_to) | Q(raised_by=user, study__in=access.visible_to(user))
    ).select_related("study__site", "raised_by", "acknowledged_through", "review")
    return found.prefetch_related(told)


def _open() -> Q:
    return Q(acknowledged_at__isnull=True, withdrawn_at__isnull=True) & ~Q(study__status=StudyStatus.VOID)


def _unheard() -> Q:
    return Q(acknowledged_at__isnull=True, withdrawn_at__isnull=True, due_at__lte=timezone.now())


def _overdue() -> Q:
    return _open() & _unheard()


_SHOWN = {"open": _open, "overdue": _overdue, "all": Q}


def _rows(user: User, findings: Sequence[CriticalFinding]) -> list[CriticalRow]:
    sites = {row.study.site_id: row.study.site for row in findings}
    standings = {key: access.standing(user, site) for key, site in sites.items()}
    nameless = _settled_by(user, findings, standings)
    said = _said(findings)
    return [
        CriticalRow(
            finding=row,
            pseudonym=pseudonym(row.study),
            by="" if row.study_id in nameless else str(row.raised_by),
            says=said.get((row.study_id, row.raised_by_id, row.review.kind), ""),
            communications=tuple(row.communications.all()),
            may_record=bool(standings[row.study.site_id].roles & READERS),
        )
        for row in findings
    ]


def _said(findings: Sequence[CriticalFinding]) -> dict[tuple[uuid.UUID, uuid.UUID, str], str]:
    """Return what the readings that raised findings say now, by study, reader and kind."""
    studies, readers = {row.study_id for row in findings}, {row.raised_by_id for row in findings}
    rows = standing_reviews().filter(study__in=studies, reader__in=readers).order_by("signed_at", "id")
    return {
        (row.study_id, row.reader_id, row.kind): " · ".join(part for part in (verdict_in_words(row), row.note) if part)
        for row in rows
    }


def _settled_by(
    user: User, findings: Sequence[CriticalFinding], standings: Mapping[uuid.UUID, Standing]
) -> set[uuid.UUID]:
    """Return the disputed studies that the person may settle, and so must not know who said what of."""
    disputed = {
        row.study_id: row.study.round
        for row in findings
        if row.study.status == StudyStatus.DISPUTED and standings[row.study.site_id].leads
    }
    own = standing_reviews().filter(study__in=disputed, reader=user, kind=ReviewKind.READING)
    read = set(own.values_list("study_id", "round")) if disputed else set()
    return {key for key, number in disputed.items() if (key, number) not in read}
