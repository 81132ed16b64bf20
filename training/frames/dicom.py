"""DICOM data sets as frames: single-frame radiographs of any supported transfer syntax.

Reads only what decides pixels and grey levels. Who the patient is and how an image is described belong to ``studies``.
"""

from __future__ import annotations

import io
import warnings
import zlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import generate_fragmented_frames

from training.frames.codecs import EXPLICIT_LITTLE, NATIVE, RLE, Decoder, Shape, clipped_to_bits, decode, decoder_of
from training.frames.errors import FrameError
from training.frames.frame import Encoded, Frame
from training.frames.greys import FUNCTIONS, GreyScale, Lut
from training.frames.markers import has_spare_room, stripped
from training.frames.pictures import MAX_PIXELS, grey_of_colours, refuse_size

#: What may hold a radiograph; others (CT, MR, US, ...) are refused by name.
RADIOGRAPHIC: Final = frozenset({"CR", "DX", "RG", "RF", "XA", "OT", "SC", "XC", "PX", ""})
_MODALITY_WORDS: Final = {
    "CT": "computed tomography",
    "MR": "magnetic resonance",
    "US": "ultrasound",
    "MG": "mammography",
    "NM": "nuclear medicine",
    "PT": "positron emission tomography",
    "PR": "a presentation state",
    "SR": "a report",
    "KO": "a list of key objects",
}
#: Where an enhanced object of one frame keeps what decides its grey levels (PS3.3 C.7.6.16).
_FUNCTIONAL_GROUPS: Final = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_GREY_MACROS: Final = ("PixelMeasuresSequence", "PixelValueTransformationSequence", "FrameVOILUTSequence")
_GREY_ELEMENTS: Final = (
    "RescaleSlope", "RescaleIntercept", "ModalityLUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction",
    "VOILUTSequence",
)  # fmt: skip
_COLOUR_MODELS: Final = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422"})
_MODALITY_NAME: Final = 16
_DEFLATED: Final = b"1.2.840.10008.1.2.1.99"
_UNDEFINED: Final = 0xFFFFFFFF
_META_BYTES: Final = 4_096
#: What a deflated data set may unpack to: 64 megapixels of 16 bits, and as much again.
_UNPACKED_BYTES: Final = 256_000_000
_PIECE: Final = 1 << 18


