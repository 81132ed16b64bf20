"""Datasets that the platform exported: every file checked against its checksum, signed labels read as samples.

Responsible for the ZIP of an export and for the folder that it unpacks to; not for how labels come about
(`studies.datasets`). A ZIP is read in place and never unpacked, so no name in it can reach outside. Only an image's own
label teaches: an image that is unlocated, that does not show its study's fracture or that could not be assessed is left
out and counted, never taken for a negative one.

    images/<image>.png  labels.csv  coco.json  dataset.json  SHA256SUMS
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from training import dataset
from training.dataset import SPLITS, Box, Dataset, DatasetError, OnDisk, Sample

SUMS: Final = "SHA256SUMS"
TABLES: Final = ("labels.csv", "coco.json", "dataset.json")
#: Bytes of one file at most: a file is bigger than any radiograph or table long before it fills the memory.
MOST_BYTES: Final = 1_000_000_000
_LABELS: Final = MappingProxyType({"fracture": "fractured", "no_fracture": "not_fractured"})
_NO_LABELS: Final = ("unlocated", "not_visible_here", "not_assessable")
_NEEDED: Final = (
    "image_label", "boxes", "group", "split", "file_name", "rows", "columns", "body_part", "view",
)  # fmt: skip
_PICTURE: Final = re.compile(r"images/[A-Za-z0-9_-]+\.png")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
#: DICOM's View Position in the words of a manifest.
_VIEWS: Final = MappingProxyType(
    {
        "AP": "frontal", "PA": "frontal", "LL": "lateral", "RL": "lateral", "LAT": "lateral",
        "LLO": "oblique", "RLO": "oblique", "OBL": "oblique",
    }
)  # fmt: skip
_UNREADABLE: Final = (OSError, EOFError, NotImplementedError, csv.Error, zipfile.BadZipFile, zlib.error, ValueError)

Members = Mapping[str, OnDisk]


@dataclass(frozen=True, slots=True)
class Export:
    """A verified export.

    Attributes:
        name: of the dataset, as its administrator called it.
        data: the samples that teach; its digest is the dataset's own, from its freezing.
        left_out: how many images have which label that does not teach.
    """

    name: str
    data: Dataset
    left_out: Mapping[str, int]

    @property
    def sentence(self) -> str:
        """What was read and what was left out, for people."""
        taken = Counter((sample.split, sample.fractured) for sample in self.data.samples)
        sides = ", ".join(f"{side} {taken[side, True]} fracture + {taken[side, False]} no_fracture" for side in SPLITS)
        left = ", ".join(f"{count} {label}" for label, count in self.left_out.items() if count) or "none"
        return f"Read the dataset {self.name!r}, digest {self.data.digest}: {sides}. Images left out: {left}."


def is_export(path: Path) -> bool:
    """Whether a path is to be read as an export: a file but a table, or a folder with one of an export's own tables."""
    if path.is_file():
        return path.suffix.lower() not in (".csv", ".json")
    return any((path / name).exists() for name in ("labels.csv", "dataset.json"))


@contextmanager
def opened(path: Path) -> Iterator[Export]:
    """Give out an export, as long as its pictures are wanted; nothing is written.

    Args:
        path: the ZIP, or the folder that it unpacks to.

    Raises:
        DatasetError: a file is missing, changed, extra, a link or too large; a label, split, box or shape is not what
            it should be; the export holds a part of its dataset only; or one of the two labels is missing.
    """
    with ExitStack() as stack:
        try:
            if path.is_file():
                members = _in_archive(path, stack.enter_context(zipfile.ZipFile(path)))
            else:
                members = _in_folder(path)
            _verify(path, members)
            export = _read(path, members)
        except DatasetError:
            raise
        except _UNREADABLE as error:
            raise DatasetError(f"Expected an export that can be read. Received: {path} ({error}).") from error
        yield export


def _in_folder(root: Path) -> dict[str, OnDisk]:
    """Return the files of a folder by their names in the export."""
    found: dict[str, OnDisk] = {}
    for entry in sorted(root.rglob("*")):
        name, facts = entry.relative_to(root).as_posix(), entry.lstat()
        if name == "images" and stat.S_ISDIR(facts.st_mode):
            continue
        _require_plain(root, name, is_plain=stat.S_ISREG(facts.st_mode), size=facts.st_size)
        found[name] = entry
    return found


