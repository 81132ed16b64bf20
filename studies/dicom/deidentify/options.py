"""Which options of the profile were taken, as codes of CID 7050 (PS3.16), and how an instance says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydicom.dataset import Dataset

METHOD: Final = "DICOM PS3.15 Basic Profile with options, table E.1-1 of 2026c"
#: Code by the standard's meaning. Age (folded at 90 years) and sex are the retained characteristics.
OPTIONS: Final[Mapping[str, str]] = {
    "113100": "Basic Application Confidentiality Profile",
    "113105": "Clean Descriptors Option",
    "113107": "Retain Longitudinal Temporal Information Modified Dates Option",
    "113108": "Retain Patient Characteristics Option",
}


def stamp(dataset: Dataset) -> None:
    """Write into a data set that, and by which method and options, its patient's identity was removed."""
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = METHOD
    dataset.LongitudinalTemporalInformationModified = "MODIFIED"
    dataset.DeidentificationMethodCodeSequence = [_item(code, meaning) for code, meaning in OPTIONS.items()]


def _item(code: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "DCM", meaning
    return item
