"""Replaces what must stay consistent in a header that ``engine`` made: UIDs and dates. Pure.

Every value of a DICOM JSON object names its representation, so that no UID and no date can be overlooked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from pydicom.uid import UID


def finish(header: Mapping[str, Any], *, uid: Callable[[str], str], shift: timedelta) -> dict[str, Any]:
    """Return a header whose UIDs are replaced and whose dates are shifted.

    Args:
        header: What ``engine.deidentify`` returned.
        uid: Gives the UID that stands for an original one; the standard's own UIDs are kept.
        shift: The patient's secret offset, whole days.
    """
    return {tag: _element(entry, uid, shift) for tag, entry in header.items()}


def _element(entry: Mapping[str, Any], uid: Callable[[str], str], shift: timedelta) -> dict[str, Any]:
    values = entry.get("Value")
    if not values:
        return dict(entry)
    kind = entry["vr"]
    if kind == "SQ":
        return {"vr": kind, "Value": [finish(item, uid=uid, shift=shift) for item in values]}
    if kind == "UI":
        return {"vr": kind, "Value": [_uid(value, uid) for value in values]}
    if kind in ("DA", "DT"):
        moved = [_shifted(value, shift) for value in values]
        return {"vr": kind, "Value": moved} if all(moved) else {"vr": kind}
    return dict(entry)


def _uid(value: str, uid: Callable[[str], str]) -> str:
    return value if UID(value).name != value else uid(value)  # the standard's own have a name


def _shifted(text: str, shift: timedelta) -> str:
    """Return a date moved by whole days, without any time; empty where it is none."""
    try:
        day = date(int(text[:4]), int(text[4:6]), int(text[6:8])) + shift
    except (ValueError, OverflowError):
        return ""
    return f"{day:%Y%m%d}"
