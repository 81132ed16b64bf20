"""What somebody asked to freeze."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date

from django.db.models import QuerySet

from bonefrac.accounts.models import Site
from studies.models import Study
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
        """Return the reviewed studies of a site that fit, oldest first; those with an open problem are left out."""
        found = Study.objects.filter(site=site, status=StudyStatus.REVIEWED, has_problem=False)
        if self.body_part:
            found = found.filter(body_part=self.body_part)
        if self.received_from:
            found = found.filter(received_at__date__gte=self.received_from)
        if self.received_until:
            found = found.filter(received_at__date__lte=self.received_until)
        return found.select_related("site").order_by("received_at", "id")

    def as_dict(self) -> dict[str, str | None]:
        """Return what is stored with the dataset."""
        return {key: value.isoformat() if isinstance(value, date) else value for key, value in asdict(self).items()}
