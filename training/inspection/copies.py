"""Which files show one radiograph: byte for byte, or turned, mirrored, exposed or compressed otherwise.

Responsible for deciding it and for clusters of it; not for what follows for a split (`training.inspection.leaks`).
The thresholds were set on two public collections: copies that were rotated three times over correlate above 0.93 in
their fine structure, two exposures of one wrist or two people's feet below 0.78. A copy that was cropped or moved by
more than a few percent is not found, nor one whose sides were scaled differently.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from training import dataset
from training.dataset import DatasetError, Sample
from training.inspection import alignment, candidates, fingerprints
from training.inspection.fingerprints import Look

#: Raised whenever the same files would be joined otherwise; part of the name under which joins are kept.
ALGORITHM: Final = 1
#: Least bound of two fingerprints that is looked into, and least correlation of fine structure that joins.
_WORTH_A_LOOK: Final = 0.75
_SAME: Final = 0.8
#: A picture that was compared in vain so often is compared no more with others like that.
_TRIES: Final = 24
_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Join:
    """Two different files that show one radiograph.

    Attributes:
        first: SHA-256 of the one.
        second: SHA-256 of the other.
        likeness: correlation of their fine structure once aligned.
        degrees: by which the second is turned against the first.
        mirrored: whether it is mirrored before.
    """

    first: str
    second: str
    likeness: float
    degrees: float
    mirrored: bool


@dataclass(frozen=True, slots=True)
class Copies:
    """What belongs together among samples.

    Attributes:
        items: SHA-256 of the file of each sample, in their order.
        clusters: of each sample, the number of the first sample that shows the same radiograph.
        joins: one less than there are files in each cluster: a forest, not all pairs.
    """

    items: tuple[str, ...]
    clusters: tuple[int, ...]
    joins: tuple[Join, ...]

    @property
    def members(self) -> dict[int, tuple[int, ...]]:
        """Numbers of the samples of each cluster of at least two, by its number."""
        found: dict[int, list[int]] = {}
        for number, cluster in enumerate(self.clusters):
            found.setdefault(cluster, []).append(number)
        return {cluster: tuple(numbers) for cluster, numbers in found.items() if len(numbers) > 1}

    def among(self, numbers: Sequence[int]) -> Copies:
        """Return what belongs together among some of the samples, by the joins between these alone."""
        items = tuple(self.items[number] for number in numbers)
        known = set(items)
        joins = tuple(join for join in self.joins if join.first in known and join.second in known)
        return Copies(items, _clusters(items, joins), joins)


def default_cache() -> Path:
    """Return the folder in which joins are kept between runs: `bonefrac/copies` in `$XDG_CACHE_HOME` or `~/.cache`."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "bonefrac" / "copies"


def copies(samples: Sequence[Sample], *, cache: Path | None = None) -> Copies:
    """Return which samples show one radiograph.

    Takes about 30 ms a file the first time and 1 ms once the joins of the very same files are kept.

    Args:
        samples: of any split; the same file may occur more than once.
        cache: folder in which joins are kept; None for `default_cache`.

    Raises:
        DatasetError: files that cannot be read, all of them named up to five.
    """
    items = tuple(dataset.item_of(sample.path) for sample in samples)
    files = {item: sample for item, sample in zip(items, samples, strict=True)}
    joins = _kept_joins(files, cache or default_cache())
    return Copies(items, _clusters(items, joins), joins)


def regrouped(samples: Sequence[Sample], found: Copies) -> tuple[Sample, ...]:
    """Return the samples with groups that share a radiograph made one, named by the first of their names."""
    roots = _Forest(sample.group for sample in samples)
    for numbers in found.members.values():
        for number in numbers[1:]:
            roots.join(samples[numbers[0]].group, samples[number].group)
    return tuple(replace(sample, group=roots.root(sample.group)) for sample in samples)


def _clusters(items: Sequence[str], joins: Sequence[Join]) -> tuple[int, ...]:
    """Return, for each item, the number of the first that it is joined with."""
    roots = _Forest(items)
    for join in joins:
        roots.join(join.first, join.second)
    first: dict[str, int] = {}
    return tuple(first.setdefault(roots.root(item), number) for number, item in enumerate(items))


class _Forest:
    """Union-find over names: the root of a tree is its smallest name."""

    def __init__(self, names: Iterator[str] | Sequence[str]) -> None:
        self._above = {name: name for name in names}

    def root(self, name: str) -> str:
        """Return the smallest name of what is joined with a name."""
        while self._above[name] != name:
            self._above[name] = self._above[self._above[name]]
            name = self._above[name]
        return name

    def join(self, first: str, second: str) -> None:
        """Make two trees one."""
        one, other = sorted((self.root(first), self.root(second)))
        self._above[other] = one


def _kept_joins(files: Mapping[str, Sample], cache: Path) -> tuple[Join, ...]:
    """Return the joins among files, from the cache where the very same files were asked before."""
    name = hashlib.sha256(" ".join([str(ALGORITHM), *sorted(files)]).encode()).hexdigest()
    kept = cache / f"{name}.json"
    # A cache that cannot be read or written costs time, never an answer.
    with suppress(OSError, ValueError, TypeError):
        return tuple(Join(**join) for join in json.loads(kept.read_text()))
    joins = tuple(_joins(files))
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps([asdict(join) for join in joins]))
        partial.replace(kept)
    return joins


def _joins(files: Mapping[str, Sample]) -> Iterator[Join]:
    """Yield the joins among files, the likeliest candidates asked first, no pair asked that is joined already."""
    owners, looks = _looks(files)
    if len(looks) < 2:
        return
    roots, failed = _Forest(tuple(files)), Counter[str]()
    found = np.stack([look.fingerprint for look in looks])
    for pair in candidates.candidates(found, _WORTH_A_LOOK):
        first, second = owners[pair.first], owners[pair.second]
        if roots.root(first) == roots.root(second) or min(failed[first], failed[second]) >= _TRIES:
            continue
        join = _asked(first, looks[pair.first], second, looks[pair.second], mirrored=pair.mirrored)
        if join.likeness >= _SAME:
            roots.join(first, second)
            yield join
        else:
            failed.update((first, second))


def _asked(first: str, one: Look, second: str, other: Look, *, mirrored: bool) -> Join:
    """Return two files with how alike they are."""
    _, degrees = candidates.turn(one.fingerprint, other.fingerprint, mirrored=mirrored)
    likeness = alignment.likeness(one.square, other.square, degrees, mirrored=mirrored)
    return Join(first, second, round(likeness, 4), round(degrees, 2), mirrored)


def _looks(files: Mapping[str, Sample]) -> tuple[list[str], list[Look]]:
    """Return the looks of all files and whose each is.

    Raises:
        DatasetError: files that cannot be read.
    """
    owners: list[str] = []
    looks: list[Look] = []
    unreadable: list[str] = []
    for item, sample in sorted(files.items()):
        try:
            found = fingerprints.looks(dataset.grey_levels(sample.path))
        except DatasetError:
            unreadable.append(str(sample.path))
            continue
        owners += [item] * len(found)
        looks += found
    if unreadable:
        more = f" and {len(unreadable) - _NAMED} more" if len(unreadable) > _NAMED else ""
        raise DatasetError(f"Expected pictures. Received: {', '.join(sorted(unreadable)[:_NAMED])}{more}.")
    return owners, looks
