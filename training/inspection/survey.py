"""All that is to be known of a data set before anything is learnt from it.

Responsible for counting and for bringing together copies, conflicts, leaks and shortcuts; not for showing them
(`training.inspection.page`). The keys of `to_dict` are stable:

    name, task, digest, notes, images, groups
    counts        {side: {class: images}}
    regions       {region: {class: images}}
    sizes         {smallest, median, largest: [width, height]; distinct}
    copies        {files: copies of a file, byte for byte; radiographs: with more than one file; largest}
    conflicts     [[[path, label], ...] for each radiograph with two labels]
    shortcuts     [[kind, AUROC], ...]
    leak          {status, sentence, pairs: [[measured, learnt, kind], ...]}
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training import dataset
from training.dataset import SPLITS, Dataset, Sample
from training.inspection.copies import Copies, copies
from training.inspection.leaks import Leaks, leaks_of
from training.inspection.shortcuts import Shortcut, shortcuts


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found in a data set.

    Attributes:
        data: itself.
        sizes: width and height of each image, px.
        found: its copies.
        leaks: across its sides.
        shortcuts: what metadata alone predicts.
    """

    data: Dataset
    sizes: tuple[tuple[int, int], ...]
    found: Copies
    leaks: Leaks
    shortcuts: tuple[Shortcut, ...]

    @property
    def counts(self) -> dict[str, Counter[str]]:
        """Images of each class on each side."""
        return _counted(self.data.samples, lambda sample: sample.split, SPLITS)

    @property
    def regions(self) -> dict[str, Counter[str]]:
        """Images of each class in each region."""
        return _counted(self.data.samples, lambda sample: sample.region, ())

    @property
    def conflicts(self) -> tuple[tuple[Sample, ...], ...]:
        """Radiographs that carry more than one label: the images of each."""
        together = (tuple(self.data.samples[number] for number in numbers) for numbers in self.found.members.values())
        return tuple(images for images in together if len({sample.label for sample in images}) > 1)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was found, for people."""
        counts = "; ".join(f"{side} " + _balance(found) for side, found in self.counts.items() if found.total())
        groups, copied = len({sample.group for sample in self.data.samples}), self._copies()
        return (
            *self.data.notes,
            f"{len(self.data.samples)} images in {groups} groups: {counts}.",
            f"{copied['radiographs']} radiographs have more than one image (the most: {copied['largest']}); "
            f"{copied['files']} files are copies byte for byte.",
            f"{len(self.conflicts)} radiographs carry two labels.",
            _shortcut_sentence(self.shortcuts),
            self.leaks.sentence,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        root, samples = self.data.root, self.data.samples
        ordered = sorted(self.sizes, key=lambda size: size[0] * size[1])
        return {
            "name": root.name,
            "task": self.data.task.name,
            "digest": self.data.digest,
            "notes": list(self.data.notes),
            "images": len(samples),
            "groups": len({sample.group for sample in samples}),
            "counts": {side: dict(found) for side, found in self.counts.items()},
            "regions": {region: dict(found) for region, found in self.regions.items()},
            "sizes": {
                "smallest": list(ordered[0]),
                "median": list(ordered[len(ordered) // 2]),
                "largest": list(ordered[-1]),
                "distinct": len(set(ordered)),
            },
            "copies": self._copies(),
            "conflicts": [[[name_of(root, one), one.label] for one in images] for images in self.conflicts],
            "shortcuts": [[shortcut.name, shortcut.auroc] for shortcut in self.shortcuts],
            "leak": {
                "status": self.leaks.status,
                "sentence": self.leaks.sentence,
                "pairs": [
                    [name_of(root, leak.measured), name_of(root, leak.learnt), leak.kind] for leak in self.leaks.pairs
                ],
            },
        }

    def _copies(self) -> dict[str, int]:
        members = self.found.members.values()
        return {
            "files": len(self.found.items) - len(set(self.found.items)),
            "radiographs": len(members),
            "largest": max((len(numbers) for numbers in members), default=1),
        }


def survey(data: Dataset, *, cache: Path | None = None) -> Survey:
    """Return what is to be known of a data set.

    Raises:
        DatasetError: a file cannot be read.
    """
    found = copies(data.samples, cache=cache)
    shapes = (dataset.shape_of(sample.path) for sample in data.samples)
    sizes = tuple((columns, rows) for rows, columns in shapes)
    return Survey(data, sizes, found, leaks_of(data.samples, found), shortcuts(data.samples, data.task))


def name_of(root: Path, sample: Sample) -> str:
    """Return a sample's path inside its data set; outside of one (a ZIP), its file's name."""
    path = sample.path
    base = root if root.is_dir() else root.parent
    return path.relative_to(base).as_posix() if isinstance(path, Path) and path.is_relative_to(base) else path.name


def _counted(samples: Sequence[Sample], key: Any, first: Sequence[str]) -> dict[str, Counter[str]]:
    counted: dict[str, Counter[str]] = {name: Counter() for name in first}
    for sample in samples:
        counted.setdefault(key(sample), Counter())[sample.label] += 1
    return counted


def _balance(found: Counter[str]) -> str:
    return ", ".join(f"{count} {label} ({count / found.total():.0%})" for label, count in sorted(found.items()))


def _shortcut_sentence(found: Sequence[Shortcut]) -> str:
    if not found:
        return "What metadata alone predict was not measured: nothing varies, or there are too few groups."
    told = ", ".join(f"{shortcut.name} {shortcut.auroc:.2f}" for shortcut in found)
    return f"AUROC without any pixel: {told}."
