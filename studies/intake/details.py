"""What a person enters beside the files, checked, and without the patient's code once it is stored."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from bonefrac.accounts import pseudonyms
from bonefrac.accounts.models import Site
from bonefrac.errors import Invalid
from studies.intake.screening import trace_of
from studies.states import BodyPart, Sex, Side

AGE_MONTHS_FOLDED: Final = 1080
_OLDEST_MONTHS: Final = 130 * 12
_CODE_LENGTH: Final = 64
_QUESTION_LENGTH: Final = 500


class Grouping(enum.StrEnum):
    """How pictures without a header make studies; DICOM files are grouped by their study's UID.

    ``FOLDER`` makes a study of each folder of one upload: a file's ``details["folder"]`` is its ``folder_key``.
    """

    ONE_STUDY = "one_study"
    STUDY_PER_FILE = "study_per_file"
    FOLDER = "folder"


def folder_key(site: Site, folder: str) -> str:
    """Return what is kept of a folder's path, so that no name of a folder, which may be a patient's, is stored.

    Args:
        site: Where the files belong.
        folder: The path of the folder inside the upload or archive, with slashes of either kind.
    """
    parts = [part for part in folder.replace("\\", "/").split("/") if part not in ("", ".")]
    return pseudonyms.uid(site, "folder:" + "/".join(parts))


@dataclass(frozen=True, slots=True)
class Details:
    """What is known beside the pixels; everything may be unknown.

    Attributes:
        patient_code: the site's own code for the patient; hashed before anything is stored.
        age_months: age in months; 90 years and more become one.
        question: the clinical question, without anything that identifies a person.
        is_film_photo: the pictures are photographs of films; asked only where the pictures leave it open.
    """

    patient_code: str = ""
    age_months: int | None = None
    sex: str = Sex.UNKNOWN
    body_part: str = BodyPart.UNKNOWN
    side: str = Side.UNKNOWN
    question: str = ""
    urgent: bool = False
    is_film_photo: bool = False

    def stored(self, site: Site) -> dict[str, Any]:
        """Return what is kept with a file: the code as the site's patient key.

        Raises:
            Invalid: a value is none of the known ones, or the question holds what may identify a person.
        """
        self._check()
        code = self.patient_code.strip()
        key = pseudonyms.patient_key(site, issuer="", patient_id=code) if code else None
        months = None if self.age_months is None else min(self.age_months, AGE_MONTHS_FOLDED)
        return {
            "patient_key": key,
            "age_months": months,
            "sex": str(self.sex),
            "body_part": str(self.body_part),
            "side": str(self.side),
            "question": self.question.strip(),
            "urgent": self.urgent,
            "is_film_photo": self.is_film_photo,
        }

    def _check(self) -> None:
        faults = {
            name: _("Choose one of the known values.")
            for name, choices in (("sex", Sex), ("body_part", BodyPart), ("side", Side))
            if getattr(self, name) not in choices.values
        }
        if self.age_months is not None and not 0 <= self.age_months <= _OLDEST_MONTHS:
            faults["age"] = _("Give an age from 0 to 130 years, or leave it empty.")
        if len(self.patient_code.strip()) > _CODE_LENGTH:
            faults["patient_code"] = _("A patient code has at most 64 characters.")
        fault = self._fault_of_question()
        if fault:
            faults["question"] = fault
        if faults:
            sentence = next(iter(faults.values()))
            raise Invalid(sentence, code="invalid_details", fields=faults)

    def _fault_of_question(self) -> str:
        if len(self.question.strip()) > _QUESTION_LENGTH:
            return _("The clinical question has at most 500 characters.")
        trace = trace_of(self.question)
        if not trace:
            return ""
        return _(
            "The clinical question seems to hold %(trace)s. Nothing was uploaded. Take out what could identify "
            "a person and send again."
        ) % {"trace": trace}
