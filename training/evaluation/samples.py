"""Sample predictions as pictures: what the model read, and the same with its map, the worst errors first.

Responsible for which pictures may be shown and for how they look. A report travels with its model, so radiographs of
people are inlined only where that is wanted and allowed: `data` shows the images of the data set, `drawn` the drawn
radiographs that the model was proven on, `none` nothing.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.evaluation.measurement import Picture
from training.explanation import located, visible

Kind = Literal["none", "drawn", "data"]
SENTENCES: Final = {
    "none": "No picture is shown here: the images that the model was measured on are not passed on with it.",
    "drawn": "The pictures are drawn by `training.synthetic`: they show no person and are no evidence of accuracy.",
    "data": "The pictures are those of the data set that it was measured on.",
}
#: Side of a picture in the page, px.
_SIDE: Final = 224
#: The machine's colour.
_VIOLET: Final = np.array([183, 156, 244], np.float64)
_STRONGEST: Final = 0.75


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture and what stands below it."""

    picture: Picture
    words: str


def gallery(shown: Sequence[Shown], drawn: str) -> str:
    """Return pictures side by side with their maps.

    Args:
        shown: in order.
        drawn: what draws the maps, `map`, `activation` or empty.
    """
    return '<div class="samples">' + "".join(_figure(entry, drawn) for entry in shown) + "</div>"


def _figure(entry: Shown, drawn: str) -> str:
    words = html.escape(entry.words)
    images = [_image(_grey(entry.picture.square), f"{words}: as the model read it")]
    if entry.picture.map is not None:
        images.append(_image(overlaid(entry.picture.square, entry.picture.map, drawn), f"{words}: with its map"))
    return f"<figure>{''.join(images)}<figcaption>{words}</figcaption></figure>"


def overlaid(square: NDArray[np.uint8], cells: NDArray[np.float32], drawn: str) -> NDArray[np.uint8]:
    """Return a rendition (side, side, 3) under its map, in the machine's colour.

    A network's own map is shown as the probability that it says, a closed form relative to its own maximum.
    """
    shares = located(cells) if drawn == "map" else visible(cells)
    side = square.shape[0]
    spread = np.asarray(Image.fromarray(shares.astype(np.float32)).resize((side, side), Image.Resampling.BILINEAR))
    strength = (np.clip(spread, 0, 1) * _STRONGEST)[..., np.newaxis]
    mixed: NDArray[np.uint8] = np.rint(_grey(square) * (1 - strength) + _VIOLET * strength).astype(np.uint8)
    return mixed


def _grey(square: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(square[..., np.newaxis], 3, axis=2)


def _image(pixels: NDArray[np.uint8], words: str) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=80)
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{words}" src="data:image/jpeg;base64,{encoded}" width="{_SIDE}" height="{_SIDE}">'
