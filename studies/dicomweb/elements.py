"""Elements of the DICOM JSON model (PS3.18 annex F): tag, value representation, values."""

from __future__ import annotations

import functools
from typing import Any, Final

from pydicom.datadict import dictionary_VR, tag_for_keyword

Element = dict[str, Any]
Attributes = dict[str, Element]
_NO_VALUES: Final = ("", None)


@functools.cache
def tag(keyword: str) -> str:
    """Return the eight digits of a keyword of the standard's dictionary."""
    number = tag_for_keyword(keyword)
    if number is None:
        raise KeyError(keyword)
    return f"{number:08X}"


@functools.cache
def _representation(keyword: str) -> str:
    return dictionary_VR(int(tag(keyword), 16))


def element(keyword: str, *values: Any) -> tuple[str, Element]:
    """Return tag and element of a keyword; a value that is empty is left out."""
    number, vr = tag(keyword), _representation(keyword)
    kept = [{"Alphabetic": value} if vr == "PN" else value for value in values if value not in _NO_VALUES]
    return number, {"vr": vr, "Value": kept} if kept else {"vr": vr}


def text(attributes: Attributes, keyword: str) -> str:
    """Return the first value of a keyword as text, empty where there is none."""
    values = attributes.get(tag(keyword), {}).get("Value") or [""]
    return str(values[0] if values[0] is not None else "")
