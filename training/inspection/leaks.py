"""Whether a split leaks: a radiograph that lies on two of its sides, in whatever form.

Responsible for the pairs and the sentence about them; not for finding copies (`training.inspection.copies`) or for
refusing to fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

from training.dataset import SPLITS, Sample
from training.inspection.copies import Copies, copies

_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Leak:
    """An image and one on an earlier side (train before val before test) that shows the same radiograph.

    Attributes:
        learnt: on the earlier side.
        measured: on the later side.
        exact: whether the files are equal byte for byte.
    """

    learnt: Sample
    measured: Sample
    exact: bool

    @property
    def line(self) -> str:
        """The pair in words."""
        how = "the same file as" if self.exact else "a copy of"
        return f"{self.measured.split} {self.measured.path} is {how} {self.learnt.split} {self.learnt.path}"


@dataclass(frozen=True, slots=True)
class Leaks:
    """What leaks across the sides of a split.

    Attributes:
        pairs: one for each image whose radiograph lies on an earlier side too.
        images: how many images there are on each side that has any.
    """

    pairs: tuple[Leak, ...]
    images: dict[str, int]

    @property
    def status(self) -> str:
        """`leaking` or `clean`."""
        return "leaking" if self.pairs else "clean"

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """How many images of a side have their radiograph on an earlier one, by (later, earlier)."""
        return dict(Counter((leak.measured.split, leak.learnt.split) for leak in self.pairs))

    @property
    def sentence(self) -> str:
        """What was found, for people."""
        if not self.pairs:
            return "No radiograph was found on two sides of the split."
        parts = (
            f"{count} of {self.images[later]} {later} images show a radiograph that is in {earlier} too"
            for (later, earlier), count in sorted(self.counts.items())
        )
        exact = sum(leak.exact for leak in self.pairs)
        return f"The split leaks: {'; '.join(parts)} ({exact} of them byte for byte)."

    def lines(self, most: int = _SHOWN) -> tuple[str, ...]:
        """Return the first pairs in words, and how many more there are."""
        lines = tuple(leak.line for leak in self.pairs[:most])
        rest = len(self.pairs) - len(lines)
        return (*lines, f"and {rest} more") if rest else lines


def leaks(samples: Sequence[Sample], *, cache: Path | None = None) -> Leaks:
    """Return what leaks across the sides of the samples' split.

    About 30 ms a file the first time, 1 ms a file once the same files were asked before (see `copies`).

    Args:
        samples: whose `split` is train, val or test; others are left out.
        cache: folder in which what was found is kept; None for the usual one.

    Raises:
        DatasetError: files that cannot be read.
    """
    chosen = [sample for sample in samples if sample.split in SPLITS]
    return leaks_of(chosen, copies(chosen, cache=cache))


def leaks_of(samples: Sequence[Sample], found: Copies) -> Leaks:
    """Return what leaks across the sides of samples whose copies are known."""
    pairs = []
    for numbers in found.members.values():
        sides = {side: [number for number in numbers if samples[number].split == side] for side in SPLITS}
        for earlier, later in combinations((side for side in SPLITS if sides[side]), 2):
            pairs += [_leak(samples, found, sides[earlier], number) for number in sides[later]]
    once = {id(leak.measured): leak for leak in reversed(pairs)}
    order = sorted(once.values(), key=lambda leak: (leak.measured.split, str(leak.measured.path)))
    return Leaks(tuple(order), dict(Counter(sample.split for sample in samples if sample.split in SPLITS)))


def _leak(samples: Sequence[Sample], found: Copies, learnt: Sequence[int], measured: int) -> Leak:
    """Return the leak of one image, with an equal file on the earlier side where there is one."""
    equal = [number for number in learnt if found.items[number] == found.items[measured]]
    return Leak(samples[(equal or learnt)[0]], samples[measured], bool(equal))
