"""Pictures of a radiograph for a browser (PS3.18 8.3.5): windowed, cut, scaled, as JPEG or PNG."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from PIL import Image

from bonefrac.errors import Invalid
from inference import radiographs
from inference.models import Radiograph
from studies.dicomweb.media import Accepted, NotAcceptable
from training.frames.greys import FUNCTIONS

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
_LARGEST_SIDE, _QUALITY = 8192, 90


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture is wanted.

    Attributes:
        window: Centre and width in modality values; None for what readers see first.
        function: How the window is applied.
        size: Columns and rows that it must fit into; None for every pixel.
        region: Left, top, width and height of what is shown, in pixels; None for all.
        quality: Of a JPEG, 1 to 100.
    """

    window: tuple[float, float] | None = None
    function: str = "LINEAR"
    size: tuple[int, int] | None = None
    region: tuple[float, float, float, float] | None = None
    quality: int = _QUALITY


def asked(parameters: Mapping[str, str]) -> Look:
    """Return how an address wants a picture; raise ``Invalid`` for what is none."""
    if parameters.get("annotation"):
        raise _bad("annotation")
    look = Look(quality=_quality(parameters.get("quality", "")))
    if parameters.get("window"):
        *numbers, function = [*parameters["window"].split(","), "linear"][:3]
        name = function.upper().replace("-", "_")
        centre, width = _numbers(numbers, 2, "window")
        if name not in FUNCTIONS or width <= 0:
            raise _bad("window")
        look = replace(look, window=(centre, width), function=name)
    if parameters.get("viewport"):
        look = _with_viewport(look, parameters["viewport"].split(","))
    return look


def kind_of(wanted: Iterable[Accepted]) -> str:
    """Return the media type of the picture that the client likes best; raise ``NotAcceptable`` for none."""
    for entry in wanted:
        for kind in (JPEG, PNG):
            if entry.takes(kind):
                return kind
    raise NotAcceptable(_("Pictures are offered as image/jpeg and image/png only."))


def rendered(radiograph: Radiograph, look: Look, kind: str) -> bytes:
    """Return a picture of a radiograph.

    Raises:
        FileNotFoundError: Its pixels are gone.
    """
    frame = radiographs.frame_of(radiograph)
    if look.window:
        frame = replace(frame, grey_scale=replace(frame.grey_scale, window=look.window, function=look.function))
    grey = frame.grey()
    shown = Image.fromarray(grey if grey.dtype == np.uint8 else _eight_bits(grey))
    return _saved(_placed(shown, look), kind, look.quality)


def thumbnail(radiograph: Radiograph, parameters: Mapping[str, str], kind: str) -> bytes:
    """Return the picture that lists show, smaller where a viewport is named."""
    look = asked({"viewport": parameters.get("viewport", "")})
    with Image.open(io.BytesIO(radiographs.preview(radiograph)), formats=["PNG"]) as preview:
        return _saved(_placed(preview, replace(look, region=None)), kind, _QUALITY)


def _eight_bits(grey: NDArray[Any]) -> NDArray[np.uint8]:
    return ((grey.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _placed(shown: Image.Image, look: Look) -> Image.Image:
    if look.region:
        left, top, width, height = look.region
        right, bottom = min(shown.width, left + width), min(shown.height, top + height)
        if right - left < 1 or bottom - top < 1:
            raise _bad("viewport")
        shown = shown.crop((int(left), int(top), math.ceil(right), math.ceil(bottom)))
    if look.size:
        scale = min(look.size[0] / shown.width, look.size[1] / shown.height)
        size = (max(1, round(shown.width * scale)), max(1, round(shown.height * scale)))
        shown = shown.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return shown


def _saved(shown: Image.Image, kind: str, quality: int) -> bytes:
    content = io.BytesIO()
    if kind == JPEG:
        shown.save(content, "JPEG", quality=quality)
    else:
        shown.save(content, "PNG", compress_level=1)
    return content.getvalue()


def _with_viewport(look: Look, texts: list[str]) -> Look:
    size = _numbers(texts[:2], 2, "viewport")
    if not all(1 <= side <= _LARGEST_SIDE for side in size):
        raise _bad("viewport")
    look = replace(look, size=(int(size[0]), int(size[1])))
    if len(texts) == 2:
        return look
    left, top, width, height = _numbers([text or "0" for text in texts[2:]], 4, "viewport")
    if min(left, top) < 0 or width < 0 or height < 0:  # a flipped part is not drawn
        raise _bad("viewport")
    return replace(look, region=(left, top, width or math.inf, height or math.inf))


def _quality(text: str) -> int:
    if not text:
        return _QUALITY
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:4]) <= 100:
        raise _bad("quality")
    return int(text)


def _numbers(texts: list[str], count: int, name: str) -> list[float]:
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        raise _bad(name) from None
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise _bad(name)
    return numbers


def _bad(name: str) -> Invalid:
    forms = {
        "window": "centre,width,function (linear, linear-exact or sigmoid)",
        "viewport": "columns,rows or columns,rows,left,top,width,height",
        "quality": "1 to 100",
        "annotation": _("nothing; no text is drawn into pictures"),
    }
    sentence = _("%(name)s: expected %(form)s.") % {"name": name, "form": forms[name]}
    return Invalid(sentence, code="bad_parameter", fields={name: sentence})
