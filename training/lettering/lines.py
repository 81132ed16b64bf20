"""Lines of letters in a picture that may name somebody: those whose words are not all known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.lettering import reader
from training.lettering.chains import chains_of, letters_in
from training.lettering.glyphs import CLASSES, glyphs_of
from training.lettering.marks import marks_of, shrunk
from training.lettering.words import Vocabulary, reading_of

_LEAST: Final = 3
#: How sure the reader must be that marks are letters at all, by how many of them are in question.
_SURE: Final = {3: 0.9, 4: 0.75, 5: 0.7}
_SURE_OF_MANY: Final = 0.5
#: A mark this narrow, of its height, may be an I or anything: it says nothing of the others.
_BAR: Final = 0.45
_NO_LETTER: Final = CLASSES.index("~")
_CHAINS: Final = 400


@dataclass(frozen=True, slots=True)
class Line:
    """Where a line of letters is, in pixels of the picture, and of how many marks it is made."""

    left: int
    top: int
    width: int
    height: int
    marks: int


def lines_of(grey: NDArray[np.uint8], vocabulary: Vocabulary) -> list[Line]:
    """Return the lines in a picture (rows, columns) of displayed grey levels that may name somebody.

    Light and dark letters are found, upright or turned by a quarter either way.

    Args:
        grey: The picture.
        vocabulary: Words that name nobody.
    """
    small, step = shrunk(grey)
    unknown: list[Line] = []
    known: list[Line] = []
    for marks in marks_of(small):
        for turn in (0, 1, 3):
            boxes, ink = _turned(marks.boxes, turn, small.shape), np.rot90(marks.ink, turn)
            for box, count, is_known in _read(boxes, ink, vocabulary):
                corners = _turned(np.array([[*box, 0, 0]]), -turn % 4, ink.shape)[0]
                (known if is_known else unknown).append(_line(corners, step, count))
    return _distinct([line for line in unknown if not any(_covers(other, line) for other in known)])


def _line(box: NDArray[np.int64], step: int, count: int) -> Line:
    left, top, right, bottom = (int(value) * step for value in box[:4])
    return Line(left, top, right - left, bottom - top, count)


def _turned(boxes: NDArray[np.int64], turn: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return boxes of a picture of a shape after ``numpy.rot90`` by so many turns."""
    left, top, right, bottom, ink, runs = boxes.T
    if turn == 1:
        return np.stack([top, shape[1] - right, bottom, shape[1] - left, ink, runs * 0], axis=1)
    if turn == 3:
        return np.stack([shape[0] - bottom, left, shape[0] - top, right, ink, runs * 0], axis=1)
    return boxes


def _read(
    boxes: NDArray[np.int64], ink: NDArray[np.uint8], vocabulary: Vocabulary
) -> Iterator[tuple[list[int], int, bool]]:
    """Yield box and letters of each line, and whether all its words are known; what is no lettering is left out."""
    letters = letters_in(boxes)
    chains = chains_of(boxes, least=_LEAST)[:_CHAINS]
    if not chains:
        return
    wanted = np.unique(np.concatenate(chains))
    said = np.zeros((len(boxes), len(CLASSES)), np.float32)
    said[wanted] = reader.read(glyphs_of(ink, boxes[wanted]))
    for chain in chains:
        reading = reading_of(said[chain], _spaces(boxes[chain]), vocabulary)
        box = [*boxes[chain, :2].min(axis=0).tolist(), *boxes[chain, 2:4].max(axis=0).tolist()]
        count = int(letters[chain][reading.unknown].sum())
        if reading.is_known:
            yield box, 0, True
        elif count >= _LEAST and _is_lettering(said[chain][reading.unknown], boxes[chain][reading.unknown], count):
            yield box, int(letters[chain].sum()), False


def _is_lettering(said: NDArray[np.float32], boxes: NDArray[np.int64], count: int) -> bool:
    telling = boxes[:, 2] - boxes[:, 0] >= _BAR * (boxes[:, 3] - boxes[:, 1])
    if telling.sum() < min(2, count // 2):
        return False
    likely = 1 - np.exp(said[telling, _NO_LETTER])
    return float(likely.mean()) >= _SURE.get(count, _SURE_OF_MANY)


def _spaces(boxes: NDArray[np.int64]) -> NDArray[np.bool_]:
    gaps = boxes[1:, 0] - boxes[:-1, 2]
    tall = float(np.median(boxes[:, 3] - boxes[:, 1]))
    usual = float(np.sort(gaps)[(len(gaps) - 1) // 2]) if len(gaps) else 0  # of two, the narrow one
    wide = gaps > max(0.3 * tall, 1.6 * usual)
    return np.append(wide, True)


def _distinct(lines: list[Line]) -> list[Line]:
    """Return lines without those that lie within another."""
    kept: list[Line] = []
    for line in sorted(lines, key=lambda one: -one.width * one.height):
        if not any(_lies_in(line, other) for other in kept):
            kept.append(line)
    return sorted(kept, key=lambda one: (one.top, one.left))


def _covers(known: Line, line: Line) -> bool:
    """Return whether a line that is known was also read as another, that has little more."""
    wide = min(known.left + known.width, line.left + line.width) - max(known.left, line.left)
    tall = min(known.top + known.height, line.top + line.height) - max(known.top, line.top)
    return wide >= 0.75 * line.width and tall >= 0.75 * line.height


def _lies_in(line: Line, other: Line) -> bool:
    middle = line.left + line.width / 2, line.top + line.height / 2
    return other.left <= middle[0] <= other.left + other.width and other.top <= middle[1] <= other.top + other.height
