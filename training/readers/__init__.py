"""Data in, whatever form it comes in: one entry for every command.

Responsible for telling the form by what lies there; each form has its module. Understood are

    a folder with manifest.csv (`training.dataset`)      what `synth` and FracAtlas are
    an export of the platform: its ZIP or folder         `training.exported`
    a folder of folders, with train/val/test or without  `training.readers.folders`
    a .csv file                                          `training.readers.tables`
    a COCO .json file, or a folder with one              `training.readers.coco`

of JPEG, PNG and DICOM pictures. Nothing is written beside the data.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from training import dataset, exported
from training.dataset import Dataset, DatasetError
from training.readers import coco, folders, tables
from training.readers.assembly import Found, assembled, require_every_class
from training.tasks import BODY_PART, FRACTURE, Task

#: What DATA may be, for the help of a command.
FORMS: Final = (
    "a folder with manifest.csv, a folder for each class (in train, val, test or not), a .csv with file and label, "
    "a COCO .json, or an export of the platform (ZIP or folder)"
)

__all__ = ["FORMS", "opened"]


@contextmanager
def opened(
    path: Path, task: Task = FRACTURE, *, label_column: str | None = None, may_leak: bool = False
) -> Iterator[Dataset]:
    """Give out a data set, whatever its form, as long as its pictures are wanted.

    Args:
        path: of the folder or file.
        task: what is asked of its images.
        label_column: of a .csv, where the label does not stand in a column of a usual name.
        may_leak: take a group that lies on two sides for what is to be looked at, not for an error.

    Raises:
        DatasetError: there is nothing that can be learnt from; the sentence names the file, what was expected and what
            was received.
    """
    if not path.exists():
        raise DatasetError(f"Expected {FORMS}. Received: {path}, which is not there.")
    if label_column is not None and path.suffix.lower() != ".csv":
        raise DatasetError(f"Expected a column for labels only with a .csv. Received: {label_column!r} for {path}.")
    if exported.is_export(path):
        with exported.opened(path) as export:
            yield _asked(replace(export.data, notes=(export.sentence,)), task)
        return
    data = _read(path, task, label_column, may_leak=may_leak)
    require_every_class(path, data.samples, task)
    yield data


def _read(path: Path, task: Task, label_column: str | None, *, may_leak: bool) -> Dataset:
    """Return the data set of anything but an export."""
    if (path / "manifest.csv").is_file():
        return dataset.read(path, task, may_leak=may_leak)
    found, notes = _found(path, task, label_column)
    return assembled(path, found, task, may_leak=may_leak, notes=notes)


def _found(path: Path, task: Task, label_column: str | None) -> tuple[list[Found], tuple[str, ...]]:
    """Return the images of a table, of COCO files or of folders."""
    if path.suffix.lower() == ".csv":
        return tables.found_in(path, task, label_column)
    files = coco.files_of(path) if path.is_dir() else {path: ""}
    if not files:
        return folders.found_in(path), ()
    read = [coco.found_in(file, task, side) for file, side in files.items()]
    return [one for found, _ in read for one in found], tuple(note for _, notes in read for note in notes)


def _asked(data: Dataset, task: Task) -> Dataset:
    """Return an export with the labels of a task: it has fractures and body parts."""
    if task is FRACTURE:
        return data
    if task is not BODY_PART:
        raise DatasetError(
            f"Expected the task {FRACTURE.name} or {BODY_PART.name} of an export. Received: {task.name}."
        )
    samples = tuple(replace(one, label=one.region) for one in data.samples if one.region in task.classes)
    require_every_class(data.root, samples, task)
    return replace(data, samples=samples, task=task)
