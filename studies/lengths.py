"""How large a radiograph is, in the unit that its file allows: nobody is told millimetres that nobody calibrated.

Pixel spacing is a length at the patient only where the file says how it was calibrated (PS3.3 10.7.1.3); the spacing of
the detector is larger than the patient by an unknown factor; without either there are pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _


def size_in_words(rows: int, columns: int, spacing: Mapping[str, Any] | None) -> str:
    """Return width and height with their unit.

    Args:
        rows: height in px.
        columns: width in px.
        spacing: what ``StudyImage.spacing`` holds: row and column spacing in mm, kind, calibration.
    """
    if spacing and spacing.get("kind") == "detector":
        return _("%(width)s × %(height)s mm at the detector") % _millimetres(rows, columns, spacing)
    if spacing and spacing.get("calibration"):
        return _("%(width)s × %(height)s mm") % _millimetres(rows, columns, spacing)
    return _("%(width)s × %(height)s pixels") % {"width": columns, "height": rows}


def _millimetres(rows: int, columns: int, spacing: Mapping[str, Any]) -> dict[str, str]:
    return {"width": f"{columns * spacing['column']:.0f}", "height": f"{rows * spacing['row']:.0f}"}
