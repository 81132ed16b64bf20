"""The standard's table E.1-1 (edition 2026c): which action the basic profile takes on which element.

The data come from the package ``dicom-anonymizer``; how its actions are carried out is ``engine``'s business.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Final

from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as edition


class Action(enum.StrEnum):
    """What the basic profile does with an element; a choice is made by the element's type in the object."""

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    UID = "U"
    EMPTY_OR_DUMMY = "Z/D"
    REMOVE_OR_EMPTY = "X/Z"
    REMOVE_OR_DUMMY = "X/D"
    ANY = "X/Z/D"
    REMOVE_OR_UID = "X/Z/U*"


_LISTS: Final[Mapping[Action, list[Any]]] = {
    Action.REMOVE: edition.X_TAGS,
    Action.EMPTY: edition.Z_TAGS,
    Action.DUMMY: edition.D_TAGS,
    Action.UID: edition.U_TAGS,
    Action.EMPTY_OR_DUMMY: edition.Z_D_TAGS,
    Action.REMOVE_OR_EMPTY: edition.X_Z_TAGS,
    Action.REMOVE_OR_DUMMY: edition.X_D_TAGS,
    Action.ANY: edition.X_Z_D_TAGS,
    Action.REMOVE_OR_UID: edition.X_Z_U_STAR_TAGS,
}
#: Action by tag; the repeating groups of curves and overlays, which the package lists as masks, are not in it.
ACTIONS: Final[Mapping[int, Action]] = {
    (entry[0] << 16) | entry[1]: action for action, entries in _LISTS.items() for entry in entries if len(entry) == 2
}
#: First and last group of curves (50xx) and overlays (60xx): all of it is removed.
REMOVED_GROUPS: Final = ((0x5000, 0x50FF), (0x6000, 0x60FF))


def is_removed_group(group: int) -> bool:
    """Return whether a group is one of curves or overlays."""
    return any(first <= group <= last for first, last in REMOVED_GROUPS)
