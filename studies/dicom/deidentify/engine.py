"""Makes the header that may stay out of a header that came in, element by element, by the standard's table. Pure.

What the table names is dealt with as it says; what it does not name stays only where its kind cannot hold a person:
numbers, the standard's UIDs, and words of the closed vocabulary. All else goes: unknown and private elements, names,
free text, binary values, times, and the elements of pixels and grey levels, which are the frame's.
UIDs and dates that stay are the original ones until ``finishing`` has replaced them.
"""

from __future__ import annotations

import contextlib
import functools
import math
import re
from typing import Any, Final

from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from studies.dicom.deidentify.options import stamp
from studies.dicom.deidentify.table import ACTIONS, Action, is_removed_group
from studies.dicom.deidentify.words import all_known, cleaned, words_in

_UNREADABLE: Final = (ValueError, TypeError, LookupError, NotImplementedError, AttributeError, OverflowError)
_DEPTH, _ITEMS, _VALUES, _ELEMENTS = 6, 50, 64, 2000
_FRAME_GROUP: Final = 0x0028
_DIGITS: Final = re.compile(r"[0-9.]{1,64}")
_DATE: Final = re.compile(r"(?:1[89]|20|21)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[\d.+-]{0,18}")
_PATIENT_ORIENTATION: Final = 0x00200020
_DIRECTIONS: Final = re.compile(r"[APLRHF]{0,3}")
_CODE: Final = re.compile(r"[A-Z]{0,2}-?[0-9][0-9A-F.-]{0,14}|[A-Z]-[0-9A-F]{5}")
_SCHEMES: Final = frozenset({"SCT", "SRT", "SNM3", "DCM", "RADLEX", "FMA", "UCUM"})
_FLOATS, _INTEGERS = frozenset({"DS", "FD", "FL"}), frozenset({"IS", "US", "SS", "UL", "SL", "UV", "SV"})
_DATES, _TERMS = frozenset({"DA", "DT"}), frozenset({"CS", "LO", "SH"})
_LENGTHS: Final = {"CS": 16, "SH": 16, "LO": 64}
_DUMMY: Final = {"DA": "19000101", "DT": "19000101", "TM": "000000"}
_DUMMY_TEXT: Final = frozenset({"LO", "SH", "CS", "PN", "LT", "ST", "UT"})


def _tags(names: str) -> frozenset[int]:
    found = {name: tag_for_keyword(name) for name in names.split()}
    return frozenset(tag for tag in found.values() if tag is not None)


#: Elements of group 0028 that are about the acquisition, not about how the frame's numbers become grey; and the windows
#: that the file names, of which the frame has only the first.
_KEPT_OF_IMAGE: Final = _tags(
    "PixelSpacing PixelSpacingCalibrationType QualityControlImage BurnedInAnnotation PixelIntensityRelationship "
    "PixelIntensityRelationshipSign LossyImageCompression LossyImageCompressionRatio "
    "WindowCenter WindowWidth WindowCenterWidthExplanation"
)
#: Descriptions that are cleaned where the table would drop them (Clean Descriptors Option).
_DESCRIPTORS: Final = _tags(
    "StudyDescription SeriesDescription ProtocolName PerformedProcedureStepDescription RequestedProcedureDescription "
    "AcquisitionDeviceProcessingDescription"
)
#: Type 1 and type 2 elements of the CR, DX and secondary capture objects, by which a choice of actions is made.
_TYPE_1: Final = _tags("SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID")
_TYPE_2: Final = _tags(
    "PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime ReferringPhysicianName StudyID "
    "AccessionNumber Manufacturer ContentDate ContentTime AcquisitionContextSequence"
)


def deidentify(dataset: Dataset) -> dict[str, Any]:
    """Return DICOM JSON of what may stay of a header; UIDs and dates in it are still to be replaced."""
    return dict(sorted((_kept(dataset, 0, _names_in(dataset)).to_json_dict() | _stamp()).items()))


@functools.cache
def _stamp() -> dict[str, Any]:
    stamped = Dataset()
    stamp(stamped)
    return stamped.to_json_dict()


def _names_in(dataset: Dataset) -> frozenset[str]:
    """Return the words of people's names in a header: a patient Foot is no foot."""
    found: set[str] = set()
    for tag in list(dataset.keys())[:_ELEMENTS]:
        if not tag.is_private and dictionary_has_tag(tag) and dictionary_VR(tag) == "PN":
            with contextlib.suppress(*_UNREADABLE):
                found |= words_in(str(dataset[tag].value))
    return frozenset(found)


def _kept(dataset: Dataset, depth: int, names: frozenset[str]) -> Dataset:
    kept = Dataset()
    for tag in list(dataset.keys())[:_ELEMENTS]:
        if not _is_considered(tag):
            continue
        try:
            element = _treated(dataset[tag], depth, names)
        except _UNREADABLE:
            continue  # a value that cannot be read cannot be judged
        if element is not None:
            kept.add(element)
    return kept


