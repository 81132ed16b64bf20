"""What is read of a DICOM header: its de-identified form, what the platform asks of it, and who the patient is.

Pure; it runs in the child that decodes. The de-identified form is ``studies.dicom.deidentify``'s; identifiers become
pseudonyms, and the identity is encrypted or dropped, before anything is stored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from pydicom.dataset import Dataset

from studies.dicom.deidentify.engine import deidentify

AGE_MONTHS_FOLDED: Final = 1080
#: Elements that the platform reads, and the words that it knows of them.
WORDS: Final[Mapping[str, frozenset[str]]] = {
    "Modality": frozenset({"CR", "DX", "RG", "RF", "XA", "OT", "SC", "XC", "PX"}),
    "ViewPosition": frozenset({"AP", "PA", "LL", "RL", "LLD", "RLD", "LLO", "RLO", "OBL", "LAT", "AX", "TAN"}),
    "ImageLaterality": frozenset({"L", "R", "U", "B"}),
    "Laterality": frozenset({"L", "R"}),
    "PixelSpacingCalibrationType": frozenset({"GEOMETRY", "FIDUCIAL"}),
}
#: Defined terms of Body Part Examined (PS3.16 annex L) by the platform's coarse part.
BODY_PARTS: Final[Mapping[str, str]] = {
    term: part
    for part, terms in {
        "hand": "HAND WRIST FOREARM FINGER THUMB RADIUS ULNA CARPUS RADIUSULNA",
        "elbow": "ELBOW HUMERUS ARM UPPERARM",
        "shoulder": "SHOULDER CLAVICLE SCAPULA ACJOINT SCJOINT",
        "hip": "HIP PELVIS ACETABULUM SIJOINT",
        "leg": "LEG KNEE ANKLE FOOT FEMUR THIGH TIBIA FIBULA TIBIAFIBULA PATELLA CALCANEUS TOE HEEL LOWERLEG",
        "chest": "CHEST RIB RIBS STERNUM THORAX",
        "spine": "SPINE CSPINE TSPINE LSPINE SSPINE COCCYX SACRUM",
        "skull": "SKULL HEAD FACE JAW MANDIBLE MAXILLA NOSE ORBIT ZYGOMA",
        "other": "ABDOMEN BREAST NECK",
    }.items()
    for term in terms.split()
}
#: Who the patient is, for those who treat: name of the field by the element.
IDENTITY: Final[Mapping[str, str]] = {
    "name": "PatientName",
    "patient_id": "PatientID",
    "issuer": "IssuerOfPatientID",
    "born": "PatientBirthDate",
    "accession": "AccessionNumber",
    "study_date": "StudyDate",
    "referrer": "ReferringPhysicianName",
    "institution": "InstitutionName",
}
_IDENTITY_LENGTH: Final = 324
_SIDES: Final = {"L": "left", "R": "right", "B": "both", "U": "unpaired"}
_AGE: Final = re.compile(r"(\d{3})([DWMY])")
_DATE: Final = re.compile(r"\d{8}")
_UID: Final = re.compile(r"[0-9.]{1,64}")
_MONTHS: Final = {"D": 12 / 365.25, "W": 12 * 7 / 365.25, "M": 1, "Y": 12}


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says, in the platform's words.

    ``kept`` is DICOM JSON whose UIDs and dates are still to be replaced (``deidentify.finish``). ``identity``,
    ``patient_id``, ``issuer``, ``accession`` and the UIDs are original: they must become pseudonyms, or be encrypted
    where the site's policy keeps them, before anything is stored.
    """

    kept: dict[str, Any] = field(default_factory=dict)
    identity: dict[str, str] = field(default_factory=dict)
    sop_class_uid: str = ""
    study_uid: str = ""
    series_uid: str = ""
    instance_uid: str = ""
    patient_id: str = ""
    issuer: str = ""
    accession: str = ""
    modality: str = ""
    body_part: str = "unknown"
    side: str = "unknown"
    view: str = ""
    sex: str = "unknown"
    age_months: int | None = None
    spacing: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def extract(dataset: Dataset) -> Header:
    """Return what is read of a header; an element whose value makes no sense is as good as absent."""
    return Header(
        kept=deidentify(dataset),
        identity=_identity(dataset),
        sop_class_uid=_uid(dataset, "SOPClassUID"),
        study_uid=_uid(dataset, "StudyInstanceUID"),
        series_uid=_uid(dataset, "SeriesInstanceUID"),
        instance_uid=_uid(dataset, "SOPInstanceUID"),
        patient_id=_text(dataset, "PatientID"),
        issuer=_text(dataset, "IssuerOfPatientID"),
        accession=_text(dataset, "AccessionNumber"),
        modality=_word(dataset, "Modality"),
        body_part=BODY_PARTS.get(_term(dataset), "unknown"),
        side=_SIDES.get(_word(dataset, "ImageLaterality") or _word(dataset, "Laterality"), "unknown"),
        view=_word(dataset, "ViewPosition"),
        sex={"F": "F", "M": "M", "O": "O"}.get(_text(dataset, "PatientSex").upper(), "unknown"),
        age_months=_age_months(dataset),
        spacing=_spacing(dataset),
    )


