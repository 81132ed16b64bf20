"""Data sets on disk: which image, with which label, group, side of the split and boxes.

Responsible for samples, for reading manifests and for the renditions of a data set; not for augmentation, for making
splits, or for other forms that a data set comes in (`training.readers`). A folder
has `manifest.csv` (columns `file`, `label`, `group`, `split`; optional `region`, `sha256`, `hardware`, `multiscan`,
`frontal`, `lateral`, `oblique`, `orig_width`, `orig_height`) and `boxes.csv` (`image_id`, `x_center`, `y_center`,
`width`, `height` as fractions), which is FracAtlas and what `synth` writes.
"""

from __future__ import annotations

import csv
import hashlib
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.frames import FrameError, decode_dicom, kind_of, open_dicom
from training.frames.sniffing import HEAD_BYTES
from training.preprocessing import Preprocessing
from training.tasks import FRACTURE, Task

#: A fracture box in fractions of the radiograph: x0, y0, x1, y1.
Box = tuple[float, float, float, float]
#: A file in a folder or, unpacked only as it is read, in a ZIP.
OnDisk = Path | zipfile.Path
SPLITS: Final = ("train", "val", "test")
_NO_PICTURE: Final = (OSError, FrameError, SyntaxError, ValueError, Image.DecompressionBombError)
_FACTS: Final = ("region", "hardware", "multiscan", "frontal", "lateral", "oblique", "orig_width", "orig_height")


