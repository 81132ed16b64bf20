"""Second looks of sites that read blind first: who kept their blind answer, who changed to right and who to wrong.

Right is what the study's label says, and only where that rests on somebody else too, another reader or a lead: a
reader who is alone would otherwise always have changed to right. Counted for every reader over the current rounds,
withdrawn and superseded readings left out. Nothing here depends on what the AI said but ``SecondLook.model``, which is
None wherever the person who asks may not know it. Who may ask is decided by the page.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.db import models
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from studies.consensus import Label, label_of
from studies.models import Study
from studies.selectors.ai import ai_of_studies
from studies.selectors.readings import readings_of_many
from studies.states import AIState, ReviewKind, ReviewMode, StudyStatus, Verdict
from studies.turns import standing_reviews

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

_LATER: Final = "study__reviews__"


class Change(models.TextChoices):
    """What became of a blind answer at the second look."""

    KEPT = "kept", _("kept")
    TO_RIGHT = "to_right", _("changed to right")
    TO_WRONG = "to_wrong", _("changed to wrong")
    OTHER = "other", _("changed between two wrong answers")
    UNJUDGED = "unjudged", _("changed, and nobody else has read it")


@dataclass(frozen=True, slots=True)
class SecondLook:
    """One reader's two answers about one study, and what the study turned out to be.

    ``final`` is None while nobody else has answered; ``model`` is None where whoever asks may not know it.
    """

    study: Study
    reader: uuid.UUID
    blind: Verdict
    assisted: Verdict
    final: Verdict | None
    model: AIState | None = None

    @property
    def change(self) -> Change:
        """What became of the blind answer."""
        if self.blind == self.assisted:
            return Change.KEPT
        if self.final is None:
            return Change.UNJUDGED
        return {self.assisted: Change.TO_RIGHT, self.blind: Change.TO_WRONG}.get(self.final, Change.OTHER)


@dataclass(frozen=True, slots=True)
class Tally:
    """How often a reader of a site kept and changed; every second look is counted once."""

    site: uuid.UUID
    reader: uuid.UUID
    counts: Mapping[Change, int]

    @property
    def looks(self) -> int:
        """How many second looks there were."""
        return sum(self.counts.values())

    @property
    def changed(self) -> int:
        """How many of them changed the answer."""
        return self.looks - self.counts.get(Change.KEPT, 0)


def tallies(sites: Collection[uuid.UUID], *, days: int = 0) -> list[Tally]:
    """Return how often each reader of sites kept and changed, by site and reader.

    Args:
        sites: Of which sites.
        days: Only second looks of so many days; 0 is ever.
    """
    found: dict[tuple[uuid.UUID, uuid.UUID], Counter[Change]] = defaultdict(Counter)
    pairs = _pairs(sites, days)
    kept = pairs.filter(verdict=F("later")).order_by().values("study__site", "reader").annotate(number=Count("pk"))
    for row in kept:
        found[row["study__site"], row["reader"]][Change.KEPT] += row["number"]
    for look in _changed(pairs):
        found[look.study.site_id, look.reader][look.change] += 1
    return [Tally(site, reader, counts) for (site, reader), counts in sorted(found.items())]


def changed(user: User, sites: Collection[uuid.UUID], *, days: int = 0, limit: int = 200) -> list[SecondLook]:
    """Return the newest second looks that changed an answer, with what the AI said where the person may know it."""
    looks = _changed(_pairs(sites, days).order_by("-later_at", "-pk"), limit=limit)
    said = ai_of_studies(user, list({look.study.pk: look.study for look in looks}.values()), in_list=False)
    return [
        SecondLook(look.study, look.reader, look.blind, look.assisted, look.final, said[look.study.pk].state)
        for look in looks
    ]


def _pairs(sites: Collection[uuid.UUID], days: int) -> QuerySet[Any]:
    """Return standing blind readings of current rounds beside the same reader's second look."""
    another: dict[str, Any] = {
        f"{_LATER}reader": F("reader"), f"{_LATER}round": F("round"), f"{_LATER}kind": ReviewKind.READING,
        f"{_LATER}mode": ReviewMode.ASSISTED, f"{_LATER}superseded_by__isnull": True, f"{_LATER}is_withdrawal": False,
    }  # fmt: skip
    since = Q(**{f"{_LATER}signed_at__gte": timezone.now() - timedelta(days=days)}) if days else Q()
    own = standing_reviews().filter(
        study__site__in=sites, round=F("study__round"), kind=ReviewKind.READING, mode=ReviewMode.BLIND
    )
    joined = own.exclude(study__status=StudyStatus.VOID).filter(since, **another)
    return joined.annotate(later=F(f"{_LATER}verdict"), later_at=F(f"{_LATER}signed_at"))


def _changed(pairs: QuerySet[Any], *, limit: int | None = None) -> list[SecondLook]:
    rows = list(pairs.exclude(verdict=F("later")).values_list("study", "reader", "verdict", "later")[:limit])
    studies = Study.objects.select_related("site").in_bulk({row[0] for row in rows})
    labels = _labels(list(studies.values()))
    return [
        SecondLook(studies[study], reader, Verdict(blind), Verdict(later), _final(labels[study], reader))
        for study, reader, blind, later in rows
    ]


def _labels(studies: Sequence[Study]) -> dict[uuid.UUID, Label | None]:
    readings = readings_of_many(studies)
    return {study.pk: label_of(readings.get(study.pk, []), blind_first=True) for study in studies}


def _final(label: Label | None, reader: uuid.UUID) -> Verdict | None:
    """Return a study's verdict where somebody other than the reader stands behind it."""
    others: Iterable[uuid.UUID] = (reading.reader for reading in label.readings) if label else ()
    return label.verdict if label and any(other != reader for other in others) else None
