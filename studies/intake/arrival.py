"""One judged image on its way into a study: everything about it, pseudonymous already."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

from bonefrac.accounts import pseudonyms
from studies import identity
from studies.dicom import deidentify
from studies.intake.details import Grouping
from studies.models import IncomingFile

if TYPE_CHECKING:
    from bonefrac.accounts.models import Site

SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
_UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a file adds: where it belongs, what its header says, what the person entered.

    What the person entered goes before what the header says; the header fills what was left unknown. Where both say
    something and it is not the same, ``contradictions`` holds the fact, the header's value and the entered one.
    """

    pixel_key: str
    patient_key: str | None
    accession: str | None
    identity: str
    study_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    header: dict[str, Any]
    spacing: dict[str, Any] | None
    modality: str
    view: str
    image_side: str
    body_part: str
    side: str
    age_months: int | None
    sex: str
    question: str
    urgent: bool
    contradictions: Sequence[Sequence[str]] = ()
    is_film_photo: bool = False

    @classmethod
    def of(
        cls, file: IncomingFile, *, pixel_digest: str, header: dict[str, Any] | None, is_film_photo: bool = False
    ) -> Self:
        """Return what a decoded file adds; the header is what ``studies.dicom.headers`` read, None for a picture."""
        told, read = file.details, header or {}
        read_or = {name: read.get(name) or _UNKNOWN for name in ("body_part", "side", "sex")}
        chosen = {name: value if (value := told[name]) != _UNKNOWN else read_or[name] for name in read_or}
        patient_key, study_uid = told["patient_key"] or _patient_key(file, read), _study_uid(file, read)
        age = told["age_months"] if told["age_months"] is not None else read.get("age_months")
        return cls(
            pixel_key=pseudonyms.pixel_key(file.site, pixel_digest),
            patient_key=patient_key,
            accession=_accession(file, read),
            identity=identity.seal(file.site, read.get("identity", {})),
            study_uid=study_uid,
            sop_instance_uid=pseudonyms.uid(file.site, read.get("instance_uid") or f"file:{file.pk}"),
            sop_class_uid=read.get("sop_class_uid") or SECONDARY_CAPTURE,
            header=deidentify.finish(
                read.get("kept", {}),
                uid=functools.partial(pseudonyms.uid, file.site),
                shift=pseudonyms.date_shift(file.site, patient_key or study_uid),
            ),
            spacing=read.get("spacing"),
            modality=read.get("modality", ""),
            view=read.get("view", ""),
            image_side=read_or["side"] if read_or["side"] != _UNKNOWN else told["side"],
            age_months=age,
            question=told["question"],
            urgent=told["urgent"],
            contradictions=[
                [name, read_or[name], told[name]] for name in read_or if _differ(read_or[name], told[name])
            ],
            is_film_photo=is_film_photo,
            **chosen,
        )

    @property
    def facts(self) -> dict[str, Any]:
        """What a model's scope asks about a picture."""
        years = None if self.age_months is None else self.age_months // 12
        band = None if years is None else "90+" if years >= 90 else str(years)
        facts = {
            "modality": self.modality or None,
            "body_part": self.body_part,
            "age_band": band,
            "is_colour_photo": False,
        }
        return facts | {"is_film_photo": True} if self.is_film_photo else facts

    def apart(self, site: Site) -> Arrival:
        """Return the same for a study of its own: its study is another patient's or void, and a lead let it in."""
        return replace(self, study_uid=pseudonyms.uid(site, f"apart:{self.study_uid}:{self.patient_key}"))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, to be kept while a lead decides."""
        return asdict(self)


def _differ(one: str, other: str) -> bool:
    return _UNKNOWN not in (one, other) and one != other


def _patient_key(file: IncomingFile, header: dict[str, Any]) -> str | None:
    if not header.get("patient_id"):
        return None
    return pseudonyms.patient_key(file.site, issuer=header.get("issuer", ""), patient_id=header["patient_id"])


def _accession(file: IncomingFile, header: dict[str, Any]) -> str | None:
    return pseudonyms.accession_key(file.site, header["accession"]) if header.get("accession") else None


def _study_uid(file: IncomingFile, header: dict[str, Any]) -> str:
    if header.get("study_uid"):
        return pseudonyms.uid(file.site, header["study_uid"])
    return pseudonyms.uid(file.site, "|".join([_group(file), *_told_apart(file, header)]))


def _told_apart(file: IncomingFile, header: dict[str, Any]) -> list[str]:
    """Return what tells instances without a study's UID apart: one upload may hold those of several patients."""
    patient = header.get("patient_id") and not file.details["patient_key"]
    told = (_patient_key(file, header) if patient else None, _accession(file, header))
    return [key for key in told if key]


def _group(file: IncomingFile) -> str:
    """Return what pictures of one study have in common where no header says it."""
    match file.details.get("grouping"):
        case Grouping.STUDY_PER_FILE:
            return f"file:{file.pk}"
        case Grouping.FOLDER:
            return f"batch:{file.batch}:{file.details.get('folder', '')}"
        case _:
            return f"batch:{file.batch}"