def open_dicom(content: bytes) -> FileDataset:
    """Return the data set of a DICOM file, with or without preamble.

    Raises:
        FrameError: not_an_image: no element can be read; truncated: the file ends inside an element; too_demanding: it
            is deflated and unpacks to more than any radiograph needs.
    """
    _refuse_deflated_bomb(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = dcmread(io.BytesIO(content), force=True)
            _refuse_cut(dataset)
    except FrameError:
        raise
    except EOFError as error:
        raise FrameError("truncated", "it ends inside a data element") from error
    except MemoryError:
        raise
    except Exception as error:  # a hostile file fails inside pydicom, zlib and struct in any way
        raise FrameError("damaged", "its DICOM elements cannot be read") from error
    if not len(dataset):
        raise FrameError("not_an_image", "it holds no DICOM element")
    return dataset


def _refuse_cut(dataset: Dataset) -> None:
    """Raise ``FrameError`` where an element announces more bytes than there are; a lost byte of padding is let pass."""
    for tag in dataset.keys():  # noqa: SIM118 a data set is iterated over by converted elements
        element: Any = dataset.get_item(tag)
        if not isinstance(element, RawDataElement) or element.value is None or element.length == _UNDEFINED:
            continue
        if len(element.value) + 1 < element.length:
            raise FrameError("truncated", "it ends inside a data element")


def _refuse_deflated_bomb(content: bytes) -> None:
    """Raise ``FrameError`` where a deflated data set unpacks to too much; nothing of it is kept while counting."""
    if content[128:132] != b"DICM" or _DEFLATED not in content[:_META_BYTES]:
        return
    start = 144 + int.from_bytes(content[140:144], "little")
    stream, unpacked = zlib.decompressobj(-zlib.MAX_WBITS), 0
    try:
        for place in range(start, len(content), _PIECE):
            packed = content[place : place + _PIECE]
            while packed and unpacked <= _UNPACKED_BYTES:
                unpacked += len(stream.decompress(packed, _PIECE))
                packed = stream.unconsumed_tail
    except zlib.error:
        return  # what is damaged is said where it is read
    if unpacked > _UNPACKED_BYTES:
        raise FrameError("too_demanding", f"it unpacks to more than {_UNPACKED_BYTES // 1_000_000} MB")


def decode_dicom(dataset: Dataset, *, max_pixels: int = MAX_PIXELS) -> Frame:
    """Return the frame of a data set that holds one radiograph.

    Raises:
        FrameError: not_a_radiograph (another modality, or colour), multi_frame, no_pixels, unsupported_syntax,
            unsupported_depth, too_many_pixels, truncated, damaged.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _frame(dataset, max_pixels)
        except (FrameError, MemoryError):
            raise
        except Exception as error:  # values of a hostile header fail in any way
            raise FrameError("damaged", "its header holds values that make no sense") from error


def refuse_other_modalities(dataset: Dataset) -> None:
    """Raise ``FrameError`` for what the header already condemns: no radiograph, several frames, no pixels."""
    modality = str(dataset.get("Modality") or "").strip().upper()
    if modality not in RADIOGRAPHIC:
        name = modality if modality.isalnum() and len(modality) <= _MODALITY_NAME else "another kind"
        words = f" ({_MODALITY_WORDS[name]})" if name in _MODALITY_WORDS else ""
        raise FrameError("not_a_radiograph", f"its modality is {name}{words}, not a radiograph")
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames > 1:
        raise FrameError("multi_frame", f"it holds {frames} frames, a radiograph has one")


def transfer_syntax_of(dataset: Dataset) -> str:
    """Return the transfer syntax, guessed from the encoding where the file names none."""
    named = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    if named:
        return str(named)
    is_implicit, is_little = getattr(dataset, "original_encoding", (True, True))
    if is_little is False:
        return "1.2.840.10008.1.2.2"
    return "1.2.840.10008.1.2" if is_implicit else EXPLICIT_LITTLE


def _frame(dataset: Dataset, max_pixels: int) -> Frame:
    refuse_other_modalities(dataset)
    if "PixelData" not in dataset or not dataset.PixelData:
        raise FrameError("no_pixels", "it holds no pixel data")
    shape = _shape(dataset, max_pixels)
    syntax = transfer_syntax_of(dataset)
    decoder = decoder_of(syntax)
    content = _content(dataset, syntax)
    values = decode(content, syntax, shape)
    is_colour = shape.samples == 3
    if is_colour:
        values = grey_of_colours(_as_rgb(values, dataset, syntax))
    pixels, is_clean = _stored(_within_bits(values, dataset, decoder), dataset)
    source = None if is_colour or not is_clean else _source(content, syntax, pixels.nbytes)
    return Frame(
        pixels,
        photometric_interpretation=_photometric_interpretation(dataset),
        bits_allocated=shape.bits_allocated,
        bits_stored=int(dataset.get("BitsStored") or shape.bits_allocated),
        is_signed=shape.is_signed,
        grey_scale=_grey_scale(_with_functional_groups(dataset)),
        decoder=decoder.name,
        is_exact=decoder.is_exact,
        source=source,
    )


def _shape(dataset: Dataset, max_pixels: int) -> Shape:
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    refuse_size(rows, columns, max_pixels)
    allocated, stored = int(dataset.get("BitsAllocated") or 0), int(dataset.get("BitsStored") or 0)
    if allocated not in (8, 16) or stored > allocated:
        raise FrameError("unsupported_depth", f"its pixels have {allocated} bits; 8 and 16 are supported")
    samples = int(dataset.get("SamplesPerPixel") or 1)
    if samples not in (1, 3):
        raise FrameError("not_a_radiograph", f"it has {samples} components a pixel")
    return Shape(rows, columns, samples, allocated, bool(dataset.get("PixelRepresentation")))


def _photometric_interpretation(dataset: Dataset) -> str:
    named = str(dataset.get("PhotometricInterpretation") or "MONOCHROME2").strip().upper()
    if named in ("MONOCHROME1", "MONOCHROME2"):
        return named
    if named in _COLOUR_MODELS:
        return "MONOCHROME2"
    raise FrameError("not_a_radiograph", "its pixels are colours of a palette, a radiograph is grey")


def _content(dataset: Dataset, syntax: str) -> bytes:
    """Return the one frame's bytes: fragments joined, bytes of 8-bit pixels in their own order."""
    content = bytes(dataset.PixelData)
    if syntax in NATIVE:
        if NATIVE[syntax] == "big" and dataset.BitsAllocated == 8 and dataset["PixelData"].VR == "OW":
            return np.frombuffer(content, ">u2").astype("<u2").tobytes()
        return content
    try:
        return b"".join(next(generate_fragmented_frames(content, number_of_frames=1)))
    except (StopIteration, ValueError, EOFError) as error:
        raise FrameError("truncated", "its compressed pixel data end too early") from error


def _as_rgb(values: NDArray[Any], dataset: Dataset, syntax: str) -> NDArray[Any]:
    """Return (rows, columns, 3) whose components are equal where the picture is grey."""
    if syntax in NATIVE and int(dataset.get("PlanarConfiguration") or 0) == 1:
        values = np.moveaxis(values.reshape((3, *values.shape[:2])), 0, -1)
    if syntax not in NATIVE and syntax != RLE:
        return values
    if not str(dataset.get("PhotometricInterpretation")).startswith("YBR"):
        return values
    chroma = values[..., 1:].astype(np.int16) - 128
    if np.abs(chroma).max() > 2:
        raise FrameError("not_a_radiograph", "it is a colour picture, a radiograph is grey")
    return np.repeat(values[..., :1], 3, axis=-1)


def _within_bits(values: NDArray[Any], dataset: Dataset, decoder: Decoder) -> NDArray[Any]:
    """Return what a lossy decoder made, its overshoot clipped to the bits stored."""
    is_signed = bool(dataset.get("PixelRepresentation"))
    bits = int(dataset.get("BitsStored") or values.dtype.itemsize * 8)
    return values if decoder.is_exact or is_signed else clipped_to_bits(values, bits)


def _stored(values: NDArray[Any], dataset: Dataset) -> tuple[NDArray[Any], bool]:
    """Return stored values without foreign high bits, and whether there were none and nothing was shifted.

    Bits above the high bit may carry an overlay, in old files with the patient's name drawn in it.
    """
    allocated = values.dtype.itemsize * 8
    bits = int(dataset.get("BitsStored") or allocated)
    shift = max(0, int(dataset.get("HighBit", bits - 1)) + 1 - bits)
    is_signed = bool(dataset.get("PixelRepresentation"))
    unsigned = values.astype(f"<u{allocated // 8}", copy=False)
    plain = unsigned.view(f"<i{allocated // 8}") if is_signed else unsigned
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if is_signed else (0, 2**bits - 1)
    if not shift and low <= plain.min() and plain.max() <= high:
        return np.ascontiguousarray(plain), True
    cut = (unsigned >> shift) & unsigned.dtype.type(2**bits - 1)
    if not is_signed:
        return cut, False
    unused = allocated - bits
    return (cut << unused).astype(cut.dtype, copy=False).view(plain.dtype) >> unused, False


def _source(content: bytes, syntax: str, length: int) -> Encoded | None:
    """Return the encoding in which the frame may be kept: without what people may have written into it."""
    if syntax in NATIVE:
        return Encoded(content[:length], EXPLICIT_LITTLE) if NATIVE[syntax] == "little" else None
    if syntax == RLE:
        return None if has_spare_room(content) else Encoded(content, syntax)
    kept = stripped(content)
    return Encoded(kept, syntax) if kept else None


def _with_functional_groups(dataset: Dataset) -> Dataset:
    """Return a data set whose grey elements lie at its top; those of its functional groups go before its own."""
    if not any(name in dataset for name in _FUNCTIONAL_GROUPS):
        return dataset
    names = ("PixelRepresentation", "PixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio", *_GREY_ELEMENTS)
    merged = Dataset()
    for name in names:
        if name in dataset:
            merged.add(dataset[name])
    for group in (item for name in _FUNCTIONAL_GROUPS for item in (dataset.get(name) or [])[:1]):
        for macro in (item for name in _GREY_MACROS for item in (group.get(name) or [])[:1]):
            merged.update(macro)
    return merged


def _grey_scale(dataset: Dataset) -> GreyScale:
    slope = dataset.get("RescaleSlope")
    window = _window(dataset)
    function = str(dataset.get("VOILUTFunction") or "LINEAR").strip().upper()
    return GreyScale(
        slope=float(slope) if slope else 1.0,
        intercept=float(dataset.get("RescaleIntercept") or 0.0),
        modality_lut=_lut(dataset, "ModalityLUTSequence"),
        window=window,
        function=function if function in FUNCTIONS and window else "LINEAR",
        voi_lut=None if window else _lut(dataset, "VOILUTSequence"),
        aspect=_aspect(dataset),
    )


def _window(dataset: Dataset) -> tuple[float, float] | None:
    centre, width = (_first(dataset.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if centre is None or width is None or not np.isfinite([centre, width]).all() or width <= 0:
        return None
    return centre, width


def _first(value: Any) -> float | None:
    if value is None or value == "":
        return None
    return float(value[0] if isinstance(value, list | tuple) or hasattr(value, "append") else value)


def _lut(dataset: Dataset, sequence: str) -> Lut | None:
    items = dataset.get(sequence)
    if not items or "LUTDescriptor" not in items[0] or "LUTData" not in items[0]:
        return None
    entries, first, bits = (int(number) for number in items[0].LUTDescriptor)
    data = items[0].LUTData
    values = np.frombuffer(data, "<u2") if isinstance(data, bytes) else np.atleast_1d(np.asarray(data)).astype("<u2")
    entries = entries or 65536
    if len(values) * 2 == entries:
        values = values.view("u1").astype("<u2")
    if len(values) < entries or not 1 <= bits <= 16:
        raise FrameError("damaged", "its lookup table is shorter than it says")
    first = first - 65536 if first > 32767 and _is_below_zero(dataset, sequence) else first
    return Lut(first, bits, values[:entries].tobytes())


def _is_below_zero(dataset: Dataset, sequence: str) -> bool:
    """Whether what goes into a table may be negative, so that its first input is to be read as signed."""
    if sequence == "VOILUTSequence" and "ModalityLUTSequence" in dataset:
        return False
    is_moved = sequence == "VOILUTSequence" and float(dataset.get("RescaleIntercept") or 0) < 0
    return is_moved or bool(dataset.get("PixelRepresentation"))


def _aspect(dataset: Dataset) -> tuple[int, int]:
    """Return height and width of a pixel: from the spacings where they are given, else from the ratio."""
    for name in ("PixelSpacing", "ImagerPixelSpacing"):
        pair = pair_of(dataset.get(name))
        if pair:
            vertical, horizontal = (round(value * 100_000) for value in pair)
            return (1, 1) if abs(vertical - horizontal) <= 0.01 * horizontal else (vertical, horizontal)
    pair = pair_of(dataset.get("PixelAspectRatio"))
    return (int(pair[0]), int(pair[1])) if pair and pair[0] != pair[1] else (1, 1)


def pair_of(value: Any) -> tuple[float, float] | None:
    """Return two positive numbers of an element that has two; None where it is absent or holds something else."""
    try:
        first, second = (float(number) for number in value)
    except (TypeError, ValueError):
        return None
    return (first, second) if min(first, second) > 0 and np.isfinite([first, second]).all() else None
