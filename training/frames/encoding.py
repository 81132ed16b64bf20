"""The encoding in which a frame is kept, and the way back.

DICOM pixel data stay as they came and a one-component baseline JPEG stays a JPEG, both without comments and application
segments; everything else becomes lossless JPEG-LS, or stays uncompressed where that would make it larger.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.frames.codecs import EXPLICIT_LITTLE, JPEG_LS, Shape, clipped_to_bits, decode, decoder_of
from training.frames.frame import Encoded, Frame
from training.frames.greys import GreyScale


def encode(frame: Frame) -> Encoded:
    """Return the frame in its own encoding where it may be kept so, else as lossless JPEG-LS."""
    if frame.source is not None:
        return frame.source
    unsigned = np.ascontiguousarray(frame.pixels.view(f"u{frame.pixels.dtype.itemsize}"))
    try:
        return Encoded(_jpeg_ls(unsigned, frame), JPEG_LS)
    except RuntimeError:  # the encoders' buffer is as large as the pixels: a tiny or noisy picture would grow
        return Encoded(unsigned.astype(f"<u{unsigned.dtype.itemsize}", copy=False).tobytes(), EXPLICIT_LITTLE)


def _jpeg_ls(unsigned: NDArray[Any], frame: Frame) -> bytes:
    """Return values as JPEG-LS of the frame's precision; raise ``RuntimeError`` where that would be longer."""
    import imagecodecs
    import jpeg_ls

    allocated = unsigned.dtype.itemsize * 8
    if frame.is_signed or frame.bits_stored == allocated:
        return bytes(imagecodecs.jpegls_encode(unsigned))  # a fifth of the memory of the other
    little = unsigned.astype(unsigned.dtype.newbyteorder("<"), copy=False)
    rows, columns = frame.rows, frame.columns
    return bytes(jpeg_ls.encode_buffer(little.tobytes(), rows, columns, 1, max(2, frame.bits_stored)))


def reopen(
    encoded: Encoded,
    *,
    rows: int,
    columns: int,
    photometric_interpretation: str,
    bits_allocated: int,
    bits_stored: int,
    is_signed: bool,
    grey: Mapping[str, Any],
) -> Frame:
    """Return the frame that ``encode`` made, from its bytes and the facts that are kept beside them.

    Args:
        encoded: what ``encode`` returned.
        rows: height in px.
        columns: width in px.
        photometric_interpretation: MONOCHROME1 or MONOCHROME2.
        bits_allocated: 8 or 16.
        bits_stored: bits that a value uses.
        is_signed: two's complement.
        grey: what ``GreyScale.to_dict`` returned.

    Raises:
        FrameError: the bytes cannot be decoded, or into another shape.
    """
    values = decode(encoded.content, encoded.transfer_syntax, Shape(rows, columns, 1, bits_allocated, is_signed))
    decoder = decoder_of(encoded.transfer_syntax)
    values = values if decoder.is_exact or is_signed else clipped_to_bits(values, bits_stored)
    return Frame(
        values.view(f"i{bits_allocated // 8}") if is_signed else values,
        photometric_interpretation=photometric_interpretation,
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        is_signed=is_signed,
        grey_scale=GreyScale.from_dict(grey),
        decoder=decoder.name,
        is_exact=decoder.is_exact,
        source=encoded,
    )
