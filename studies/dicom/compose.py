"""Makes a DICOM Part 10 instance out of a stored frame and the study's de-identified header.

What it says of the patient is the pseudonym; dates are shifted; the grey elements are the frame's own, so that a viewer
shows what the platform renders.
"""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import UID

from bonefrac.stores import CHUNK, FRAMES
from inference import radiographs
from inference.models import Radiograph
from studies.dicom import deidentify
from studies.dicom.headers import AGE_MONTHS_FOLDED, BODY_PARTS
from studies.models import Study, StudyImage
from studies.states import Sex, Side
from training.frames import GreyScale, known_range
from training.frames.codecs import EXPLICIT_LITTLE, NATIVE

IMPLEMENTATION: Final = "2.25.311267946812735123486122563431217384512"
COMPUTED: Final = "1.2.840.10008.5.1.4.1.1.1"
DIGITAL_X_RAY: Final = "1.2.840.10008.5.1.4.1.1.1.1"
DIGITAL_X_RAY_FOR_PROCESSING: Final = "1.2.840.10008.5.1.4.1.1.1.1.1"
SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
STORAGE_CLASSES: Final = "1.2.840.10008.5.1.4.1.1."
OTHER_CLASSES: Final = "0"
_LOSSY: Final = frozenset({"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.91"})
_LATERALITY: Final = {Side.LEFT: "L", Side.RIGHT: "R", Side.BOTH: "B", Side.UNPAIRED: "U"}
_PSEUDONYM_DIGITS: Final = 12
#: The modality of instances of a class whose header names none.
MODALITY_OF_CLASS: Final = {COMPUTED: "CR", DIGITAL_X_RAY: "DX", DIGITAL_X_RAY_FOR_PROCESSING: "DX"}
#: The classes of digital radiographs, and what their values are meant for.
_INTENTS: Final = {DIGITAL_X_RAY: "FOR PRESENTATION", DIGITAL_X_RAY_FOR_PROCESSING: "FOR PROCESSING"}
#: Type 2 elements of the patient, study and equipment modules: present always, empty where nothing was kept.
_EMPTY_UNLESS_KEPT: Final = (
    "PatientBirthDate", "StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "Manufacturer",
)  # fmt: skip
#: Kept for the platform's own viewer; what an instance is shown with is the frame's.
_WINDOWS: Final = frozenset({"00281050", "00281051", "00281055"})
_END_OF_FRAGMENTS: Final = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)


@dataclass(frozen=True, slots=True)
class Served:
    """One instance on its way out: its length in bytes, and its bytes, to be read once."""

    size: int
    chunks: Iterator[bytes]


def instance(image: StudyImage) -> bytes:
    """Return a DICOM file of an image for the platform's own viewer, without decoding its pixels here.

    It names a window even where its class forbids one, and none where the frame would have to be decoded to know: that
    viewer then shows all that occurs, as ``stream`` says it to others.

    Raises:
        FileNotFoundError: Its pixels are gone.
    """
    return b"".join(stream(image, is_for_own_viewer=True).chunks)


def stream(image: StudyImage, transfer_syntax: str = "", *, is_for_own_viewer: bool = False) -> Served:
    """Return a DICOM file of an image as a stream that holds no more than a chunk of stored pixels in memory.

    Args:
        image: With its radiograph, its study and that study's site.
        transfer_syntax: Explicit VR Little Endian to have the pixels decoded; empty: as they are stored.
        is_for_own_viewer: As ``instance`` says.

    Raises:
        FileNotFoundError: Its pixels are gone.
        FrameError: Its pixels are to be decoded and cannot be.
    """
    radiograph = image.radiograph
    pixels = frame(radiograph, transfer_syntax)
    dataset = header(image, is_for_own_viewer=is_for_own_viewer)
    is_native = pixels.transfer_syntax in NATIVE
    head = _written(dataset, pixels.transfer_syntax) + _pixel_head(radiograph, pixels.size, is_native=is_native)
    padding = b"\0" * (pixels.size % 2)
    tail = padding if is_native else padding + _END_OF_FRAGMENTS
    return Served(len(head) + pixels.size + len(tail), _joined(head, pixels.chunks, tail))


