"""What a model may speak about, as far as a header can tell.

Responsible for the rule and for the sentence that explains a refusal; not for looking at the picture. A body part or
an age that nobody stated is allowed: the model then speaks, and the card says what it was measured on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

#: Stated but saying nothing.
_UNSTATED: Final = ("", "unknown")
_PARTS: Final = {
    "hand": "hand, wrist or forearm",
    "leg": "leg, knee, ankle or foot",
    "hip": "hip or pelvis",
    "shoulder": "shoulder",
    "elbow": "elbow or upper arm",
    "chest": "chest",
    "spine": "spine",
    "skull": "skull",
    "abdomen": "abdomen",
    "other": "other part of the body",
}
#: The words of DICOM's Body Part Examined (0018,0015) for each part of ours.
_DICOM_PARTS: Final[Mapping[str, str]] = {
    word: part
    for part, words in {
        "hand": "wrist,forearm,finger,thumb,radius,ulna,carpus,extremity hand",
        "elbow": "humerus,arm,upperarm,upper arm",
        "leg": "knee,ankle,foot,toe,tibfib,tibia,fibula,tibiafibula,lowleg,lowerleg,femur,thigh,patella,calcaneus,heel",
        "hip": "pelvis,acetabulum,sijoint",
        "shoulder": "clavicle,scapula,acjoint,scjoint",
        "chest": "rib,ribs,sternum,thorax,lung",
        "spine": "cspine,tspine,lspine,sspine,ctspine,tlspine,lsspine,coccyx,sacrum",
        "skull": "head,face,jaw,mandible,maxilla,nose,orbit,zygoma",
    }.items()
    for word in words.split(",")
}
#: What a modality is that is no plain radiograph; others are only named.
_MODALITIES: Final[Mapping[str, str]] = {
    "CT": "computed tomography",
    "MR": "magnetic resonance",
    "US": "ultrasound",
    "MG": "mammography",
    "NM": "nuclear medicine",
    "PT": "positron emission tomography",
    "XA": "angiography",
    "RF": "fluoroscopy",
    "XC": "a photograph",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a radiograph is not assessed: a code for machines, a sentence for people."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The bounds of a model.

    Attributes:
        modalities: DICOM modalities whose radiographs it reads.
        body_parts: parts that it may speak about.
        not_evaluated: strata with too few groups of images to know its accuracy: where one is a part that it may
            speak about, a score carries a caveat; a part that it may not speak about was trained on, but not evaluated.
        min_age: youngest age in years, None for no bound.
        max_age: oldest age in years, None for no bound.
        limits: what else a reader must know, in sentences.
    """

    modalities: tuple[str, ...]
    body_parts: tuple[str, ...]
    not_evaluated: tuple[str, ...] = ()
    min_age: int | None = None
    max_age: int | None = None
    limits: str = ""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the scope that `to_dict` described.

        Raises:
            ValueError: a field is missing or unknown.
        """
        known = {"modalities", "body_parts", "not_evaluated", "min_age", "max_age", "limits"}
        if set(data) != known:
            raise ValueError(f"Expected the fields {sorted(known)} in a scope. Received: {sorted(data)}.")
        lists = {
            name: tuple(str(value) for value in data[name]) for name in ("modalities", "body_parts", "not_evaluated")
        }
        return cls(**lists, min_age=data["min_age"], max_age=data["max_age"], limits=str(data["limits"]))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    def assess(
        self,
        *,
        modality: str | None = None,
        body_part: str | None = None,
        age_band: str | None = None,
        is_colour_photo: bool = False,
        is_film_photo: bool = False,
    ) -> Reason | None:
        """Return why a radiograph lies outside, or None where the model may speak.

        Args:
            modality: DICOM modality, None for a picture without a header.
            body_part: a part of ours (`hand`, `leg`, `chest` …) or DICOM's word for one; None or `unknown` is allowed.
            age_band: years as `35-39` or `90+`, or one number; None, `unknown` or other text says nothing.
            is_colour_photo: the picture has colours, so it is no radiograph.
            is_film_photo: somebody photographed a film: its grey levels are the camera's.
        """
        if is_film_photo:
            return Reason("film_photo", "not assessed: a photograph of a film, not the radiograph itself")
        if is_colour_photo:
            return Reason("colour_photo", "not assessed: a colour photograph, not a radiograph")
        if modality and modality.upper() not in self.modalities:
            return Reason("modality", f"not assessed: {_modality_words(modality.upper())}, not a plain radiograph")
        part = part_of(body_part)
        if part is not None and part not in self.body_parts:
            return self._part_reason(part)
        return self._age_reason(age_band)

    def caveat(self, body_part: str | None) -> str:
        """Return the sentence to show beside a score where the part was trained on but not evaluated, else ""."""
        part = part_of(body_part)
        if part is None or part not in self.not_evaluated:
            return ""
        return f"accuracy on {part_words(part)} radiographs is not known: too few were at hand"

    def _part_reason(self, part: str) -> Reason:
        """Return the reason why a part lies outside: never learnt, or learnt and not evaluated."""
        if part in self.not_evaluated:
            sentence = f"not assessed: {part_words(part)} radiograph; this model was not evaluated on it"
            return Reason("not_evaluated", sentence)
        return Reason("body_part", f"not assessed: {part_words(part)} radiograph")

    def _age_reason(self, age_band: str | None) -> Reason | None:
        """Return why an age lies wholly outside the bounds, or None."""
        band = _years(age_band)
        if band is None:
            return None
        if self.min_age is not None and band[1] < self.min_age:
            return Reason("age", f"not assessed: younger than {_years_old(self.min_age)}")
        if self.max_age is not None and band[0] > self.max_age:
            return Reason("age", f"not assessed: older than {_years_old(self.max_age)}")
        return None


def part_of(body_part: str | None) -> str | None:
    """Return our word for a body part, else the word in lower case, or None where nothing is stated."""
    word = (body_part or "").strip().lower()
    return None if word in _UNSTATED else _DICOM_PARTS.get(word, word)


def part_words(part: str) -> str:
    """Return a body part of ours in words."""
    return _PARTS.get(part, part)


def _modality_words(modality: str) -> str:
    words = _MODALITIES.get(modality)
    return f"modality {modality}, {words}" if words else f"modality {modality}"


def _years_old(years: int) -> str:
    return f"{years} year" if years == 1 else f"{years} years"


def _years(age_band: str | None) -> tuple[int, int] | None:
    """Return the first and last year of an age band, or None where it says nothing."""
    match = re.fullmatch(r"\s*(\d{1,3})\s*(?:[-–]\s*(\d{1,3})|(\+))?\s*", age_band or "")
    if match is None:
        return None
    first = int(match[1])
    return first, (int(match[2]) if match[2] else 200 if match[3] else first)
