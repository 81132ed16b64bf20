"""One decoder per transfer syntax, pinned and named: decoders differ by a grey level on lossy encodings.

Chosen by measured speed among those that agree with a second one; milliseconds for 5 megapixels, 12 bits in 16 (8 for
baseline), one thread, against the fastest plug-in of pydicom that reads the syntax:

| syntax | pinned | ms | fastest plug-in | ms | second decoder |
|---|---|---|---|---|---|
| RLE | pylibjpeg-rle | 10 | the same | 12 | DCMTK |
| JPEG baseline | Pillow | 8 | the same | 9 | DCMTK |
| JPEG extended, 12 bit | imagecodecs (libjpeg-turbo) | 30 | pylibjpeg-libjpeg | 115 | DCMTK |
| JPEG lossless | imagecodecs (libjpeg-turbo) | 30 | GDCM | 120 | DCMTK |
| JPEG-LS | imagecodecs (CharLS) | 68 | pyjpegls | 71 | DCMTK |
| JPEG 2000, lossless | imagecodecs (OpenJPEG) | 552 | pylibjpeg-openjpeg | 539 | Pillow |
| JPEG 2000, lossy | imagecodecs (OpenJPEG) | 30 | pylibjpeg-openjpeg | 34 | Pillow |
| HTJ2K | imagecodecs (OpenJPH) | 27 | pylibjpeg-openjpeg | 60 | OpenJPEG |

Of the decoders of baseline JPEG only Pillow tells a truncated stream. ``tests/bench/test_decoding.py`` measures again.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.frames.errors import FrameError

EXPLICIT_LITTLE: Final = "1.2.840.10008.1.2.1"
NATIVE: Final = {
    "1.2.840.10008.1.2": "little",
    EXPLICIT_LITTLE: "little",
    "1.2.840.10008.1.2.1.99": "little",
    "1.2.840.10008.1.2.2": "big",
}
JPEG_BASELINE: Final = "1.2.840.10008.1.2.4.50"
JPEG_LS: Final = "1.2.840.10008.1.2.4.80"
RLE: Final = "1.2.840.10008.1.2.5"


@dataclass(frozen=True, slots=True)
class Shape:
    """What the data set says of its pixels; a stream that says otherwise is damaged."""

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    is_signed: bool

    @property
    def bytes_expected(self) -> int:
        """Length of the uncompressed frame in bytes."""
        return self.rows * self.columns * self.samples * self.bits_allocated // 8


@dataclass(frozen=True, slots=True)
class Decoder:
    """A named way to decode one encoded frame into (rows, columns) or (rows, columns, 3) unsigned values."""

    name: str
    is_exact: bool
    decode: Callable[[bytes, Shape], NDArray[Any]]


def decoder_of(transfer_syntax: str) -> Decoder:
    """Return the pinned decoder; raise ``FrameError`` (unsupported_syntax) where there is none."""
    if transfer_syntax in NATIVE:
        return Decoder("exact", True, _native(NATIVE[transfer_syntax]))
    try:
        return _ENCAPSULATED[transfer_syntax]
    except KeyError:
        raise FrameError("unsupported_syntax", "its pixels are in an encoding that is not supported") from None


def decode(content: bytes, transfer_syntax: str, shape: Shape) -> NDArray[Any]:
    """Return the unsigned values of one encoded frame, (rows, columns) or (rows, columns, 3).

    Raises:
        FrameError: unsupported_syntax, truncated, or damaged: the decoder refuses, or makes another shape.
    """
    decoder = decoder_of(transfer_syntax)
    try:
        values = decoder.decode(content, shape)
    except (FrameError, MemoryError):
        raise
    except Exception as error:  # decoders raise types of their own for damaged streams
        raise FrameError("damaged", f"its pixel data cannot be decoded ({decoder.name})") from error
    expected = (shape.rows, shape.columns) if shape.samples == 1 else (shape.rows, shape.columns, shape.samples)
    if values.shape != expected or values.dtype.itemsize * 8 > max(shape.bits_allocated, 8):
        raise FrameError("damaged", "its pixel data have another size than its header says")
    return values.astype(f"u{shape.bits_allocated // 8}", copy=False)


def clipped_to_bits(values: NDArray[Any], bits: int) -> NDArray[Any]:
    """Return unsigned values with what exceeds so many bits set to their largest value."""
    return values if values.dtype.itemsize * 8 <= bits else np.minimum(values, values.dtype.type(2**bits - 1))


def _native(order: str) -> Callable[[bytes, Shape], NDArray[Any]]:
    def read(content: bytes, shape: Shape) -> NDArray[Any]:
        if len(content) < shape.bytes_expected:
            percent = 100 * len(content) // max(1, shape.bytes_expected)
            raise FrameError("truncated", f"its pixel data end after {percent} %")
        values = np.frombuffer(content, f"{'<' if order == 'little' else '>'}u{shape.bits_allocated // 8}")
        values = values[: shape.rows * shape.columns * shape.samples]
        values = values.reshape((shape.rows, shape.columns, shape.samples)) if shape.samples > 1 else values
        return values if shape.samples > 1 else values.reshape((shape.rows, shape.columns))

    return read


def _rle(content: bytes, shape: Shape) -> NDArray[Any]:
    from rle import rle as native

    try:
        decoded = native.decode_frame(content, shape.rows * shape.columns, shape.bits_allocated, "<")
    except BaseException as error:  # the decoder is written in Rust: its panics are no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise FrameError("damaged", "its pixel data cannot be decoded (pylibjpeg rle)") from error
    planes = np.frombuffer(decoded, f"<u{shape.bits_allocated // 8}")
    if shape.samples == 1:
        return planes.reshape((shape.rows, shape.columns))
    return np.moveaxis(planes.reshape((shape.samples, shape.rows, shape.columns)), 0, -1)


def _jpeg_ls(content: bytes, _: Shape) -> NDArray[Any]:
    import imagecodecs

    _refuse_without_end(content)
    return np.asarray(imagecodecs.jpegls_decode(content))


def _baseline(content: bytes, shape: Shape) -> NDArray[Any]:
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as image:
            if image.size != (shape.columns, shape.rows):
                raise FrameError("damaged", "its pixel data have another size than its header says")
            return np.asarray(image if image.mode == "L" else image.convert("RGB"))
    except OSError as error:
        raise FrameError("truncated", "its pixel data end too early") from error


def _jpeg(content: bytes, _: Shape) -> NDArray[Any]:
    import imagecodecs

    _refuse_without_end(content)
    return np.asarray(imagecodecs.jpeg8_decode(content))


def _jpeg_2000(content: bytes, _: Shape) -> NDArray[Any]:
    import imagecodecs

    values = np.asarray(imagecodecs.jpeg2k_decode(content))
    return values.view(f"u{values.dtype.itemsize}") if values.dtype.kind == "i" else values


def _high_throughput_jpeg_2000(content: bytes, _: Shape) -> NDArray[Any]:
    import imagecodecs

    values = np.asarray(imagecodecs.htj2k_decode(content))
    return values.view(f"u{values.dtype.itemsize}") if values.dtype.kind == "i" else values


def _refuse_without_end(content: bytes) -> None:
    """Refuse a JPEG stream without its end marker: the decoders would fill what is missing with grey."""
    if not content.rstrip(b"\x00\xff").endswith(b"\xff\xd9"):
        raise FrameError("truncated", "its pixel data end too early")


_ENCAPSULATED: Final = {
    JPEG_BASELINE: Decoder("pillow jpeg", False, _baseline),
    "1.2.840.10008.1.2.4.51": Decoder("imagecodecs jpeg", False, _jpeg),
    "1.2.840.10008.1.2.4.57": Decoder("imagecodecs jpeg", True, _jpeg),
    "1.2.840.10008.1.2.4.70": Decoder("imagecodecs jpeg", True, _jpeg),
    JPEG_LS: Decoder("imagecodecs charls", True, _jpeg_ls),
    "1.2.840.10008.1.2.4.81": Decoder("imagecodecs charls", True, _jpeg_ls),
    "1.2.840.10008.1.2.4.90": Decoder("imagecodecs openjpeg", True, _jpeg_2000),
    "1.2.840.10008.1.2.4.91": Decoder("imagecodecs openjpeg", False, _jpeg_2000),
    "1.2.840.10008.1.2.4.201": Decoder("imagecodecs openjph", True, _high_throughput_jpeg_2000),
    "1.2.840.10008.1.2.4.202": Decoder("imagecodecs openjph", True, _high_throughput_jpeg_2000),
    "1.2.840.10008.1.2.4.203": Decoder("imagecodecs openjph", False, _high_throughput_jpeg_2000),
    RLE: Decoder("pylibjpeg rle", True, _rle),
}