@dataclass(frozen=True, slots=True)
class Pixels:
    """The bytes of one frame, uncompressed ones in little endian."""

    transfer_syntax: str
    size: int
    chunks: Iterator[bytes]


def frame(radiograph: Radiograph, transfer_syntax: str = "") -> Pixels:
    """Return a radiograph's frame as it is stored, or decoded; arguments and errors as for ``stream``."""
    stored = radiograph.transfer_syntax
    is_decoded = transfer_syntax == EXPLICIT_LITTLE and stored not in NATIVE
    if is_decoded or NATIVE.get(stored) == "big":
        values = radiographs.frame_of(radiograph).pixels
        little = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
        return Pixels(EXPLICIT_LITTLE, len(little), iter((little,)))
    path = FRAMES.path(radiograph.frame)
    size = path.stat().st_size
    if stored in NATIVE:
        size = min(size, radiograph.rows * radiograph.columns * radiograph.bits_allocated // 8)
    return Pixels(EXPLICIT_LITTLE if stored in NATIVE else stored, size, _stored(radiograph.frame, size))


def has_pixels(radiograph: Radiograph) -> bool:
    """Return whether a radiograph's pixels are still here."""
    return FRAMES.path(radiograph.frame).exists()


def syntax_of(radiograph: Radiograph) -> str:
    """Return the transfer syntax in which a radiograph's frame goes out as it is stored."""
    return EXPLICIT_LITTLE if radiograph.transfer_syntax in NATIVE else radiograph.transfer_syntax


def header(image: StudyImage, *, is_for_own_viewer: bool = False) -> Dataset:
    """Return everything of an image's instance but its pixels; for others it decodes them where no window is known."""
    dataset = described(image)
    _add_grey(dataset, image.radiograph)
    if is_for_own_viewer or dataset.get("PresentationIntentType") != "FOR PROCESSING":  # a class without windows
        _add_window(dataset, image.radiograph, decodes=not is_for_own_viewer)
    _describe_pixels(dataset, image.radiograph)
    return dataset


def described(image: StudyImage) -> Dataset:
    """Return what an instance says of patient, study, series and image, without anything of its grey levels."""
    dataset = Dataset.from_json({tag: value for tag, value in image.header.items() if tag not in _WINDOWS})
    _identify(dataset, image, image.study)
    _describe_study(dataset, image.study)
    _describe_image(dataset, image)
    return dataset


def pseudonym(study: Study) -> str:
    """Return what instances of a study call its patient, or the study where the patient is unknown."""
    return f"P-{study.patient_key[:_PSEUDONYM_DIGITS]}" if study.patient_key else f"S-{study.pk.hex}"


def series_uid(study_uid: str, sop_class_uid: str) -> str:
    """Return the UID of the series of a study that holds its images of a class: the study's, then what tells the class.

    Nothing but study and class is in it, so that the series of a UID is found without keeping it.
    """
    is_known = sop_class_uid.startswith(STORAGE_CLASSES)
    return f"{study_uid}.{sop_class_uid.removeprefix(STORAGE_CLASSES) if is_known else OTHER_CLASSES}"


def series_of(uid: str) -> Iterator[tuple[str, str]]:
    """Yield every pair of study and class, empty for classes of others, whose series the UID would be."""
    parts = uid.split(".")
    for at in range(max(1, len(parts) - 4), len(parts)):
        study_uid, told = ".".join(parts[:at]), ".".join(parts[at:])
        yield study_uid, "" if told == OTHER_CLASSES else STORAGE_CLASSES + told


def modality(header_modality: str, sop_class_uid: str) -> str:
    """Return an image's modality, by its class where the header does not say."""
    return header_modality or MODALITY_OF_CLASS.get(sop_class_uid, "OT")


def _identify(dataset: Dataset, image: StudyImage, study: Study) -> None:
    dataset.PatientName = dataset.PatientID = pseudonym(study)
    dataset.SOPClassUID = image.sop_class_uid
    dataset.SOPInstanceUID = image.sop_instance_uid
    dataset.StudyInstanceUID = study.study_uid
    dataset.SeriesInstanceUID = series_uid(study.study_uid, image.sop_class_uid)
    dataset.SeriesNumber, dataset.InstanceNumber = 1, image.position + 1
    dataset.AccessionNumber = study.accession or ""
    dataset.PatientIdentityRemoved = "YES"
    for name in _EMPTY_UNLESS_KEPT:
        if name not in dataset:
            setattr(dataset, name, "")
    if "DeidentificationMethod" not in dataset:
        deidentify.stamp(dataset)


def _describe_study(dataset: Dataset, study: Study) -> None:
    dataset.PatientSex = "" if study.sex == Sex.UNKNOWN else study.sex
    if study.age_months is None:
        return
    years = study.age_months // 12
    is_child = study.age_months < 24
    dataset.PatientAge = f"{study.age_months:03d}M" if is_child else f"{min(years, AGE_MONTHS_FOLDED // 12):03d}Y"


def _describe_image(dataset: Dataset, image: StudyImage) -> None:
    dataset.Modality = modality(str(dataset.get("Modality") or ""), image.sop_class_uid)
    if image.sop_class_uid == SECONDARY_CAPTURE and "ConversionType" not in dataset:
        dataset.ConversionType = "WSD"
    if image.view:
        dataset.ViewPosition = image.view
    for name in _expected(image.sop_class_uid):
        if name not in dataset:
            setattr(dataset, name, "")
    _describe_side(dataset, image)


def _expected(sop_class_uid: str) -> tuple[str, ...]:
    """Return what a class wants present even where it is empty; digital radiographs name an orientation or none."""
    if sop_class_uid in _INTENTS:
        return ()
    return ("PatientOrientation", *(("BodyPartExamined", "ViewPosition") if sop_class_uid == COMPUTED else ()))


def _describe_side(dataset: Dataset, image: StudyImage) -> None:
    laterality = _LATERALITY.get(Side(image.side), "")
    if image.sop_class_uid in _INTENTS or "ImageLaterality" in dataset:
        dataset.ImageLaterality = laterality or dataset.get("ImageLaterality") or "U"
        dataset.pop("Laterality", None)  # of one series; an image that names its own side stands in none
    elif laterality in ("L", "R"):
        dataset.Laterality = laterality
    elif "Laterality" not in dataset and _may_be_paired(dataset):
        dataset.Laterality = ""


def _may_be_paired(dataset: Dataset) -> bool:
    """Return whether the standard asks for a side: it does unless the body part is one that has none."""
    term = str(dataset.get("BodyPartExamined") or "").upper()
    return BODY_PARTS.get(term, "") not in ("chest", "spine", "skull") and term not in ("PELVIS", "ABDOMEN", "NECK")


def _add_grey(dataset: Dataset, radiograph: Radiograph) -> None:
    grey: Mapping[str, Any] = radiograph.grey
    for name in ("RescaleSlope", "RescaleIntercept"):
        if name in grey:
            setattr(dataset, name, f"{grey[name]:.10g}")
            dataset.RescaleType = "US"
    if "ModalityLUTSequence" in grey:
        dataset.ModalityLUTSequence = [_lut(grey["ModalityLUTSequence"], "ModalityLUTSequence")]
    if "PixelAspectRatio" in grey and "PixelSpacing" not in dataset:
        dataset.PixelAspectRatio = [str(number) for number in grey["PixelAspectRatio"]]
    if dataset.SOPClassUID in _INTENTS:
        _complete_digital(dataset, radiograph)


def _complete_digital(dataset: Dataset, radiograph: Radiograph) -> None:
    """Write what the class requires (PS3.3 C.8.11) and the platform knows: which grey levels the values are."""
    dataset.PresentationIntentType = _INTENTS[dataset.SOPClassUID]
    dataset.PresentationLUTShape = "INVERSE" if radiograph.photometric_interpretation == "MONOCHROME1" else "IDENTITY"
    if "ModalityLUTSequence" not in dataset and "RescaleSlope" not in dataset:
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = "1", "0", "US"
    if "LossyImageCompression" not in dataset:
        dataset.LossyImageCompression = "00"
    if "ImageType" not in dataset:
        dataset.ImageType = ["ORIGINAL", "PRIMARY", ""]
    if "AcquisitionContextSequence" not in dataset:
        dataset.AcquisitionContextSequence = []
    if "AnatomicRegionSequence" not in dataset and not dataset.get("BodyPartExamined"):
        dataset.AnatomicRegionSequence = []  # empty says unknown, which a named part is not


def _add_window(dataset: Dataset, radiograph: Radiograph, *, decodes: bool) -> None:
    """Write the file's table or window, or the range that the platform shows: viewers would each choose their own."""
    grey: Mapping[str, Any] = radiograph.grey
    if "VOILUTSequence" in grey:
        dataset.VOILUTSequence = [_lut(grey["VOILUTSequence"], "VOILUTSequence")]
        return
    if "WindowCenter" in grey:
        centre, width = grey["WindowCenter"], grey["WindowWidth"]
        if grey["VOILUTFunction"] != "LINEAR":
            dataset.VOILUTFunction = grey["VOILUTFunction"]
    else:
        shown = _known_range(radiograph) or (radiographs.frame_of(radiograph).shown_range() if decodes else None)
        if shown is None:
            return
        low, high = shown
        centre, width = (low + high + 1) / 2, max(1.0, high - low + 1)
    dataset.WindowCenter, dataset.WindowWidth = f"{centre:.10g}", f"{width:.10g}"


def _known_range(radiograph: Radiograph) -> tuple[float, float] | None:
    """Return the range that is shown where it is known without decoding."""
    grey_scale = GreyScale.from_dict(radiograph.grey)
    return known_range(radiograph.bits_stored, is_signed=radiograph.is_signed, grey_scale=grey_scale)


def _lut(table: Mapping[str, Any], name: str) -> Dataset:
    item = Dataset()
    values = base64.b64decode(table["values"])
    entries = len(values) // 2
    item.add_new("LUTDescriptor", "US", [entries % 65536, int(table["first"]) % 65536, int(table["bits"])])
    if name == "ModalityLUTSequence":
        item.ModalityLUTType = "US"
    item.add_new("LUTData", "OW", values)
    return item


def _describe_pixels(dataset: Dataset, radiograph: Radiograph) -> None:
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = radiograph.photometric_interpretation
    dataset.Rows, dataset.Columns = radiograph.rows, radiograph.columns
    dataset.BitsAllocated, dataset.BitsStored = radiograph.bits_allocated, radiograph.bits_stored
    dataset.HighBit, dataset.PixelRepresentation = radiograph.bits_stored - 1, int(radiograph.is_signed)
    if radiograph.transfer_syntax in _LOSSY:
        dataset.LossyImageCompression = "01"


def _pixel_head(radiograph: Radiograph, size: int, *, is_native: bool) -> bytes:
    """Return what stands before the frame: the element, and for an encoded frame an empty table and its fragment."""
    even = size + size % 2
    if is_native:
        kind = b"OW" if radiograph.bits_allocated > 8 else b"OB"
        return struct.pack("<HH2sHI", 0x7FE0, 0x0010, kind, 0, even)
    element = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF)
    return element + struct.pack("<HHIHHI", 0xFFFE, 0xE000, 0, 0xFFFE, 0xE000, even)


def _stored(key: str, size: int) -> Iterator[bytes]:
    with FRAMES.open(key) as handle:
        while size > 0 and (chunk := handle.read(min(CHUNK, size))):
            size -= len(chunk)
            yield chunk


def _joined(head: bytes, chunks: Iterator[bytes], tail: bytes) -> Iterator[bytes]:
    yield head
    yield from chunks
    if tail:
        yield tail


def _written(dataset: Dataset, transfer_syntax: str) -> bytes:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.ImplementationClassUID = UID(IMPLEMENTATION)
    dataset.file_meta = meta
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True, implicit_vr=False, little_endian=True)
    return buffer.getvalue()
