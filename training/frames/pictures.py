"""JPEG, PNG, TIFF, BMP and WebP pictures as frames.

A picture is a radiograph if it is grey: one component, or three that are equal. A photograph of a film is taken and
marked. EXIF orientation is applied, 16 bits stay 16. Nothing else of a picture's metadata is read.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from training.frames.codecs import JPEG_BASELINE
from training.frames.colours import Colouring, are_equal, are_nearly_equal, colouring_of, shrinking_of
from training.frames.errors import FrameError
from training.frames.frame import Encoded, Frame
from training.frames.markers import stripped

#: 64 megapixels; callers with a limit of their own pass it.
MAX_PIXELS: Final = 64_000_000
#: So many rows of a coloured picture are looked at once.
_STRIP: Final = 256
_ORIENTATION: Final = 0x0112
_BITS_PER_SAMPLE: Final = 258
_PHOTOMETRIC: Final = 262


def decode_picture(content: bytes, kind: str, *, max_pixels: int = MAX_PIXELS, is_declared_film: bool = False) -> Frame:
    """Return the frame of a picture; transparent pixels are shown on black, 16 bits are kept.

    Args:
        content: the file.
        kind: what ``kind_of`` said: jpeg, png, tiff, bmp or webp.
        max_pixels: rows times columns that are allowed.
        is_declared_film: somebody says that it is a photograph of a film.

    Raises:
        FrameError: truncated, damaged, too_many_pixels, not_a_radiograph (colour), not_an_image, multi_frame,
            unsupported_depth.
    """
    image = _opened(content, kind.upper(), max_pixels)
    _refuse_other_depths(image)
    if kind != "jpeg":  # a telephone's JPEG may carry a second picture for its screen
        _refuse_several(image)
    keepable = kind == "jpeg" and image.mode == "L" and not image.info.get("progressive") and _orientation(image) == 1
    is_exact = kind in ("png", "bmp") or (kind == "tiff" and image.info.get("compression") != "jpeg")
    described = _wide(image) if image.mode.startswith("I;16") else {}
    _loaded(image)
    turn = _orientation(image)  # of a TIFF it is 1 by now: it is turned while it is loaded
    pixels: NDArray[Any]
    if described:
        pixels, is_film = _values(image, np.uint16), is_declared_film
    else:
        pixels, is_film = _grey(image, is_declared_film=is_declared_film)
    image.close()  # what is loaded of colours is four times what is kept
    kept = stripped(content) if keepable else None
    source = Encoded(kept, JPEG_BASELINE) if kept else None
    return Frame(
        _upright(pixels, turn), decoder=f"pillow {kind}", is_exact=is_exact, source=source, is_film_photo=is_film,
        **described,
    )  # fmt: skip


def decode_jpeg(content: bytes, *, max_pixels: int = MAX_PIXELS) -> Frame:
    """Return the frame of a JPEG picture; raises as ``decode_picture``."""
    return decode_picture(content, "jpeg", max_pixels=max_pixels)


def decode_png(content: bytes, *, max_pixels: int = MAX_PIXELS) -> Frame:
    """Return the frame of a PNG picture; raises as ``decode_picture``."""
    return decode_picture(content, "png", max_pixels=max_pixels)


def _wide(image: Image.Image) -> dict[str, Any]:
    """Return what a frame of more than 8 bits is described by; a TIFF may hold 12 and may be white at zero."""
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(_BITS_PER_SAMPLE, (16,))
    stored = int(bits[0] if isinstance(bits, tuple) else bits)
    is_inverted = tags.get(_PHOTOMETRIC) == 0
    return {
        "bits_allocated": 16,
        "bits_stored": stored,
        "photometric_interpretation": "MONOCHROME1" if is_inverted else "MONOCHROME2",
    }


def _refuse_other_depths(image: Image.Image) -> None:
    if image.mode in ("I", "F", "I;16S"):
        raise FrameError("unsupported_depth", "its pixels have 32 bits or a sign; 8 and 16 bits are supported")


def _refuse_several(image: Image.Image) -> None:
    """Raise ``FrameError`` for a file of several pages or frames."""
    try:
        image.seek(1)
    except (EOFError, OSError, ValueError, SyntaxError, struct.error, KeyError, TypeError, IndexError):
        image.seek(0)  # there is no second one, or none that can be read
        return
    raise FrameError("multi_frame", "it holds several pages or frames, a radiograph has one")


def _opened(content: bytes, kind: str, max_pixels: int) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(content), formats=[kind])
    except Image.DecompressionBombError as error:
        raise FrameError("too_many_pixels", "it has more pixels than are allowed") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, struct.error) as error:
        raise FrameError("not_an_image", f"it begins like a {kind} picture but is none") from error
    refuse_size(image.height, image.width, max_pixels)
    return image


def refuse_size(rows: int, columns: int, max_pixels: int) -> None:
    """Raise ``FrameError`` where a radiograph has no pixels or more than are allowed."""
    if rows <= 0 or columns <= 0:
        raise FrameError("no_pixels", "it has no pixels")
    if rows * columns > max_pixels:
        size, limit = rows * columns / 1e6, max_pixels / 1e6
        raise FrameError("too_many_pixels", f"it has {size:,.0f} megapixels; the limit is {limit:,.0f}")


def _loaded(image: Image.Image) -> Image.Image:
    try:
        image.load()
    except OSError as error:
        code = "truncated" if "truncated" in str(error) else "damaged"
        what = "its picture data end too early" if code == "truncated" else "its picture data cannot be decoded"
        raise FrameError(code, what) from error
    except (ValueError, SyntaxError, struct.error, zlib.error, IndexError) as error:
        raise FrameError("damaged", "its picture data cannot be decoded") from error
    return image


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except (OSError, SyntaxError, ValueError, TypeError, struct.error):
        return 1


def _upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return (rows, columns) turned as an EXIF orientation of 1 to 8 says."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.T
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _values(image: Image.Image, kind: type[np.unsignedinteger[Any]]) -> NDArray[Any]:
    """Return the values of a picture of one component; Pillow gives them out as a whole only three times over."""
    values = np.empty((image.height, image.width), kind)
    for start in range(0, image.height, _STRIP):
        stop = min(image.height, start + _STRIP)
        values[start:stop] = np.asarray(image.crop((0, start, image.width, stop)))
    return values


def _strips(image: Image.Image, height: int) -> Iterator[tuple[slice, Image.Image]]:
    """Yield the rows of a picture that has colours, some at a time, as RGB; transparent pixels are shown on black."""
    has_alpha = "A" in image.mode or "a" in image.mode or "transparency" in image.info
    for start in range(0, image.height, height):
        rows = slice(start, min(image.height, start + height))
        strip = image.crop((0, rows.start, image.width, rows.stop))
        if has_alpha:
            opaque = strip.convert("RGBA")
            strip = Image.alpha_composite(Image.new("RGBA", strip.size, (0, 0, 0, 255)), opaque)
        yield rows, strip.convert("RGB")


def _grey(image: Image.Image, *, is_declared_film: bool) -> tuple[NDArray[np.uint8], bool]:
    """Return (rows, columns) grey and whether it is a photograph of a film; raise ``FrameError`` for other colours."""
    if image.mode in ("L", "1"):
        return _values(image.convert("L"), np.uint8), is_declared_film
    shrinking = shrinking_of(image.height, image.width)
    height = shrinking * -(-_STRIP // shrinking)
    strips = (np.asarray(strip) for _rows, strip in _strips(image, height))
    colouring = colouring_of(strips, shrinking=shrinking)
    if colouring == Colouring.COLOUR:
        raise FrameError("not_a_radiograph", "it is a colour picture, a radiograph is grey")
    if colouring == Colouring.UNSURE and not is_declared_film:
        raise FrameError("not_a_radiograph", "it is a colour picture; it may be a photograph of a film")
    is_grey = colouring == Colouring.GREY
    grey = np.empty((image.height, image.width), np.uint8)
    for rows, strip in _strips(image, height):
        grey[rows] = np.asarray(strip.getchannel("G") if is_grey else strip.convert("L"))
    return grey, is_declared_film or not is_grey


def grey_of_colours(colours: NDArray[Any]) -> NDArray[Any]:
    """Return (rows, columns) of (rows, columns, 3) whose components are equal but for rounding and small marks.

    Raises:
        FrameError: not_a_radiograph: more than 0.5 % of the pixels are coloured.
    """
    if are_equal(colours):
        return np.ascontiguousarray(colours[..., 0])
    if not are_nearly_equal(colours):
        raise FrameError("not_a_radiograph", "it is a colour picture, a radiograph is grey")
    return np.ascontiguousarray(colours[..., 1])
