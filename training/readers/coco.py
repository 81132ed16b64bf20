"""COCO detection files: images, annotations and categories, one JSON for all or one in each folder of a side.

Responsible for boxes and categories; not for masks. A COCO file lists what was looked at, so for the task `fracture` an
image that it lists without a fracture holds none; categories that do not name a fracture (metal, a marker) are no
answer and are left aside. For the other tasks an image is what its annotations name, and left out where they name
nothing or two things.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Final

from training.dataset import Box, DatasetError
from training.readers import words
from training.readers.assembly import Found
from training.tasks import FRACTURE, Task

_NAMES: Final = ("_annotations.coco.json", "annotations.json", "coco.json", "instances.json")
_PICTURES: Final = ("", "images", "../images")


@dataclass(frozen=True, slots=True)
class _Annotation:
    """One annotation: name of its category and its box in px (left, top, width, height)."""

    name: str
    box: tuple[float, float, float, float]


def files_of(root: Path) -> dict[Path, str]:
    """Return the COCO files of a folder with their sides: its own (no side), or one in each of train, val and test."""
    own = {root / name: "" for name in _NAMES if (root / name).is_file()}
    folders = [folder for folder in sorted(root.iterdir()) if folder.is_dir() and words.side_of(folder.name)]
    inner = {
        folder / name: words.side_of(folder.name) or ""
        for folder in folders
        for name in _NAMES
        if (folder / name).is_file()
    }
    return own or inner


def found_in(path: Path, task: Task, side: str = "") -> tuple[list[Found], tuple[str, ...]]:
    """Return the images of a COCO file, and what was left out.

    Args:
        path: of the JSON file; pictures lie beside it or in `images` there.
        task: what is asked.
        side: of all its images; an image's own `split` is read where this is empty.

    Raises:
        DatasetError: it is no COCO file, a picture is missing, or for `fracture` no category names one.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        categories = {int(one["id"]): str(one["name"]) for one in content["categories"]}
        annotations = _annotations(content["annotations"], categories)
        images = [dict(image) for image in content["images"]]
        _require_categories(path, set(categories.values()), task)
        found = [one for image in images if (one := _found(path, image, annotations, task, side))]
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(
            f"Expected images, annotations and categories of COCO in {path}. Received: {error!r}."
        ) from error
    left = len(images) - len(found)
    return found, (f"Left out: {left} of {len(images)} images without one {task.name}.",) if left else ()


def _annotations(given: list[Mapping[str, Any]], categories: Mapping[int, str]) -> dict[int, list[_Annotation]]:
    """Return the annotations of each image by its id."""
    found: dict[int, list[_Annotation]] = {}
    for one in given:
        left, top, width, height = (float(value) for value in one["bbox"])
        annotation = _Annotation(categories[int(one["category_id"])], (left, top, width, height))
        found.setdefault(int(one["image_id"]), []).append(annotation)
    return found


def _require_categories(path: Path, names: set[str], task: Task) -> None:
    """Refuse a file that cannot tell of a fracture: all its images would be negative."""
    if not any(_answer(name, task) for name in names):
        received = ", ".join(sorted(names)) or "none"
        raise DatasetError(
            f"Expected a category that names a {task.name.replace('_', ' ')} in {path}. Received: {received}."
        )


def _answer(name: str, task: Task) -> str | None:
    """Return the class that a category names; of fractures only the positive one can be drawn."""
    if task is FRACTURE:
        plain = name.casefold()
        return "fractured" if "fracture" in plain and words.label_of(name, task) != "not_fractured" else None
    return words.label_of(name, task)


def _found(
    path: Path, image: Mapping[str, Any], annotations: Mapping[int, list[_Annotation]], task: Task, side: str
) -> Found | None:
    """Return one image; None where its annotations do not give it one label."""
    drawn = [one for one in annotations.get(int(image["id"]), ()) if _answer(one.name, task)]
    labels = {_answer(one.name, task) or "" for one in drawn} or ({"not_fractured"} if task is FRACTURE else set())
    if len(labels) != 1:
        return None
    name = str(image["file_name"])
    picture = next((file for file in _places(path, name) if file.is_file()), None)
    if picture is None:
        raise DatasetError(f"Expected the picture that {path} names. Missing: {name}.")
    boxes = tuple(_fractions(one.box, float(image["width"]), float(image["height"])) for one in drawn)
    own = words.side_of(str(image.get("split", ""))) or ""
    return Found(picture, PurePath(name), labels.pop(), side or own, "", boxes)


def _places(path: Path, name: str) -> Iterator[Path]:
    return ((path.parent / folder / name) for folder in _PICTURES)


def _fractions(box: tuple[float, float, float, float], width: float, height: float) -> Box:
    """Return x0, y0, x1, y1 in fractions, inside the picture."""
    left, top, across, down = box
    x0, y0, x1, y1 = left / width, top / height, (left + across) / width, (top + down) / height
    return max(x0, 0.0), max(y0, 0.0), min(x1, 1.0), min(y1, 1.0)
