"""From what a folder, table or COCO file says to samples that can be learnt from.

Responsible for classes, groups, sides and readability, whatever form the data set came in; not for that form. A data
set without sides gets them by groups and copies (`training.splits`); a file `splits.csv` beside it holds the sides that
were dealt before, so that they stay when images are added.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Final

from training import dataset, splits
from training.dataset import SPLITS, Box, Dataset, DatasetError, Sample
from training.inspection import copies, regrouped
from training.readers import headers, words
from training.splits import LEAK_CONFLICT, SIDES, Sides
from training.tasks import Task

_NAMED: Final = 5
#: Sides that are dealt out of train where val is missing but test is given.
_WITHOUT_VAL: Final = {"train": 0.85, "val": 0.15}


@dataclass(frozen=True, slots=True)
class Found:
    """One image as a data set describes it.

    Attributes:
        path: its file.
        inside: its path inside the data set, without class and side.
        word: what it is called.
        side: train, val, test; empty where nobody says.
        group: its patient or study; empty where nobody says.
        boxes: of its fractures, in fractions.
        facts: what is known without its pixels.
        sha256: that its file should have; empty where nobody says.
    """

    path: Path
    inside: PurePath
    word: str
    side: str = ""
    group: str = ""
    boxes: tuple[Box, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class _Placed:
    """Samples on sides, what was dealt or left out for that, and the table of it; empty where nothing was dealt."""

    samples: tuple[Sample, ...]
    notes: tuple[str, ...] = ()
    table: bytes = b""


def assembled(
    root: Path, found: Sequence[Found], task: Task, *, may_leak: bool = False, notes: tuple[str, ...] = ()
) -> Dataset:
    """Return the data set of what was found.

    Args:
        root: where the data set lies; `splits.csv` is looked for in it, or beside it where it is a file.
        found: its images.
        task: what is asked of them.
        may_leak: take a group that lies on two sides for what is to be looked at, not for an error.
        notes: what the reader has to say already.

    Raises:
        DatasetError: nothing was found, a name is no class, a class is empty, a file cannot be read or has another
            sha256, or a group crosses sides.
    """
    if not found:
        raise DatasetError(f"Expected JPEG, PNG or DICOM files in {root}. Received: none.")
    _require_known_words(root, found, task)
    samples = _samples(found, task)
    require_every_class(root, samples, task)
    placed = _with_sides(root, samples)
    if not may_leak:
        dataset.refuse_crossing_groups(placed.samples)
    return Dataset(root, placed.samples, _digest(placed.samples), task, notes + placed.notes, placed.table)


def require_every_class(root: Path, samples: Sequence[Sample], task: Task) -> None:
    """Refuse data in which a class of the task is empty: one class alone cannot be told from anything.

    Raises:
        DatasetError: naming how many there are of each.
    """
    counts = Counter(sample.label for sample in samples)
    if missing := [label for label in task.classes if not counts[label]]:
        received = ", ".join(f"{counts[label]} {label}" for label in task.classes)
        raise DatasetError(
            f"Expected images of every class of {task.name} in {root}. Missing: {', '.join(missing)}. "
            f"Received: {received}."
        )


def _require_known_words(root: Path, found: Sequence[Found], task: Task) -> None:
    counts = Counter(one.word for one in found)
    unknown = [f"{word!r} ({count})" for word, count in sorted(counts.items()) if words.label_of(word, task) is None]
    if unknown:
        more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        raise DatasetError(
            f"Expected names of the classes {', '.join(task.classes)} of {task.name} in {root}. "
            f"Received: {', '.join(unknown[:_NAMED])}{more}."
        )


def _samples(found: Sequence[Found], task: Task) -> tuple[Sample, ...]:
    """Return a sample for each image; refuse files that cannot be read, all at once."""
    samples, unreadable = [], []
    for one in found:
        try:
            dataset.require_digest(one.path, one.sha256)
            header = headers.read(one.path)
        except headers.Unreadable as error:
            unreadable.append(str(error))
            continue
        label = words.label_of(one.word, task) or ""
        group = one.group or header.patient or words.patient_of(one.inside) or _stem(one, label)
        samples.append(Sample(one.path, label, group, one.side, one.boxes, {**header.facts, **one.facts}))
    if unreadable:
        more = f" and {len(unreadable) - _NAMED} more" if len(unreadable) > _NAMED else ""
        raise DatasetError(f"Expected JPEG, PNG or DICOM pictures. Received: {', '.join(unreadable[:_NAMED])}{more}.")
    return tuple(samples)


def _stem(one: Found, label: str) -> str:
    """Return the group of an image of which only the name is known.

    The same number in two classes, or on two sides that somebody dealt, is as a rule two radiographs; where it is one,
    its pixels tell (`training.inspection`).
    """
    return "/".join(part for part in (one.side, label, words.stem_of(one.inside)) if part)


def _with_sides(root: Path, samples: tuple[Sample, ...]) -> _Placed:
    """Return the samples on sides: those that are given, or dealt where there are none."""
    given = {sample.split for sample in samples}
    if "" in given and given != {""}:
        count = sum(not sample.split for sample in samples)
        raise DatasetError(
            f"Expected a side of {', '.join(SPLITS)} for all images of {root} or for none of them. "
            f"Received: none for {count} of {len(samples)}."
        )
    if given == {"train", "test"}:
        learnt = [number for number, sample in enumerate(samples) if sample.split == "train"]
        dealt = _dealt(root, samples, learnt, _WITHOUT_VAL)
        return replace(dealt, samples=dealt.samples + tuple(sample for sample in samples if sample.split == "test"))
    return _dealt(root, samples, range(len(samples)), splits.FRACTIONS) if given == {""} else _Placed(samples)


def _dealt(root: Path, everything: Sequence[Sample], chosen: Sequence[int], fractions: Mapping[str, float]) -> _Placed:
    """Return the chosen samples dealt to sides by groups and copies, those left out that would join two."""
    table = (root if root.is_dir() else root.parent) / SIDES
    previous = Sides.decoded(table.read_bytes(), str(table)) if table.is_file() else None
    # asked of everything, since whoever looks for leaks afterwards asks the same and finds it kept
    samples, found = [everything[number] for number in chosen], copies(everything).among(chosen)
    sides = splits.split(samples, found, fractions=fractions, previous=previous)
    names = [sides.items[item].name for item in found.items]
    kept = [number for number, name in enumerate(names) if name != LEAK_CONFLICT]
    placed = tuple(replace(samples[number], split=names[number]) for number in kept)
    return _Placed(
        regrouped(placed, found.among(kept)),
        _notes(fractions, table if previous else None, len(samples) - len(kept)),
        sides.encoded(),
    )


def _notes(fractions: Mapping[str, float], table: Path | None, left: int) -> tuple[str, ...]:
    """Return what was dealt, from which table on, and what was left out."""
    shares = ", ".join(f"{share:.0%} {side}" for side, share in fractions.items())
    dealt = f"Dealt by groups and copies: {shares}{f', sides of {table} kept' if table else ''}."
    return (dealt, f"Left out: {left} images that would join two sides.") if left else (dealt,)


def _digest(samples: Sequence[Sample]) -> str:
    """Return the SHA-256 of all that teaches: files, labels, groups, sides and boxes, in any order."""
    lines = (
        json.dumps([dataset.item_of(sample.path), sample.label, sample.group, sample.split, sample.boxes])
        for sample in samples
    )
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