def _in_archive(path: Path, archive: zipfile.ZipFile) -> dict[str, OnDisk]:
    """Return the members of a ZIP by their names in the export."""
    found: dict[str, OnDisk] = {}
    for member in archive.infolist():
        name, kind = member.orig_filename, stat.S_IFMT(member.external_attr >> 16)
        if name == "images/" and kind in (0, stat.S_IFDIR):
            continue
        is_encrypted = bool(member.flag_bits & 1)
        is_plain = kind in (0, stat.S_IFREG) and not is_encrypted and name not in found
        _require_plain(path, name, is_plain=is_plain, size=member.file_size)
        found[name] = zipfile.Path(archive, name)
    return found


def _require_plain(root: Path, name: str, *, is_plain: bool, size: int) -> None:
    """Refuse what no export holds: foreign names, links, folders, members twice or encrypted, sizes beyond reason."""
    if name not in (*TABLES, SUMS) and not _PICTURE.fullmatch(name):
        raise DatasetError(f"Expected only pictures and tables of an export in {root}. Received: {name!r}, an extra.")
    if not is_plain:
        raise DatasetError(f"Expected a plain file {name} once in {root}. Received: a link or another kind of entry.")
    if size > MOST_BYTES:
        raise DatasetError(f"Expected at most {MOST_BYTES} bytes in {name} of {root}. Received: {size}.")


def _verify(root: Path, members: Members) -> None:
    """Refuse an export whose files are not those that its checksums name, and all of them."""
    if SUMS not in members:
        raise DatasetError(f"Expected a file {SUMS} in the export {root}. Received: none.")
    sums = _sums(root, members[SUMS])
    for name in sorted({*members, *TABLES} - {*sums, SUMS}):
        raise DatasetError(f"Expected {name} of {root} to be named in {SUMS}. Received: no checksum, an extra file.")
    for name, expected in sorted(sums.items()):
        received = _digest_of(members[name]) if name in members else "no file"
        if received != expected:
            raise DatasetError(f"Expected {name} of {root} with sha256 {expected}. Received: {received}.")


def _sums(root: Path, file: OnDisk) -> dict[str, str]:
    """Return digests by file name."""
    pairs = [line.split("  ", 1) for line in file.read_text(encoding="utf-8").splitlines()]
    if not pairs or any(len(pair) != 2 or not _DIGEST.fullmatch(pair[0]) for pair in pairs):
        raise DatasetError(f"Expected lines of sha256, two blanks and name in {SUMS} of {root}. Received: other lines.")
    return {pair[1]: pair[0] for pair in pairs}


def _digest_of(file: OnDisk) -> str:
    total = hashlib.sha256()
    with file.open("rb") as content:
        while piece := content.read(1 << 20):
            total.update(piece)
    return total.hexdigest()


def _read(root: Path, members: Members) -> Export:
    """Return what a verified export holds."""
    name, digest, images = _about(root, members["dataset.json"])
    rows = dataset.rows(members["labels.csv"], _NEEDED)
    if len(rows) != images:
        raise DatasetError(
            f"Expected all {images} images of the dataset {name!r} in {root}. Received: {len(rows)}; to train, export "
            "the whole dataset, since its digest is recorded and the corrected images alone are no fair sample."
        )
    _require_one_row_each(root, rows, members)
    left_out = _left_out(rows)
    samples = tuple(_sample(root, row, members) for row in rows if row["image_label"] not in _NO_LABELS)
    dataset.refuse_crossing_groups(samples)
    _require_both_labels(root, samples, left_out)
    return Export(name, Dataset(root, samples, digest), left_out)


def _about(root: Path, file: OnDisk) -> tuple[str, str, int]:
    """Return the dataset's name, digest and number of images."""
    about = json.loads(file.read_text(encoding="utf-8"))
    try:
        name, digest, images = str(about["name"]), str(about["digest"]), int(about["counts"]["images"])
    except (KeyError, TypeError) as error:
        raise DatasetError(f"Expected name, digest and counts in dataset.json of {root}. Received: {error}.") from error
    if not _DIGEST.fullmatch(digest):
        raise DatasetError(f"Expected a sha256 as digest in dataset.json of {root}. Received: {digest[:80]!r}.")
    return name, digest, images


