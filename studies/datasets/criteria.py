"""What somebody asked to freeze."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone

from bonefrac.accounts.models import Site
from bonefrac.db import first_id_of
from studies.models import Review, Study
from studies.states import StudyStatus


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which reviewed studies are taken: all of a site, or those of a body part, or received in a time.

    Args:
        body_part: One of ``BodyPart``, empty for all.
        received_from: The first day, None for no bound.
        received_until: The last day, itself included, None for no bound.
    """

    body_part: str = ""
    received_from: date | None = None
    received_until: date | None = None

    def studies(self, site: Site) -> QuerySet[Study]:
        """Return the reviewed studies of a site that fit, oldest first.

        Left out are those with an open problem, and those with a review that could still be undone.
        """
        return (
            self._fitting(site)
            .exclude(pk__in=settling(site).values("pk"))
            .select_related("site")
            .order_by("received_at", "id")
        )

    def waiting(self, site: Site) -> QuerySet[Study]:
        """Return the studies that would fit, were their readings not signed just now."""
        return self._fitting(site).filter(pk__in=settling(site).values("pk"))

    def _fitting(self, site: Site) -> QuerySet[Study]:
        found = Study.objects.filter(site=site, status=StudyStatus.REVIEWED, has_problem=False)
        if self.body_part:
            found = found.filter(body_part=self.body_part)
        if self.received_from:
            found = found.filter(received_at__date__gte=self.received_from)
        if self.received_until:
            found = found.filter(received_at__date__lte=self.received_until)
        return found

    def as_dict(self) -> dict[str, str | None]:
        """Return what is stored with the dataset."""
        return {key: value.isoformat() if isinstance(value, date) else value for key, value in asdict(self).items()}


def settling(site: Site, *, seconds: int = 0) -> QuerySet[Study]:
    """Return the studies of a site with a review that could be undone within the last seconds, or now."""
    since = timezone.now() - timedelta(seconds=settings.UNDO_SECONDS + seconds)
    fresh = Review.objects.filter(
        pk__gte=first_id_of(since), signed_at__gt=since, study__site=site, round=F("study__round")
    )
    return Study.objects.filter(pk__in=fresh.values("study"))