def _identity(dataset: Dataset) -> dict[str, str]:
    read = {name: _text(dataset, keyword)[:_IDENTITY_LENGTH] for name, keyword in IDENTITY.items()}
    return {name: value for name, value in read.items() if value}


def _text(dataset: Dataset, name: str) -> str:
    try:
        value = dataset.get(name)
    except (ValueError, TypeError, LookupError, NotImplementedError):
        return ""
    return str(value).strip(" \0") if value is not None else ""


def _word(dataset: Dataset, name: str) -> str:
    word = _text(dataset, name).upper()
    return word if word in WORDS[name] else ""


def _term(dataset: Dataset) -> str:
    return _text(dataset, "BodyPartExamined").upper().replace(" ", "").replace("_", "")


def _uid(dataset: Dataset, name: str) -> str:
    text = _text(dataset, name)
    return text if _UID.fullmatch(text) else ""


def _numbers(dataset: Dataset, name: str) -> list[float]:
    text = _text(dataset, name).strip("[]()")
    try:
        numbers = [float(part.strip(" '\"")) for part in text.replace("\\", ",").split(",")]
    except ValueError:
        return []
    return [number for number in numbers if abs(number) < 1e9]


def _age_months(dataset: Dataset) -> int | None:
    """Return the age in months at most 1080, from the age or else from the dates of birth and study."""
    match = _AGE.fullmatch(_text(dataset, "PatientAge").upper())
    if match:
        return min(AGE_MONTHS_FOLDED, int(int(match[1]) * _MONTHS[match[2]]))
    born = _text(dataset, "PatientBirthDate")
    seen = _text(dataset, "StudyDate") or _text(dataset, "AcquisitionDate")
    if not _DATE.fullmatch(born) or not _DATE.fullmatch(seen):
        return None
    months = (int(seen[:4]) - int(born[:4])) * 12 + int(seen[4:6]) - int(born[4:6]) - (seen[6:] < born[6:])
    return min(AGE_MONTHS_FOLDED, months) if 0 <= months <= 150 * 12 else None


def _spacing(dataset: Dataset) -> dict[str, Any] | None:
    """Return row and column spacing in mm and what they are measured at: the patient or the detector."""
    for name, kind in (("PixelSpacing", "patient"), ("ImagerPixelSpacing", "detector")):
        numbers = _numbers(dataset, name)
        if len(numbers) == 2 and min(numbers) > 0:
            calibrated = _word(dataset, "PixelSpacingCalibrationType")
            is_detector = kind == "patient" and not calibrated and numbers == _numbers(dataset, "ImagerPixelSpacing")
            return {"row": numbers[0], "column": numbers[1], "kind": "detector" if is_detector else kind,
                    "calibration": calibrated}  # fmt: skip
    return None
