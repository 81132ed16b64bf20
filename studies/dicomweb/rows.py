"""What a search tells of studies, series and instances (PS3.18 10.6.3), in DICOM JSON, from rows and kept headers."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from studies.dicom import compose
from studies.dicomweb.elements import Attributes, element, tag, text
from studies.dicomweb.keys import Query
from studies.models import Study, StudyImage
from studies.states import Sex

_STUDY_FROM_HEADER: Final = tuple(map(tag, ("StudyDate", "StudyTime", "TimezoneOffsetFromUTC")))
_SERIES_FROM_HEADER: Final = tuple(map(tag, ("SeriesDescription", "BodyPartExamined")))
_STUDY_LEVEL: Final = frozenset(
    map(tag, ("StudyDescription", "PatientAge", "PatientSize", "PatientWeight", "PatientIdentityRemoved",
              "DeidentificationMethod", "DeidentificationMethodCodeSequence",
              "LongitudinalTemporalInformationModified", "ReasonForStudy", "ProcedureCodeSequence"))
)  # fmt: skip
_SERIES_LEVEL: Final = frozenset(
    map(tag, ("Laterality", "PatientPosition", "ProtocolName", "SeriesDate", "SeriesTime", "Manufacturer",
              "ManufacturerModelName", "PresentationIntentType", "ViewPosition"))
)  # fmt: skip


def of_study(study: Study, images: Sequence[StudyImage], query: Query, base: str) -> Attributes:
    """Return a study as a search shows it.

    Args:
        study: What was found.
        images: Its images, in order.
        query: Which attributes were asked for.
        base: The address of DICOMweb, without a slash at its end.
    """
    modalities = sorted({_modality(image) for image in images})
    told = dict(
        [
            element("SpecificCharacterSet", "ISO_IR 192"),
            element("StudyDate"),
            element("StudyTime"),
            element("ReferringPhysicianName"),
            element("StudyID"),
            element("InstanceAvailability", "ONLINE"),
            element("ModalitiesInStudy", *modalities),
            element("RetrieveURL", study_address(base, study)),
            *_about_study(study),
            element("NumberOfStudyRelatedSeries", len({image.sop_class_uid for image in images})),
            element("NumberOfStudyRelatedInstances", len(images)),
        ]
    )
    header: Attributes = images[0].header if images else {}
    told |= _kept(header, _STUDY_FROM_HEADER) | _asked(header, query, _STUDY_LEVEL)
    return _sorted(told)


def of_series(images: Sequence[StudyImage], query: Query, base: str) -> Attributes:
    """Return a series, which is never empty; arguments as for ``of_study``."""
    first = images[0]
    uid = compose.series_uid(first.study.study_uid, first.sop_class_uid)
    told = dict(
        [
            element("SpecificCharacterSet", "ISO_IR 192"),
            element("Modality", _modality(first)),
            element("RetrieveURL", f"{study_address(base, first.study)}/series/{uid}"),
            element("SeriesInstanceUID", uid),
            element("StudyInstanceUID", first.study.study_uid),
            element("SeriesNumber", 1),
            element("NumberOfSeriesRelatedInstances", len(images)),
        ]
    )
    header: Attributes = first.header
    told |= _kept(header, _SERIES_FROM_HEADER) | _asked(header, query, _SERIES_LEVEL)
    return _sorted(told | _if_asked(_about_study(first.study), query))


def of_instance(image: StudyImage, query: Query, base: str) -> Attributes:
    """Return an instance; arguments as for ``of_study``."""
    radiograph, study = image.radiograph, image.study
    series = compose.series_uid(study.study_uid, image.sop_class_uid)
    told = dict(
        [
            element("SpecificCharacterSet", "ISO_IR 192"),
            element("SOPClassUID", image.sop_class_uid),
            element("SOPInstanceUID", image.sop_instance_uid),
            element("InstanceAvailability", "ONLINE"),
            element("RetrieveURL", f"{study_address(base, study)}/series/{series}/instances/{image.sop_instance_uid}"),
            element("StudyInstanceUID", study.study_uid),
            element("SeriesInstanceUID", series),
            element("InstanceNumber", image.position + 1),
            element("Rows", radiograph.rows),
            element("Columns", radiograph.columns),
            element("BitsAllocated", radiograph.bits_allocated),
            element("NumberOfFrames", 1),
        ]
    )
    header: Attributes = image.header
    others = frozenset(header) if query.has_all_fields else query.fields
    told = {number: header[number] for number in others if number in header} | told
    return _sorted(told | _if_asked([*_about_study(study), element("Modality", _modality(image))], query))


def study_address(base: str, study: Study) -> str:
    """Return where a study is retrieved."""
    return f"{base}/studies/{study.study_uid}"


def grouped(images: Iterable[StudyImage]) -> dict[tuple[uuid.UUID, str], list[StudyImage]]:
    """Return images by study and series, in the order in which the first of each came."""
    found: dict[tuple[uuid.UUID, str], list[StudyImage]] = {}
    for image in images:
        found.setdefault((image.study_id, image.sop_class_uid), []).append(image)
    return found


def _about_study(study: Study) -> list[tuple[str, dict[str, object]]]:
    pseudonym = compose.pseudonym(study)
    return [
        element("AccessionNumber", study.accession),
        element("PatientName", pseudonym),
        element("PatientID", pseudonym),
        element("PatientBirthDate"),
        element("PatientSex", "" if study.sex == Sex.UNKNOWN else study.sex),
        element("StudyInstanceUID", study.study_uid),
    ]


def _modality(image: StudyImage) -> str:
    return compose.modality(text(image.header, "Modality"), image.sop_class_uid)


def _kept(header: Attributes, names: Iterable[str]) -> Attributes:
    return {name: header[name] for name in names if name in header}


def _asked(header: Attributes, query: Query, level: frozenset[str]) -> Attributes:
    return _kept(header, level if query.has_all_fields else level & query.fields)


def _if_asked(elements: Iterable[tuple[str, Mapping[str, object]]], query: Query) -> Attributes:
    return {name: dict(value) for name, value in elements if query.has_all_fields or name in query.fields}


def _sorted(told: Attributes) -> Attributes:
    return dict(sorted(told.items()))