def _require_one_row_each(root: Path, rows: Sequence[Mapping[str, str]], members: Members) -> None:
    """Refuse a picture without a row, with two of them, or a row without its picture."""
    named = Counter(row["file_name"] for row in rows)
    pictures = Counter(name for name in members if _PICTURE.fullmatch(name))
    if named != pictures:
        name = min((named - pictures) + (pictures - named))
        raise DatasetError(
            f"Expected one row of labels.csv and one picture {name} in {root}. "
            f"Received: rows {named[name]}, pictures {pictures[name]}."
        )


def _left_out(rows: Sequence[Mapping[str, str]]) -> dict[str, int]:
    """Return how many images have which label that says nothing of the image itself."""
    counted = Counter(row["image_label"] for row in rows)
    return {label: counted[label] for label in _NO_LABELS}


def _sample(root: Path, row: Mapping[str, str], members: Members) -> Sample:
    """Return the sample of one row with an image's own label."""
    name, label = row["file_name"], row["image_label"]
    if label not in _LABELS or row["split"] not in SPLITS or not row["group"]:
        raise DatasetError(
            f"Expected a known image_label, a split of {', '.join(SPLITS)} and a group for {name} in {root}. "
            f"Received: {label!r}, {row['split']!r} and {row['group']!r}."
        )
    picture = members[name]
    shape = dataset.shape_of(picture)
    if [str(length) for length in shape] != [row["rows"], row["columns"]]:
        raise DatasetError(
            f"Expected {row['rows']} rows and {row['columns']} columns in {name} of {root}. "
            f"Received: {shape[0]} and {shape[1]}."
        )
    # A reader who was overruled may have drawn a box on an image that is labelled without a fracture.
    boxes = _fractions(root, row, shape) if _LABELS[label] else ()
    return Sample(picture, _LABELS[label], row["group"], row["split"], boxes, _facts(row))


def _facts(row: Mapping[str, str]) -> dict[str, str]:
    """Return what is known of an image without its pixels, in a manifest's words."""
    facts = {"orig_width": row["columns"], "orig_height": row["rows"]}
    if row["body_part"] not in ("", "unknown"):
        facts["region"] = row["body_part"]
    if row["view"] in _VIEWS:
        facts[_VIEWS[row["view"]]] = "1"
    return facts


def _fractions(root: Path, row: Mapping[str, str], shape: tuple[int, int]) -> tuple[Box, ...]:
    """Return the boxes of a row, from left, top, width and height in px to fractions of the radiograph."""
    try:
        return tuple(_fraction(box, shape) for box in json.loads(row["boxes"]))
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f"Expected boxes with x, y, width and height inside {row['file_name']} of {root}. "
            f"Received: {row['boxes'][:120]!r}."
        ) from error


def _fraction(box: Mapping[str, Any], shape: tuple[int, int]) -> Box:
    """Return x0, y0, x1, y1 of one box; raise ``ValueError`` where it is empty or lies outside."""
    x, y, width, height = (float(box[key]) for key in ("x", "y", "width", "height"))
    x0, y0, x1, y1 = x / shape[1], y / shape[0], (x + width) / shape[1], (y + height) / shape[0]
    room = 1e-6  # the sum of two rounded numbers
    if not (
        all(map(math.isfinite, (x0, y0, x1, y1))) and -room <= x0 < x1 <= 1 + room and -room <= y0 < y1 <= 1 + room
    ):
        raise ValueError("a box outside")
    return max(x0, 0.0), max(y0, 0.0), min(x1, 1.0), min(y1, 1.0)


def _require_both_labels(root: Path, samples: Sequence[Sample], left_out: Mapping[str, int]) -> None:
    """Refuse an export from which nothing can be told apart."""
    fractured = sum(sample.fractured for sample in samples)
    if not 0 < fractured < len(samples):
        raise DatasetError(
            f"Expected images labelled fracture and images labelled no_fracture in {root}. Received: {fractured} and "
            f"{len(samples) - fractured}, and {sum(left_out.values())} whose label says nothing of the image itself."
        )
