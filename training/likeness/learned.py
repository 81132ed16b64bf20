"""The learned check: fitted on pictures in scope only, since what will be handed in beside them is not known.

Three distances, and a linear reading of the body part and of what asks for caution. Each bound is a quantile of what
pictures got from a fit without their group, so that the share of usual radiographs that is refused is known
beforehand: about two in a hundred. Responsible for bounds, and for the sentences of a refusal and of a caution. A cast
is not read: no picture at hand says whether it shows one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from training.likeness.pictures import DISTANCES, Pictures
from training.likeness.surface import shown_share, surface
from training.scope import Reason, part_words

#: Below so many pictures one in a hundred cannot be told: nothing is learned then, and nothing refused.
FEWEST: Final = 200
#: A part with fewer pictures than this is not read.
FEWEST_OF_PART: Final = 20
#: What a reader must know beside the score where a picture seems to show it; names as in a manifest.
CAUTIONS: Final[Mapping[str, str]] = {
    "multiscan": "several views seem to lie in one picture: the score is of all of them together",
    "hardware": "metal seems to be in the picture, which can raise the score by itself",
}
#: A trait that is right less often than this when it is read out of fold is not read.
_LEAST_PRECISION: Final = 0.7
#: Shares of usual pictures beyond the bound of each distance, and beyond the margin of the reading.
_BEYOND: Final = (0.008, 0.006, 0.004)
_MISREAD: Final = 0.008
_FOLDS: Final = 5
_MOST_PARTS: Final = 6
#: A picture with less than this share of anything but flat surround shows nothing.
_LEAST_SHOWN: Final = 0.01

Floats = NDArray[np.float32]


def description(features: Floats, rendition: NDArray[np.uint8]) -> Floats:
    """Return what is known of one picture, (243 + channels,): its surface, and its features averaged over their cells.

    Args:
        features: (h, w, channels) that the model answered.
        rendition: (size, size) that it read.
    """
    return np.concatenate([surface(rendition), features.mean(axis=(0, 1), dtype=np.float32)])


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the learned scope says of one picture: a reason not to speak, or a caution for beside the score."""

    reason: Reason | None = None
    caution: str = ""


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a model's pictures look like.

    Attributes:
        pictures: the fit; None where there were too few pictures to learn from, and then only a blank one is refused.
        parts: body parts that are read.
        traits: keys of `CAUTIONS` that are read too.
        bounds: (3,) of the distances.
        margins: (2 ** parts,) by the bits of the allowed parts: by how much the best allowed part has to lead the
            best other one, 0 or less.
    """

    pictures: Pictures | None
    parts: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    bounds: Floats | None = None
    margins: Floats | None = None

    @classmethod
    def fit(
        cls,
        rows: Floats,
        regions: Sequence[str],
        groups: Sequence[str] | None = None,
        *,
        traits: Mapping[str, Sequence[bool]] | None = None,
        seed: int = 1,
    ) -> Self:
        """Return what pictures in scope look like.

        Args:
            rows: (n, 243 + channels) from `description`.
            regions: the parts of each picture, joined with `+`; `unknown` says nothing.
            groups: patient of each picture, so that no bound is set on a patient who was fitted; each its own if None.
            traits: by key of `CAUTIONS` which pictures show it.
            seed: of the folds.
        """
        if len(rows) < FEWEST:
            return cls(None)
        named = [set(region.split("+")) for region in regions]
        parts, shown = _read_parts(named), {name: np.array(shows, bool) for name, shows in (traits or {}).items()}
        kinds = [np.array([part in one for one in named], bool) for part in parts]
        folds = _folds(groups or [str(number) for number in range(len(rows))], seed)
        shows = _columns([*kinds, *shown.values()], len(rows))
        distances, said = _out_of_fold(rows, shows, folds)
        read = [place for place in range(len(parts), shows.shape[1]) if _is_read(said[:, place], shows[:, place])]
        places = [*range(len(parts)), *read]
        names = tuple(tuple(shown)[place - len(parts)] for place in read)
        pairs = zip(distances.T, _BEYOND, strict=True)
        bounds = np.array([np.quantile(column, 1 - beyond) for column, beyond in pairs], np.float32)
        margins = _margins(said[:, : len(parts)], shows[:, : len(parts)])
        return cls(Pictures.fit(rows, shows[:, places]), parts, names, bounds, margins)

    @classmethod
    def from_arrays(cls, stored: Mapping[str, NDArray[Any]]) -> Self:
        """Return what `arrays` described.

        Raises:
            ValueError: an array is missing, or has another shape than its neighbours expect.
        """
        if not stored:
            return cls(None)
        try:
            parts, traits = (tuple(str(kind) for kind in stored[name]) for name in ("parts", "traits"))
            bounds, margins = (np.asarray(stored[name], np.float32) for name in ("bounds", "margins"))
            pictures = Pictures.from_arrays(stored)
        except KeyError as error:
            raise ValueError(f"Expected an array {error} in a learned scope. Received: {sorted(stored)}.") from error
        expected = (len(DISTANCES),), (2 ** len(parts),), len(parts) + len(traits)
        received = bounds.shape, margins.shape, pictures.weights.shape[1]
        if received != expected:
            raise ValueError(f"Expected bounds, margins and kinds of {expected}. Received: {received}.")
        if not (bounds > 0).all():
            raise ValueError(f"Expected bounds above 0. Received: {bounds.tolist()}.")
        if not set(traits) <= set(CAUTIONS):
            raise ValueError(f"Expected traits of {sorted(CAUTIONS)}. Received: {traits}.")
        return cls(pictures, parts, traits, bounds, margins)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return plain arrays by name, none where nothing was learned."""
        if self.pictures is None or self.bounds is None or self.margins is None:
            return {}
        return {
            **self.pictures.arrays(),
            "parts": np.array(self.parts, "U16"),
            "traits": np.array(self.traits, "U16"),
            "bounds": self.bounds,
            "margins": self.margins,
        }

    def judge(self, features: Floats, rendition: NDArray[np.uint8], parts: Sequence[str]) -> Judgement:
        """Return whether the model must not speak of a picture, and what has to be said beside its score.

        Args:
            features: (h, w, channels) that the model answered.
            rendition: (size, size) that it read.
            parts: body parts that it may speak about.
        """
        row = description(features, rendition)[np.newaxis]
        if shown_share(row[0]) < _LEAST_SHOWN:
            return Judgement(Reason("blank", "not assessed: the picture shows nothing"))
        if self.pictures is None:
            return Judgement()
        if self.strangeness(row)[0] > 1:
            sentence = f"not assessed: it does not look like a radiograph of {_listed(parts)}"
            return Judgement(Reason("unlike", sentence))
        said = self.pictures.kind_logits(row)[0]
        cautions = [
            CAUTIONS[trait] for trait, logit in zip(self.traits, said[len(self.parts) :], strict=True) if logit > 0
        ]
        return Judgement(self._part_reason(said[: len(self.parts)], parts), "; ".join(cautions))

    @property
    def channels(self) -> int:
        """Channels of the features that it was learned on; 0 where nothing was learned."""
        return len(self.pictures.features.mean) if self.pictures else 0

    def strangeness(self, rows: Floats) -> Floats:
        """Return (n,) of descriptions: the largest distance in parts of its bound; above 1 a picture is refused."""
        if self.pictures is None or self.bounds is None:
            return np.zeros(len(rows), np.float32)
        return np.asarray((self.pictures.distances(rows) / self.bounds).max(1))

    def _part_reason(self, said: Floats, parts: Sequence[str]) -> Reason | None:
        """Return the reason where another part than the allowed ones is read; `said` (parts,) are logits."""
        allowed = np.array([part in parts for part in self.parts], bool)
        if self.margins is None or allowed.all() or not allowed.any():
            return None
        if _lead(said[np.newaxis], allowed)[0] >= self.margins[_bits(allowed)]:
            return None
        other = part_words(self.parts[int(np.where(allowed, -np.inf, said).argmax())])
        sentence = f"not assessed: it looks like a radiograph of {other}; this model was not evaluated on it"
        return Reason("part_seen", sentence)


