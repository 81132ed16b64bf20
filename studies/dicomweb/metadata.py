"""The header of an instance as WADO-RS sends it: all that its file says, and addresses instead of long values."""

from __future__ import annotations

from typing import Final

from pydicom.dataelem import DataElement

from studies.dicom import compose
from studies.dicomweb.elements import Attributes, element
from studies.models import StudyImage

_INLINE_BYTES: Final = 1 << 20  # lookup tables are smaller; they travel with the header
PIXEL_DATA: Final = "7FE00010"


def of(image: StudyImage, base: str) -> Attributes:
    """Return the header of an image's instance.

    Args:
        image: With its radiograph and study.
        base: The address of DICOMweb, without a slash at its end.
    """
    here = address(base, image)
    told: Attributes = compose.header(image).to_json_dict(_INLINE_BYTES, lambda held: _bulk(here, held))
    told |= dict(
        [
            element("SpecificCharacterSet", "ISO_IR 192"),
            element("AvailableTransferSyntaxUID", compose.syntax_of(image.radiograph)),
        ]
    )
    kind = "OW" if image.radiograph.bits_allocated > 8 else "OB"
    told[PIXEL_DATA] = {"vr": kind, "BulkDataURI": f"{here}/bulkdata/{PIXEL_DATA}"}
    return dict(sorted(told.items()))


def address(base: str, image: StudyImage) -> str:
    """Return where an instance is retrieved."""
    series = compose.series_uid(image.study.study_uid, image.sop_class_uid)
    return f"{base}/studies/{image.study.study_uid}/series/{series}/instances/{image.sop_instance_uid}"


def _bulk(here: str, held: DataElement) -> str:
    raise ValueError(f"{held.tag} of {here} holds more than {_INLINE_BYTES} bytes, which no kept header does")