class DatasetError(ValueError):
    """The folder is no data set that can be trained on; the message says what was expected and received."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled radiograph.

    Attributes:
        path: its file.
        label: one of the task's classes.
        group: patient or cluster of near duplicates; never crosses a split.
        split: `train`, `val`, `test`, or empty where the data set has no split.
        boxes: of its fractures.
        facts: what is known without its pixels.
    """

    path: OnDisk
    label: str
    group: str
    split: str
    boxes: tuple[Box, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def fractured(self) -> bool:
        """Whether the label of the task `fracture` says so."""
        return self.label == "fractured"

    @property
    def region(self) -> str:
        """Body region, parts joined with `+`; `unknown` where the manifest has none."""
        return self.facts.get("region") or "unknown"


@dataclass(frozen=True, slots=True)
class Dataset:
    """The samples of one data set.

    Attributes:
        root: where it lies.
        samples: in the order of its manifest.
        digest: of all that was read.
        task: what is asked of them.
        notes: sentences for whoever reads it, of what was left out or dealt.
        dealt: the table of sides (`training.splits.Sides`) where they were dealt on reading; else empty.
    """

    root: Path
    samples: tuple[Sample, ...]
    digest: str
    task: Task = FRACTURE
    notes: tuple[str, ...] = ()
    dealt: bytes = b""

    def split(self, name: str) -> tuple[Sample, ...]:
        """Return the samples of one side.

        Raises:
            DatasetError: the side is empty or lacks one of the task's classes.
        """
        chosen = tuple(sample for sample in self.samples if sample.split == name)
        counts = Counter(sample.label for sample in chosen)
        missing = [label for label in self.task.classes if not counts[label]]
        if missing:
            received = ", ".join(f"{counts[label]} {label}" for label in self.task.classes)
            raise DatasetError(
                f"Expected every class of {self.task.name} in the split {name!r} of {self.root}. Received: {received}."
            )
        return chosen


def read(root: Path, task: Task = FRACTURE, *, may_leak: bool = False) -> Dataset:
    """Return the data set in a folder, its labels being those of a task.

    A radiograph of several parts (`hand+leg`) has no single body part and is left out of that task; so is one whose
    part or type nobody named, and one that is on no side of the split.

    Args:
        root: folder with manifest.csv.
        task: what is asked.
        may_leak: take a group that lies on two sides for what is to be looked at, not for an error.

    Raises:
        DatasetError: no manifest, a column or file is missing, a file's sha256 is not the manifest's, a label is
            unknown, or a group crosses splits.
    """
    manifest = root / "manifest.csv"
    if not manifest.is_file():
        raise DatasetError(f"Expected a file manifest.csv in the data set. Received: {root}.")
    boxes = _boxes(root / "boxes.csv")
    given = rows(manifest, ("file", "group", "split", task.column))
    taken = [row for row in given if row["split"] in SPLITS and _is_answered(row[task.column], task)]
    samples = tuple(_sample(root, row, boxes, task) for row in taken)
    if not may_leak:
        refuse_crossing_groups(samples)
    digest = hashlib.sha256(manifest.read_bytes())
    if (root / "boxes.csv").is_file():
        digest.update((root / "boxes.csv").read_bytes())
    left = len(given) - len(taken)
    notes = (f"Left out: {left} of {len(given)} images, on no side of the split or without one {task.column}.",)
    return Dataset(root, samples, digest.hexdigest(), task, notes if left else ())


def _is_answered(label: str, task: Task) -> bool:
    """Whether a cell answers the task's question; only of a fracture it always has to."""
    return task is FRACTURE or (label != "" and "+" not in label)


def grey_levels(path: OnDisk) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return the grey levels of a JPEG, PNG or DICOM file, (rows, columns), larger is brighter, 16 bits kept.

    Raises:
        DatasetError: the file is missing or no picture.
    """
    try:
        if is_dicom(path):
            return decode_dicom(open_dicom(path.read_bytes())).grey()
        with path.open("rb") as file, Image.open(file) as image:
            if image.mode in ("I;16", "I;16B", "I"):
                return np.asarray(image).astype(np.uint16)
            return np.asarray(image.convert("L"))
    except _NO_PICTURE as error:
        raise DatasetError(f"Expected a picture. Received: {path} ({error}).") from error


def is_dicom(path: OnDisk) -> bool:
    """Whether a file begins like a DICOM data set."""
    with path.open("rb") as file:
        return kind_of(file.read(HEAD_BYTES)) == "dicom"


def renditions(samples: Sequence[Sample], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Return (samples, size, size) uint8, each image as a model of this preprocessing reads it."""
    squares = np.empty((len(samples), preprocessing.size, preprocessing.size), np.uint8)
    for index, sample in enumerate(samples):
        squares[index] = preprocessing.rendition(grey_levels(sample.path))
    return squares


def labels(samples: Sequence[Sample]) -> NDArray[np.float32]:
    """Return (samples,) float32: 1 fractured, 0 not."""
    return np.array([sample.fractured for sample in samples], np.float32)


def targets(samples: Sequence[Sample], task: Task) -> NDArray[np.int64]:
    """Return (samples,) int64: the place of each label among the task's classes."""
    return np.array([task.classes.index(sample.label) for sample in samples], np.int64)


def item_of(path: OnDisk) -> str:
    """Return the SHA-256 (hex) of a file, by which an image is named wherever its path must not be.

    Raises:
        DatasetError: the file cannot be read.
    """
    total = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                total.update(piece)
    except OSError as error:
        raise DatasetError(f"Expected a file. Received: {path} ({error}).") from error
    return total.hexdigest()


def shape_of(path: OnDisk) -> tuple[int, int]:
    """Return rows and columns of a picture without decoding it.

    Raises:
        DatasetError: the file is missing or no picture.
    """
    try:
        if is_dicom(path):
            header = open_dicom(path.read_bytes())
            return int(header.get("Rows") or 0), int(header.get("Columns") or 0)
        with path.open("rb") as file, Image.open(file) as image:
            return image.height, image.width
    except _NO_PICTURE as error:
        raise DatasetError(f"Expected a picture. Received: {path} ({error}).") from error


def rows(path: OnDisk, needed: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a CSV file that has the needed columns; a cell that a short row lacks is empty.

    Raises:
        DatasetError: a column is missing.
    """
    with path.open("r", newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file, restval="")
        missing = [name for name in needed if name not in (reader.fieldnames or ())]
        if missing:
            raise DatasetError(f"Expected the columns {', '.join(needed)} in {path}. Missing: {', '.join(missing)}.")
        return list(reader)


def _boxes(path: Path) -> dict[str, list[Box]]:
    """Return the boxes of each image by its file name; none where there is no such file."""
    found: dict[str, list[Box]] = {}
    if not path.is_file():
        return found
    for row in rows(path, ("image_id", "x_center", "y_center", "width", "height")):
        x, y, width, height = (float(row[key]) for key in ("x_center", "y_center", "width", "height"))
        box = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        found.setdefault(row["image_id"], []).append(box)
    return found


def _sample(root: Path, row: dict[str, str], boxes: dict[str, list[Box]], task: Task) -> Sample:
    """Return the sample of one row of a manifest."""
    label = row[task.column]
    if label not in task.classes:
        raise DatasetError(f"Expected a label of {', '.join(task.classes)}. Received: {label!r} ({row['file']}).")
    path = root / row["file"]
    if not path.is_file():
        raise DatasetError(f"Expected the file that the manifest names. Missing: {path}.")
    require_digest(path, row.get("sha256", ""))
    facts = {name: row[name] for name in _FACTS if row.get(name)}
    return Sample(path, label, row["group"], row["split"], tuple(boxes.get(path.name, ())), facts)


def require_digest(path: OnDisk, expected: str) -> None:
    """Refuse a file that is not the one that a manifest names; a manifest without digests names none.

    Raises:
        DatasetError: naming the file, the digest expected and the one received.
    """
    if expected and (received := item_of(path)) != expected.lower():
        raise DatasetError(f"Expected {path} with sha256 {expected}, as its manifest says. Received: {received}.")


def refuse_crossing_groups(samples: Sequence[Sample]) -> None:
    """Refuse a group (a patient) that lies on two sides of the split: its score would be memory.

    Raises:
        DatasetError: naming the group.
    """
    sides: dict[str, str] = {}
    for sample in samples:
        if sides.setdefault(sample.group, sample.split) != sample.split:
            raise DatasetError(f"Expected each group on one side of the split. Received on two: {sample.group}.")
