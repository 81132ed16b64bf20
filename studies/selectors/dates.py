"""When a study was made, as its de-identified headers say: moved by a secret offset at pseudonymous sites."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Final

#: Study Date (0008,0020), in the DICOM JSON of an image's header.
STUDY_DATE: Final = "00080020"


def as_date(value: object) -> date | None:
    """Return a DICOM date (VR DA) as a date; None for what is none."""
    try:
        return datetime.strptime(str(value or "")[:8], "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None


def earliest(values: Iterable[object]) -> date | None:
    """Return the earliest of the study dates that a study's images name, None where none does."""
    return min((made for value in values if (made := as_date(value))), default=None)
