"""What people call classes, sides, columns and patients in data sets that this project did not write.

Responsible for words; not for files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from types import MappingProxyType
from typing import Final

from training.tasks import FRACTURE, FRACTURE_TYPE, Task

_FRACTURE_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(("fractured", "fracture", "fractures", "broken", "positive", "true", "yes", "1"), "fractured")
    | dict.fromkeys(
        (
            "not fractured", "non fractured", "nonfractured", "unfractured", "no fracture", "non fracture",
            "without fracture", "not broken", "normal", "healthy", "negative", "false", "no", "0",
        ),
        "not_fractured",
    )
)  # fmt: skip
_SIDES: Final[Mapping[str, str]] = MappingProxyType(
    dict.fromkeys(("train", "training"), "train")
    | dict.fromkeys(("val", "valid", "validation"), "val")
    | dict.fromkeys(("test", "testing"), "test")
)
#: Columns that name a file, a group and a side, by the first of them that a table has.
FILES: Final = ("file", "filename", "file_name", "path", "image", "image_path", "image_id")
GROUPS: Final = ("group", "patient", "patient_id", "patientid", "subject", "subject_id", "study_id")
SPLITS: Final = ("split", "side", "set", "subset")

_PATIENT: Final = re.compile(r"(?:patient|subject|person|pat|subj|pid)[ _-]?0*(\d+)", re.IGNORECASE)
#: What tools append to the name of a file that they copy, turn or change.
_COPY: Final = re.compile(
    r"(?:[ _.-]*(?:\(\d+\)|copy|rotat(?:ed|ion)[ _-]?\d*|rot[ _-]?\d+|aug(?:mented)?[ _-]?\d*|[hv]?flip(?:ped)?|"
    r"mirror(?:ed)?|crop(?:ped)?[ _-]?\d*|rf\.[0-9a-f]{8,}))+$",
    re.IGNORECASE,
)


def label_of(word: str, task: Task) -> str | None:
    """Return the class of a task that a word means; None where it means none of them."""
    plain = _plain(word)
    if task.name == FRACTURE.name:
        return _FRACTURE_WORDS.get(plain)
    if task.name == FRACTURE_TYPE.name:
        plain = plain.removesuffix(" fracture").removesuffix(" fractures")
    singular = plain.removesuffix("s")
    return next((label for label in task.classes if label in (plain, singular)), None)


def side_of(word: str) -> str | None:
    """Return train, val or test for what a folder or cell says; None for anything else."""
    return _SIDES.get(_plain(word))


def column_of(names: Sequence[str], columns: Sequence[str]) -> str | None:
    """Return the first of some names among a table's columns, in the table's own spelling."""
    spelt = {column.strip().casefold(): column for column in columns}
    return next((spelt[name] for name in names if name in spelt), None)


def patient_of(inside: PurePath) -> str | None:
    """Return the key of a patient in a path inside a data set (`patient00011/study1/image1.png`); None without one."""
    for part in inside.parts:
        if found := _PATIENT.search(part):
            return f"patient {found[1]}"
    return None


def stem_of(inside: PurePath) -> str:
    """Return the path without its suffix and without what tools append to copies.

    `12-rotated1 - Copy (2).png` belongs to `12.png`. The folder stays: `a/1.png` and `b/1.png` are two radiographs.
    """
    stem = inside.name.removesuffix(inside.suffix)
    return (inside.parent / (_COPY.sub("", stem) or stem)).as_posix()


def _plain(word: str) -> str:
    """Return a word in small letters, with one blank for anything else."""
    return re.sub(r"[^a-z0-9]+", " ", word.casefold()).strip()
