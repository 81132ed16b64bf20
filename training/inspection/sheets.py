"""Pictures for whoever looks a data set over: some of each class, and pairs that leak.

Responsible for contact sheets; not for what is said about them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from PIL import Image, ImageDraw

from training import dataset
from training.dataset import Sample
from training.inspection.leaks import Leak
from training.preprocessing import Preprocessing
from training.tasks import Task

#: Side of one picture, px, the line of text above a row, and pictures in a row.
_SIDE: Final = 144
_TEXT: Final = 18
_ACROSS: Final = 8
_ROWS_EACH: Final = 2


def of_classes(samples: Sequence[Sample], task: Task) -> Image.Image:
    """Return a sheet with up to sixteen images of each class, drawn by lot but always the same ones."""
    rows: list[tuple[str, list[Sample]]] = []
    for label in task.classes:
        chosen = sorted((sample for sample in samples if sample.label == label), key=_lot)[: _ACROSS * _ROWS_EACH]
        for start in range(0, len(chosen), _ACROSS):
            rows.append((label if start == 0 else "", chosen[start : start + _ACROSS]))
    return _sheet(rows)


def of_leaks(leaks: Sequence[Leak]) -> Image.Image:
    """Return a sheet with up to eight pairs that leak: the measured image, then the one that is learnt from."""
    copied = [leak for leak in leaks if leak.kind == "copy"]
    shown = (copied or list(leaks))[:_ACROSS]
    return _sheet([("measured", [leak.measured for leak in shown]), ("learnt from", [leak.learnt for leak in shown])])


def _lot(sample: Sample) -> str:
    return hashlib.sha256(sample.path.name.encode()).hexdigest()


def _sheet(rows: Sequence[tuple[str, Sequence[Sample]]]) -> Image.Image:
    height = _SIDE + _TEXT
    sheet = Image.new("L", (_ACROSS * _SIDE, max(1, len(rows)) * height), 255)
    draw, preprocessing = ImageDraw.Draw(sheet), Preprocessing(_SIDE - 4)
    for row, (title, samples) in enumerate(rows):
        draw.text((2, row * height + 2), title, fill=0)
        for column, sample in enumerate(samples):
            picture = Image.fromarray(preprocessing.rendition(dataset.grey_levels(sample.path)))
            sheet.paste(picture, (column * _SIDE + 2, row * height + _TEXT))
    return sheet
