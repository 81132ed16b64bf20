"""Whether a split leaks: a radiograph that lies on two of its sides, in whatever form, or a patient that does.

Responsible for the pairs and the sentence about them; not for finding copies (`training.inspection.copies`) or for
refusing to fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final, Literal

from training.dataset import SPLITS, Sample
from training.inspection.copies import Copies, copies

#: How two images belong together.
Kind = Literal["file", "copy", "group"]
_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Leak:
    """An image and one on an earlier side (train before val before test) that it must not share a model with.

    Attributes:
        learnt: on the earlier side.
        measured: on the later side.
        kind: the files are equal byte for byte, they show one radiograph, or they are of one group (a patient).
    """

    learnt: Sample
    measured: Sample
    kind: Kind

    @property
    def line(self) -> str:
        """The pair in words."""
        how = {"file": "the same file as", "copy": "a copy of", "group": f"of one group, {self.learnt.group}, with"}
        return f"{self.measured.split} {self.measured.path} is {how[self.kind]} {self.learnt.split} {self.learnt.path}"


@dataclass(frozen=True, slots=True)
class Leaks:
    """What leaks across the sides of a split.

    Attributes:
        pairs: one for each image whose radiograph or group lies on an earlier side too.
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
            f"{count} of {self.images[later]} {later} images show a radiograph or a patient of {earlier}"
            for (later, earlier), count in sorted(self.counts.items())
        )
        kinds = Counter(leak.kind for leak in self.pairs)
        how = f"{kinds['file']} the same files, {kinds['copy']} copies, {kinds['group']} other images of a group"
        return f"The split leaks: {'; '.join(parts)} ({how})."

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
    by_group: dict[str, list[int]] = {}
    for number, sample in enumerate(samples):
        by_group.setdefault(sample.group, []).append(number)
    pairs: dict[int, Leak] = {}
    for together in (*found.members.values(), *by_group.values()):
        for number, learnt in _crossing(samples, together):
            pairs.setdefault(number, _leak(samples, found, learnt, number))
    order = sorted(pairs.values(), key=lambda leak: (leak.measured.split, str(leak.measured.path)))
    return Leaks(tuple(order), dict(Counter(sample.split for sample in samples if sample.split in SPLITS)))


def _crossing(samples: Sequence[Sample], together: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Yield the samples that belong with others on an earlier side, and these."""
    sides = {side: [number for number in together if samples[number].split == side] for side in SPLITS}
    for earlier, later in combinations((side for side in SPLITS if sides[side]), 2):
        yield from ((number, sides[earlier]) for number in sides[later])


def _leak(samples: Sequence[Sample], found: Copies, learnt: Sequence[int], measured: int) -> Leak:
    """Return the leak of one image, with an equal file on the earlier side where there is one."""
    equal = [number for number in learnt if found.items[number] == found.items[measured]]
    alike = [number for number in learnt if found.clusters[number] == found.clusters[measured]]
    kind: Kind = "file" if equal else "copy" if alike else "group"
    return Leak(samples[(equal or alike or learnt)[0]], samples[measured], kind)
