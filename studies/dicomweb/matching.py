"""Matching keys as conditions of the database (PS3.4 C.2.2.2): on columns where there are such, else on the header."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from django.db.models import Case, Exists, F, Func, OuterRef, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Coalesce

from studies.dicom import compose
from studies.dicomweb.elements import tag
from studies.dicomweb.keys import Match
from studies.models import Study, StudyImage

_NOTHING: Final = Q(pk__in=[])
_STUDY_UID, _SERIES_UID, _INSTANCE_UID = tag("StudyInstanceUID"), tag("SeriesInstanceUID"), tag("SOPInstanceUID")
_DIGITS: Final = re.compile(r"[0-9a-f]+")
#: What instances call the patient (``compose.pseudonym``), for patterns that no index answers.
_PSEUDONYM: Final = Coalesce(
    Func(F("patient_key"), template="'P-' || left(%(expressions)s, 12)", output_field=TextField()),
    Func(F("pk"), template="'S-' || replace(%(expressions)s::text, '-', '')", output_field=TextField()),
)


def on_studies(studies: QuerySet[Study], matches: Iterable[Match]) -> QuerySet[Study]:
    """Return the studies of which the keys hold; what is said of images holds where it does of any of them."""
    for match in matches:
        condition = _study_condition(match)
        if condition is not None:
            studies = _described(studies, match).filter(condition)
        else:
            own = StudyImage.objects.filter(study=OuterRef("pk")).order_by()
            studies = studies.filter(Exists(on_images(own, [match])))
    return studies


def on_images(images: QuerySet[StudyImage], matches: Iterable[Match]) -> QuerySet[StudyImage]:
    """Return the images of which the keys hold, those about their study among them."""
    for match in matches:
        condition = _study_condition(match)
        if condition is not None:
            images = images.filter(study__in=_described(Study.objects.all(), match).filter(condition))
            continue
        name = match.path[0]
        if len(match.path) == 1 and name in _OF_IMAGE:
            images = _OF_IMAGE[name](images, match)
        else:
            images = images.alias(told=_in_header(match.path, match.vr)).filter(_compared("told", match))
    return images


def _described(studies: QuerySet[Study], match: Match) -> QuerySet[Study]:
    return studies.alias(pseudonym=_PSEUDONYM) if match.has_wildcard else studies


def _study_condition(match: Match) -> Q | None:
    """Return a condition on the columns of a study; None where the key is about something else."""
    if len(match.path) != 1 or match.path[0] not in _OF_STUDY:
        return None
    return _OF_STUDY[match.path[0]](match)


def _patient(match: Match) -> Q:
    """Return the studies of a pseudonym, which begins with P- for a patient and S- for a study without one."""
    text = match.text.strip().removesuffix("^")
    bare = text.rstrip("*")
    kind, digits = bare[:2].upper(), bare[2:].lower()
    is_open = bare != text
    if set("*?") & set(bare) or (is_open and len(bare) < 2):
        return Q(pseudonym__iregex=_pattern(text))
    if digits and not _DIGITS.fullmatch(digits):
        return _NOTHING
    if kind == "P-" and (is_open or len(digits) == 12):
        return Q(patient_key__startswith=digits) if digits else Q(patient_key__isnull=False)
    if kind == "S-" and not is_open and len(digits) == 32:
        return Q(pk=uuid.UUID(digits), patient_key__isnull=True)
    return _NOTHING


def _study_uid(match: Match) -> Q:
    return Q(study_uid__in=match.listed)


def _accession(match: Match) -> Q:
    return _compared("accession", match)


def _sex(match: Match) -> Q:
    return Q(sex=match.text)


_OF_STUDY: Final[Mapping[str, Callable[[Match], Q]]] = {
    _STUDY_UID: _study_uid,
    tag("PatientID"): _patient,
    tag("PatientName"): _patient,
    tag("AccessionNumber"): _accession,
    tag("PatientSex"): _sex,
}


def _series(images: QuerySet[StudyImage], match: Match) -> QuerySet[StudyImage]:
    condition = _NOTHING
    for study_uid, sop_class in itertools.chain.from_iterable(map(compose.series_of, match.listed)):
        of_class = Q(sop_class_uid=sop_class) if sop_class else ~Q(sop_class_uid__startswith=compose.STORAGE_CLASSES)
        condition |= Q(study__study_uid=study_uid) & of_class
    return images.filter(condition)


def _modality(images: QuerySet[StudyImage], match: Match) -> QuerySet[StudyImage]:
    by_class = [
        When(sop_class_uid=sop, then=Value(word, output_field=TextField()))
        for sop, word in compose.MODALITY_OF_CLASS.items()
    ]
    told = Coalesce(
        _in_header((tag("Modality"),), "CS"), Case(*by_class, default=Value("OT"), output_field=TextField())
    )
    return images.alias(modality=told).filter(_compared("modality", match))


def _column(name: str) -> Callable[[QuerySet[StudyImage], Match], QuerySet[StudyImage]]:
    def narrowed(images: QuerySet[StudyImage], match: Match) -> QuerySet[StudyImage]:
        return images.filter(Q((f"{name}__in", match.listed)))

    return narrowed


def _number(images: QuerySet[StudyImage], match: Match) -> QuerySet[StudyImage]:
    return images.filter(position=int(match.text) - 1) if match.text.isdigit() else images.none()


_OF_IMAGE: Final[Mapping[str, Callable[[QuerySet[StudyImage], Match], QuerySet[StudyImage]]]] = {
    _SERIES_UID: _series,
    _INSTANCE_UID: _column("sop_instance_uid"),
    tag("SOPClassUID"): _column("sop_class_uid"),
    tag("SOPClassesInStudy"): _column("sop_class_uid"),
    tag("Modality"): _modality,
    tag("ModalitiesInStudy"): _modality,
    tag("InstanceNumber"): _number,
}


def _in_header(path: tuple[str, ...], vr: str) -> Func:
    """Return the first value that the kept header holds at a path, as text."""
    steps: list[Any] = []
    for number in path:
        steps += [Value(number), Value("Value"), Value("0")]
    if vr == "PN":
        steps.append(Value("Alphabetic"))
    return Func(F("header"), *steps, function="jsonb_extract_path_text", output_field=TextField())


def _compared(name: str, match: Match) -> Q:
    if match.is_range:
        return _between(name, match.text)
    if match.has_wildcard:
        return Q((f"{name}__{'iregex' if match.vr == 'PN' else 'regex'}", _pattern(match.text)))
    if match.vr == "PN":
        return Q((f"{name}__iexact", match.text))
    return Q((f"{name}__in", match.listed))


def _between(name: str, text: str) -> Q:
    low, _, high = (part.strip() for part in text.partition("-"))
    condition = ~Q((name, ""))
    if low:
        condition &= Q((f"{name}__gte", low))
    return condition & Q((f"{name}__lte", high)) if high else condition


def _pattern(text: str) -> str:
    return "^" + "".join({"*": ".*", "?": "."}.get(sign, re.escape(sign)) for sign in text) + "$"
