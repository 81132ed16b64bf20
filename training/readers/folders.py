"""A folder of folders: the layout of `image_dataset_from_directory`, each class a folder, with or without sides.

    DATA/fractured/1.png  DATA/not_fractured/2.png       or  DATA/train/fractured/1.png  DATA/val/...  DATA/test/...

Responsible for finding images and what their folders say; not for what these words mean (`training.readers.words`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from training.dataset import DatasetError
from training.readers import words
from training.readers.assembly import Found

#: What lies beside pictures without being one.
_BESIDE: Final = frozenset({".txt", ".csv", ".json", ".xml", ".md", ".pdf", ".yaml", ".yml"})
_LITTER: Final = frozenset({"thumbs.db", "desktop.ini"})


def found_in(root: Path) -> list[Found]:
    """Return the images below a folder of folders.

    Raises:
        DatasetError: it has no folders, folders of sides beside others, or a side twice.
    """
    folders = _folders(root)
    if not folders:
        raise DatasetError(
            f"Expected manifest.csv, an export, or a folder for each class in {root}. Received: none of them."
        )
    sides = {folder: words.side_of(folder.name) for folder in folders}
    if not any(sides.values()):
        return [one for folder in folders for one in _of_class(folder, "")]
    names = ", ".join(folder.name for folder in folders)
    if None in sides.values() or len(set(sides.values())) < len(folders):
        raise DatasetError(
            f"Expected one folder each of train, val and test in {root}, or of classes. Received: {names}."
        )
    return [one for folder, side in sides.items() for inner in _folders(folder) for one in _of_class(inner, side or "")]


def _of_class(folder: Path, side: str) -> Iterator[Found]:
    """Yield the images of one class, however deep; which of them are no pictures is found out when they are read."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and path.suffix.lower() not in _BESIDE and path.name.lower() not in _LITTER:
            yield Found(path, path.relative_to(folder), folder.name, side)


def _folders(root: Path) -> list[Path]:
    return sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
