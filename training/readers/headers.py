"""What the header of a picture says without its pixels being decoded.

Responsible for size, view and the patient's key; not for grey levels. Of a DICOM file only a digest of who the patient
is leaves this module.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from training import dataset
from training.dataset import DatasetError
from training.frames import FrameError, kind_of, open_dicom
from training.frames.sniffing import HEAD_BYTES

_VIEWS: Final = MappingProxyType(
    dict.fromkeys(("AP", "PA"), "frontal")
    | dict.fromkeys(("LL", "RL", "LAT"), "lateral")
    | dict.fromkeys(("LLO", "RLO", "OBL"), "oblique")
)


class Unreadable(DatasetError):
    """A file that is no JPEG, PNG or DICOM picture; the message is its path and why."""


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of a picture.

    Attributes:
        facts: in a manifest's words.
        patient: digest of issuer and patient's id; empty where there is none.
    """

    facts: dict[str, str]
    patient: str = ""


def read(path: Path) -> Header:
    """Return what a picture's header says.

    Raises:
        Unreadable: it is no JPEG, PNG or DICOM file, or its header cannot be read.
    """
    try:
        with path.open("rb") as file:
            kind = kind_of(file.read(HEAD_BYTES))
        if kind == "unknown":
            raise Unreadable(f"{path} (no JPEG, PNG or DICOM file)")
        rows, columns = dataset.shape_of(path)
        facts = {"orig_width": str(columns), "orig_height": str(rows)}
        return _of_dicom(path, facts) if kind == "dicom" else Header(facts)
    except Unreadable:
        raise
    except DatasetError as error:
        raise Unreadable(f"{path} (its header cannot be read)") from error
    except (OSError, FrameError) as error:
        raise Unreadable(f"{path} ({error})") from error


def _of_dicom(path: Path, facts: dict[str, str]) -> Header:
    """Return size, view and the patient's digest."""
    header = open_dicom(path.read_bytes())
    view = _VIEWS.get(str(header.get("ViewPosition") or "").strip().upper())
    patient = str(header.get("PatientID") or "").strip()
    issuer = str(header.get("IssuerOfPatientID") or "").strip()
    key = hashlib.sha256(f"{issuer}\\{patient}".encode()).hexdigest()[:16] if patient else ""
    return Header({**facts, **({view: "1"} if view else {})}, key)
