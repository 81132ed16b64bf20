"""Says whether letters that were read make words that are known, so that the line that they make names nobody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.lettering.glyphs import CLASSES

#: Shorter words than this identify nobody by themselves.
SHORT: Final = 3
#: How much likelier, as a logarithm, what was read may be than the known word that is taken for it.
_DOUBT: Final = 2.5
_DIGITS: Final = frozenset("23456789OIBSZ")
_LONG_NUMBER: Final = 5
_I, _L, _NONE = (CLASSES.index(letter) for letter in "IL~")
#: Side markers that stand close before a word.
_SIDES: Final = frozenset("LR")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Known words by their length, as classes (words, letters)."""

    by_length: dict[int, NDArray[np.int64]] = field(default_factory=dict)

    @classmethod
    def of(cls, words: Iterable[str]) -> Vocabulary:
        """Return a vocabulary of words in Latin letters."""
        lengths: dict[int, list[list[int]]] = {}
        for word in sorted({word.upper() for word in words}):
            if word.isascii() and word.isalpha():
                lengths.setdefault(len(word), []).append([CLASSES.index(letter) for letter in word])
        return cls({length: np.array(found) for length, found in lengths.items()})

    def knows(self, said: NDArray[np.float32]) -> bool:
        """Return whether letters, as ``reader.read`` gives them, are one of the words."""
        words = self.by_length.get(len(said))
        if words is None or 2 * (said.argmax(axis=1) == _NONE).sum() >= len(said):
            return False
        either = said.copy()
        either[:, _I] = np.maximum(said[:, _I], said[:, _NONE])  # an I is a bar, and a bar alone is no letter
        either[:, _L] = np.maximum(said[:, _L], either[:, _I])  # a small l is drawn like a capital I
        scores = either[np.arange(len(said)), words].sum(axis=1)
        return bool(scores.max() > said.max(axis=1).sum() - _DOUBT)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a line says: which of its letters are unknown, and whether it holds a known word and nothing unknown."""

    unknown: NDArray[np.bool_]
    is_known: bool


def reading_of(said: NDArray[np.float32], spaces: NDArray[np.bool_], vocabulary: Vocabulary) -> Reading:
    """Return which letters of a line belong to words or numbers that are not known.

    A word of fewer than ``SHORT`` letters alone names nobody; several together, or beside an unknown word, may.

    Args:
        said: What was read, (letters, classes) as logarithms.
        spaces: Whether a space follows each letter.
        vocabulary: What is known.
    """
    letters = [CLASSES[best] for best in said.argmax(axis=1)]
    known, numbers, short, others = _sorted(said, letters, _words(letters, spaces), vocabulary)
    unknown = np.zeros(len(letters), bool)
    is_long = sum(map(len, numbers)) >= _LONG_NUMBER
    for word in [*others, *(word for word in numbers if is_long or len(word) > SHORT)]:
        unknown[word] = True
    if unknown.any() or sum(map(len, short)) > SHORT:
        for word in short:
            unknown[word] = True
    return Reading(unknown, not unknown.any() and any(len(word) > 1 for word in known))


def _sorted(
    said: NDArray[np.float32], letters: list[str], words: list[list[int]], vocabulary: Vocabulary
) -> tuple[list[list[int]], list[list[int]], list[list[int]], list[list[int]]]:
    """Return words that are known, numbers, unknown words too short to name anybody, and other unknown words."""
    known: list[list[int]] = []
    numbers: list[list[int]] = []
    short: list[list[int]] = []
    others: list[list[int]] = []
    for word in _mended(words, said, vocabulary):
        has_side = len(word) > SHORT - 1 and letters[word[0]] in _SIDES and vocabulary.knows(said[word[1:]])
        if has_side or vocabulary.knows(said[word]):
            known.append(word)
        elif {letters[index] for index in word} <= _DIGITS:
            numbers.append(word)
        else:
            (short if len(word) < SHORT else others).append(word)
    return known, numbers, short, others


def _mended(words: list[list[int]], said: NDArray[np.float32], vocabulary: Vocabulary) -> list[list[int]]:
    """Return words, two neighbours as one where only together they are known: their letters stand wide apart."""
    mended: list[list[int]] = []
    for word in words:
        is_torn = mended and not vocabulary.knows(said[mended[-1]]) and vocabulary.knows(said[mended[-1] + word])
        mended[-1:] = [mended[-1] + word] if is_torn else [*mended[-1:], word]
    return mended


def _words(letters: list[str], spaces: NDArray[np.bool_]) -> list[list[int]]:
    words: list[list[int]] = [[]]
    for index, letter in enumerate(letters):
        if letter == "/":
            words.append([])
            continue
        words[-1].append(index)
        if spaces[index]:
            words.append([])
    return [word for word in words if word]
