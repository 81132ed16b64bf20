"""What the frozen part of a network answers for every view of a data set, computed once and kept on disk.

Responsible for the views that are kept, for computing them and for going on where a killed process stopped; not for
which part is frozen (`training.fitting.cut`). Float16 halves the size and moves a logit by less than 0.01.
"""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from training import augmentation
from training.augmentation import Augmentation
from training.fitting import lite
from training.fitting.pictures import Pictures

#: Rows between two notes of how far the file has got.
_NOTED_EVERY: Final = 256
#: A rarer class gets so many times the views of the largest one at most.
_MOST_TIMES: Final = 4

Forward = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Kept:
    """The kept answers.

    Attributes:
        rows: (rows, ...) float16: what the trained part reads; memory-mapped where it is too large for memory.
        covered: (rows, side, side) uint8: the share of each cell of the map that boxes cover, of 255; side 0 without
            a map.
        plain: (images,) the row of each image as it is.
        views: for each image the rows of its views.
    """

    rows: NDArray[np.float16]
    covered: NDArray[np.uint8]
    plain: NDArray[np.int64]
    views: tuple[NDArray[np.int64], ...]


def views_of(targets: NDArray[np.int64], views: int) -> list[int]:
    """Return how many views each image gets: rarer classes more in proportion, `_MOST_TIMES` as many at most."""
    _, places, counts = np.unique(targets, return_inverse=True, return_counts=True)
    each = np.minimum(views * _MOST_TIMES, np.rint(views * counts.max() / counts)).astype(int)
    return [int(each[place]) for place in places]


def kept(
    folder: Path,
    bottom: keras.Model,
    pictures: Pictures,
    views: Sequence[int],
    varied: Augmentation | None,
    *,
    map_side: int,
    seed: int,
    told: Callable[[int, int], None],
) -> Kept:
    """Compute what a frozen network answers for each image and its views, or read what is there.

    Args:
        folder: where it is kept; a file that a killed process left is gone on with.
        bottom: the frozen part, from (batch, size, size, 3) to one tensor.
        pictures: renditions and their boxes.
        views: how many views each image gets beside itself; all 0 where there is no augmentation.
        varied: how far views go.
        map_side: cells of the map's side, 0 for no map.
        seed: of the views.
        told: is called with how many rows there are and how many there will be.
    """
    plan = [(image, view) for image, count in enumerate(views) for view in range(count + 1)]
    if varied is None:
        plan = [(image, 0) for image in range(len(views))]
    folder.mkdir(parents=True, exist_ok=True)
    rows, covered = _opened(folder, (len(plan), *bottom.output_shape[1:]), map_side)
    forward = forward_of(bottom)

    def fill(row: int) -> None:
        image, view = plan[row]
        random = np.random.default_rng([seed, image, view])
        square, cells = pictures.view(image, varied if view else None, random, map_side)
        rows[row] = forward(augmentation.as_input(square[np.newaxis]))[0]
        covered[row] = np.rint(cells * 255)

    _filled(folder / "done.json", fill, (rows, covered), told)
    return Kept(_in_memory(folder / "rows.npy", rows), covered, *_places(plan))


def _places(plan: Sequence[tuple[int, int]]) -> tuple[NDArray[np.int64], tuple[NDArray[np.int64], ...]]:
    """Return the row of each image as it is, and the rows of its views; itself where it has none."""
    by_image: dict[int, list[int]] = {}
    for row, (image, _) in enumerate(plan):
        by_image.setdefault(image, []).append(row)
    plain = np.array([rows[0] for rows in by_image.values()])
    return plain, tuple(np.array(rows[1:] or rows) for rows in by_image.values())


def forward_of(bottom: keras.Model) -> Forward:
    """Return the frozen part as a function of (1, size, size, 3): on LiteRT, or on Keras where it has a GPU."""
    if lite.is_faster():
        return lite.runner(bottom)
    lock = threading.Lock()

    def forward(image: NDArray[np.float32]) -> NDArray[np.float32]:
        with lock:
            return np.asarray(keras.ops.convert_to_numpy(bottom(image, training=False)), np.float32)

    return forward


def _opened(folder: Path, shape: tuple[int, ...], map_side: int) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
    """Return the two files of a cache, made if absent; another cache's files are replaced."""
    wanted = {"rows.npy": (shape, np.float16), "covered.npy": ((shape[0], map_side, map_side), np.uint8)}
    arrays = []
    for name, (size, kind) in wanted.items():
        path = folder / name
        if path.is_file() and np.load(path, mmap_mode="r").shape != size:
            (folder / "done.json").unlink(missing_ok=True)
            path.unlink()
        try:
            arrays.append(_mapped(path, size, kind))
        except OSError as error:
            for part in (folder / "done.json", path):
                part.unlink(missing_ok=True)
            count = math.prod(size) * np.dtype(kind).itemsize
            raise OSError(
                f"{path}: Expected room for what is frozen answers, {count} bytes. Received: {error.strerror}."
            ) from error
    return arrays[0], arrays[1]


def _mapped(path: Path, size: tuple[int, ...], kind: type[Any]) -> NDArray[Any]:
    """Return a file as an array, its disk space taken: on a full disk a write through the map kills the process."""
    mode: Any = "r+" if path.is_file() else "w+"
    mapped = np.lib.format.open_memmap(path, mode, dtype=kind, shape=size)
    if hasattr(os, "posix_fallocate"):  # not on macOS
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, path.stat().st_size))
    return mapped


def _in_memory(path: Path, mapped: NDArray[np.float16]) -> NDArray[np.float16]:
    """Return the rows in memory where they take less than half of what is free: a row at random off a disk is slow."""
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return np.load(path) if mapped.nbytes < free // 2 else mapped


def _filled(
    note: Path, fill: Callable[[int], None], arrays: Sequence[NDArray[Any]], told: Callable[[int, int], None]
) -> None:
    """Fill every row that is not there yet, on two threads."""
    count = len(arrays[0])
    done = json.loads(note.read_text())["rows"] if note.is_file() else 0
    with ThreadPoolExecutor(max_workers=max(1, min(4, os.cpu_count() or 1))) as pool:
        for start in range(done, count, _NOTED_EVERY):
            end = min(start + _NOTED_EVERY, count)
            for _ in pool.map(fill, range(start, end)):
                pass
            for array in arrays:
                if isinstance(array, np.memmap):
                    array.flush()
            temporary = note.with_suffix(".new")
            temporary.write_text(json.dumps({"rows": end}))
            os.replace(temporary, note)
            told(end, count)