def _read_parts(named: Sequence[set[str]]) -> tuple[str, ...]:
    """Return the parts that enough pictures show and enough do not."""
    counts = {part: sum(part in shown for shown in named) for part in sorted(set().union(*named) - {"unknown", ""})}
    enough = [part for part, count in counts.items() if FEWEST_OF_PART <= count <= len(named) - FEWEST_OF_PART]
    return tuple(sorted(enough, key=lambda part: -counts[part])[:_MOST_PARTS])


def _columns(kinds: Sequence[NDArray[np.bool_]], count: int) -> NDArray[np.bool_]:
    """Return (count, kinds) from a column of each kind."""
    return np.array(kinds, bool).reshape(len(kinds), count).T


def _is_read(said: Floats, shows: NDArray[np.bool_]) -> bool:
    """Return whether a trait is read well enough out of fold to be spoken of."""
    found = said > 0
    return bool(shows.sum() >= FEWEST_OF_PART and found.any() and shows[found].mean() >= _LEAST_PRECISION)


def _folds(groups: Sequence[str], seed: int) -> NDArray[np.int64]:
    """Return (n,) a fold for each picture, whole groups together."""
    names, place = np.unique(np.array(groups), return_inverse=True)
    order: NDArray[np.int64] = np.random.default_rng(seed).permutation(len(names)) % _FOLDS
    return order[place]


def _out_of_fold(rows: Floats, shows: NDArray[np.bool_], folds: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return distances (n, 3) and logits (n, kinds) of each picture by a fit without its fold."""
    distances = np.empty((len(rows), len(DISTANCES)), np.float32)
    said = np.empty(shows.shape, np.float32)
    for fold in range(_FOLDS):
        held = folds == fold
        pictures = Pictures.fit(rows[~held], shows[~held])
        distances[held], said[held] = pictures.distances(rows[held]), pictures.kind_logits(rows[held])
    return distances, said


def _lead(said: Floats, allowed: NDArray[np.bool_]) -> Floats:
    """Return (n,) by how much the best allowed part leads the best other one."""
    return np.asarray(said[:, allowed].max(1) - said[:, ~allowed].max(1))


def _bits(allowed: NDArray[np.bool_]) -> int:
    return int((allowed << np.arange(len(allowed))).sum())


def _margins(said: Floats, shows: NDArray[np.bool_]) -> Floats:
    """Return (2 ** parts,): the lead that all but a small share of the pictures of each set of parts keep."""
    count = shows.shape[1]
    margins = np.zeros(2**count, np.float32)
    for bits in range(1, 2**count - 1):
        allowed = ((bits >> np.arange(count)) & 1).astype(bool)
        inside = shows[:, allowed].any(1)
        margins[bits] = min(0.0, float(np.quantile(_lead(said[inside], allowed), _MISREAD)))
    return margins


def _listed(parts: Sequence[str]) -> str:
    """Return parts in words, as a sentence names them."""
    return "; ".join(part_words(part) for part in parts) or "what this model knows"