def _is_considered(tag: BaseTag) -> bool:
    if tag.is_private or tag.group < 8 or tag.group >= 0x7F00 or is_removed_group(tag.group):
        return False
    return (tag.group != _FRAME_GROUP or tag in _KEPT_OF_IMAGE) and dictionary_has_tag(tag)


def _treated(element: DataElement, depth: int, names: frozenset[str]) -> DataElement | None:
    action, kind = ACTIONS.get(element.tag), dictionary_VR(element.tag)
    if action is None:
        return _unlisted(element, kind, depth, names)
    if action in (Action.UID, Action.REMOVE_OR_UID):
        return _sequence(element, depth, names) if kind == "SQ" else _uids(element)
    if kind in _DATES and element.tag.group != 0x0010:
        return _dates(element, kind) or _resolved(element.tag, action, kind)
    if element.tag in _DESCRIPTORS and (text := cleaned(_joined(element), without=names)):
        return DataElement(element.tag, kind, text)
    return _resolved(element.tag, action, kind)


def _resolved(tag: BaseTag, action: Action, kind: str) -> DataElement | None:
    """Carry out the table's action; where it offers a choice, the element's type in the object decides."""
    if action is Action.REMOVE or (action.startswith("X/") and tag not in _TYPE_1 | _TYPE_2):
        return None
    if action is Action.EMPTY or tag in _TYPE_2:
        return DataElement(tag, kind, [] if kind == "SQ" else None)
    if kind in _DUMMY or kind in _DUMMY_TEXT:
        return DataElement(tag, kind, _DUMMY.get(kind, "REMOVED"))
    return None


def _unlisted(element: DataElement, kind: str, depth: int, names: frozenset[str]) -> DataElement | None:
    """Keep what the table does not name only where its kind cannot hold a person."""
    if kind == "SQ":
        return _sequence(element, depth, names)
    if kind == "UI":
        return _uids(element)
    if kind in _DATES:
        return _dates(element, kind)
    values = _values(element)
    if not values:
        return None
    if kind in _FLOATS:
        numbers = [float(f"{float(value):.10g}") for value in values]
        return DataElement(element.tag, kind, numbers) if all(map(math.isfinite, numbers)) else None
    if kind in _INTEGERS:
        return DataElement(element.tag, kind, [int(value) for value in values])
    terms = [str(value).strip(" \0") for value in values]
    is_known = kind in _TERMS and any(terms) and all(_is_term(element.tag, kind, term) for term in terms)
    return DataElement(element.tag, kind, terms) if is_known else None


def _is_term(tag: BaseTag, kind: str, term: str) -> bool:
    """Return whether a value is empty, a direction of the body, or made of known words."""
    if not term or tag == _PATIENT_ORIENTATION:
        return _DIRECTIONS.fullmatch(term) is not None
    return len(term) <= _LENGTHS[kind] and all_known(term)


def _sequence(element: DataElement, depth: int, names: frozenset[str]) -> DataElement | None:
    if depth >= _DEPTH:
        return None
    found = element.value[:_ITEMS]
    items = [_code(item) if "CodeValue" in item else _kept(item, depth + 1, names) for item in found]
    kept = [item for item in items if len(item)]
    return DataElement(element.tag, "SQ", kept) if kept or not len(element.value) else None


def _code(item: Dataset) -> Dataset:
    """Return a coded concept of a public scheme whose meaning is in the vocabulary; an empty item otherwise."""
    value, scheme, meaning = (str(item.get(name) or "").strip() for name in ("CodeValue", "CodingSchemeDesignator",
                                                                            "CodeMeaning"))  # fmt: skip
    kept = Dataset()
    if scheme in _SCHEMES and _CODE.fullmatch(value) and (text := cleaned(meaning)):
        kept.CodeValue, kept.CodingSchemeDesignator, kept.CodeMeaning = value, scheme, text
    return kept


def _uids(element: DataElement) -> DataElement | None:
    values = [str(value).strip(" \0") for value in _values(element)]
    is_sound = values and all(_DIGITS.fullmatch(value) for value in values)
    return DataElement(element.tag, "UI", values) if is_sound else None


def _dates(element: DataElement, kind: str) -> DataElement | None:
    values = [str(value).strip(" \0") for value in _values(element)]
    is_sound = values and all(_DATE.fullmatch(value) for value in values)
    return DataElement(element.tag, kind, [value[:8] for value in values]) if is_sound else None


def _values(element: DataElement) -> list[Any]:
    value = element.value
    if value is None or value == "":
        return []
    many = isinstance(value, list | tuple) or (hasattr(value, "__iter__") and not isinstance(value, str | bytes))
    return list(value)[:_VALUES] if many else [value]


def _joined(element: DataElement) -> str:
    return " ".join(str(value) for value in _values(element))
