"""Makes a DICOM Part 10 instance out of a stored frame and the study's de-identified header.

What it says of the patient is the pseudonym; dates are empty; the grey elements are the frame's own, so that a viewer
shows what the platform renders.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import Any, Final

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID

from bonefrac.accounts import pseudonyms
from bonefrac.accounts.models import Site
from bonefrac.stores import FRAMES
from inference import radiographs
from inference.models import Radiograph
from studies.dicom.headers import AGE_MONTHS_FOLDED
from studies.models import Study, StudyImage
from studies.states import Sex, Side
from training.frames.codecs import NATIVE

IMPLEMENTATION: Final = "2.25.311267946812735123486122563431217384512"
DIGITAL_X_RAY: Final = "1.2.840.10008.5.1.4.1.1.1.1"
SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
_LOSSY: Final = frozenset({"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.91"})
_LATERALITY: Final = {Side.LEFT: "L", Side.RIGHT: "R", Side.BOTH: "B", Side.UNPAIRED: "U"}
_PSEUDONYM_DIGITS: Final = 12


def instance(image: StudyImage) -> bytes:
    """Return a DICOM file of an image; raise ``FileNotFoundError`` where its pixels are gone."""
    radiograph, study = image.radiograph, image.study
    dataset = Dataset.from_json(image.header)
    _identify(dataset, image, study, study.site)
    _describe_study(dataset, study)
    _describe_image(dataset, image)
    _add_grey(dataset, radiograph)
    _add_pixels(dataset, radiograph)
    return _written(dataset, radiograph.transfer_syntax)


def _identify(dataset: Dataset, image: StudyImage, study: Study, site: Site) -> None:
    pseudonym = f"P-{study.patient_key[:_PSEUDONYM_DIGITS]}" if study.patient_key else f"S-{study.pk.hex[-12:]}"
    dataset.PatientName = dataset.PatientID = pseudonym
    dataset.PatientBirthDate = dataset.StudyDate = dataset.StudyTime = ""
    dataset.ReferringPhysicianName = dataset.AccessionNumber = dataset.StudyID = ""
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = "bonefrac: allow-list of elements"
    dataset.SOPClassUID = image.sop_class_uid
    dataset.SOPInstanceUID = image.sop_instance_uid
    dataset.StudyInstanceUID = study.study_uid
    dataset.SeriesInstanceUID = pseudonyms.uid(site, f"series:{study.study_uid}:{image.sop_class_uid}")
    dataset.SeriesNumber, dataset.InstanceNumber = 1, image.position + 1


def _describe_study(dataset: Dataset, study: Study) -> None:
    dataset.PatientSex = "" if study.sex == Sex.UNKNOWN else study.sex
    if study.age_months is None:
        return
    years = study.age_months // 12
    is_child = study.age_months < 24
    dataset.PatientAge = f"{study.age_months:03d}M" if is_child else f"{min(years, AGE_MONTHS_FOLDED // 12):03d}Y"


def _describe_image(dataset: Dataset, image: StudyImage) -> None:
    dataset.Manufacturer = ""
    if image.sop_class_uid == SECONDARY_CAPTURE and "Modality" not in dataset:
        dataset.Modality, dataset.ConversionType = "OT", "WSD"
    laterality = _LATERALITY.get(Side(image.side), "")
    if image.sop_class_uid == DIGITAL_X_RAY:
        dataset.ImageLaterality = laterality or "U"
    elif laterality in ("L", "R"):
        dataset.Laterality = laterality
    if image.view:
        dataset.ViewPosition = image.view


def _add_grey(dataset: Dataset, radiograph: Radiograph) -> None:
    grey: Mapping[str, Any] = radiograph.grey
    for name in ("RescaleSlope", "RescaleIntercept"):
        if name in grey:
            setattr(dataset, name, f"{grey[name]:.10g}")
            dataset.RescaleType = "US"
    for name in ("ModalityLUTSequence", "VOILUTSequence"):
        if name in grey:
            setattr(dataset, name, [_lut(grey[name], name)])
    if "PixelAspectRatio" in grey and "PixelSpacing" not in dataset:
        dataset.PixelAspectRatio = [str(number) for number in grey["PixelAspectRatio"]]
    if "VOILUTSequence" not in grey:
        _add_window(dataset, radiograph)


def _add_window(dataset: Dataset, radiograph: Radiograph) -> None:
    """Write the file's window, or the range that the platform shows: viewers would each choose their own."""
    grey: Mapping[str, Any] = radiograph.grey
    if "WindowCenter" in grey:
        centre, width = grey["WindowCenter"], grey["WindowWidth"]
        if grey["VOILUTFunction"] != "LINEAR":
            dataset.VOILUTFunction = grey["VOILUTFunction"]
    else:
        low, high = _shown_range(radiograph)
        centre, width = (low + high + 1) / 2, max(1.0, high - low + 1)
    dataset.WindowCenter, dataset.WindowWidth = f"{centre:.10g}", f"{width:.10g}"


def _shown_range(radiograph: Radiograph) -> tuple[float, float]:
    if radiograph.bits_stored <= 8 and not radiograph.is_signed and not radiograph.grey:
        return 0.0, 2.0**radiograph.bits_stored - 1  # known without decoding
    return radiographs.frame_of(radiograph).shown_range()


def _lut(table: Mapping[str, Any], name: str) -> Dataset:
    item = Dataset()
    values = base64.b64decode(table["values"])
    entries = len(values) // 2
    item.add_new("LUTDescriptor", "US", [entries % 65536, int(table["first"]) % 65536, int(table["bits"])])
    if name == "ModalityLUTSequence":
        item.ModalityLUTType = "US"
    item.add_new("LUTData", "OW", values)
    return item


def _add_pixels(dataset: Dataset, radiograph: Radiograph) -> None:
    content = FRAMES.read(radiograph.frame)
    is_native = radiograph.transfer_syntax in NATIVE
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = radiograph.photometric_interpretation
    dataset.Rows, dataset.Columns = radiograph.rows, radiograph.columns
    dataset.BitsAllocated, dataset.BitsStored = radiograph.bits_allocated, radiograph.bits_stored
    dataset.HighBit, dataset.PixelRepresentation = radiograph.bits_stored - 1, int(radiograph.is_signed)
    if radiograph.transfer_syntax in _LOSSY:
        dataset.LossyImageCompression = "01"
    padded = content + b"\0" * (len(content) % 2)
    dataset.add_new("PixelData", "OW" if radiograph.bits_allocated > 8 else "OB",
                    padded if is_native else encapsulate([padded]))  # fmt: skip
    dataset["PixelData"].is_undefined_length = not is_native


def _written(dataset: Dataset, transfer_syntax: str) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.ImplementationClassUID = UID(IMPLEMENTATION)
    dataset.file_meta = meta
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()
