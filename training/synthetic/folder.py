"""Folders of drawn radiographs that can be trained on.

Responsible for files, manifests and boxes; not for the drawings.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from PIL import Image

from training.synthetic.drawing import PARTS, SyntheticRadiograph, of_type, radiograph
from training.synthetic.skeleton import Box
from training.synthetic.types import KINDS


def write_folder(out: Path, *, count: int, seed: int = 0, size: tuple[int, int] = (600, 500)) -> None:
    """Write `count` radiographs as a data set that `training.dataset.read` understands, half of them fractured.

    Every fourth is a 16-bit PNG; of seven groups five are train, one val, one test.

    Raises:
        ValueError: the count is not positive.
        FileExistsError: the folder holds something already.
    """
    _require(out, count)

    def drawn() -> Iterator[tuple[str, SyntheticRadiograph]]:
        for number in range(count):
            part = PARTS[number // 2 % len(PARTS)]
            fractured = number % 2 == 0
            yield "", radiograph(seed * 100_003 + number, fractured=fractured, part=part, size=size, bits=_bits(number))

    _write(out, drawn())


def write_types(out: Path, *, count: int, seed: int = 0, size: tuple[int, int] = (600, 500)) -> None:
    """Write `count` radiographs of the ten types of fracture in turn, named in the column `fracture_type`.

    From 70 on every side of the split has every type.

    Raises:
        ValueError: the count is not positive.
        FileExistsError: the folder holds something already.
    """
    _require(out, count)

    def drawn() -> Iterator[tuple[str, SyntheticRadiograph]]:
        for number in range(count):
            kind, part = KINDS[number % len(KINDS)], PARTS[number // len(KINDS) % len(PARTS)]
            yield kind, of_type(seed * 100_003 + number, kind=kind, part=part, size=size, bits=_bits(number))

    _write(out, drawn())


def _require(out: Path, count: int) -> None:
    if count < 1:
        raise ValueError(f"Expected a count of at least 1. Received: {count}.")
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"Expected an empty or absent folder. Received: {out}.")


def _bits(number: int) -> int:
    return 12 if number % 4 == 3 else 8


def _write(out: Path, drawings: Iterable[tuple[str, SyntheticRadiograph]]) -> None:
    """Write pictures with their types, the manifest and the boxes."""
    rows, boxes = [], []
    for number, (kind, drawn) in enumerate(drawings):
        name = f"{number:05d}.png"
        _save(drawn, out / drawn.part / name)
        named = {"fracture_type": kind} if kind else {}
        rows.append(_manifest_row(f"{drawn.part}/{name}", number, drawn) | named)
        if drawn.box is not None:
            boxes.append(_box_row(name, drawn.box))
    _write_csv(out / "manifest.csv", rows)
    _write_csv(out / "boxes.csv", boxes)


def _save(drawn: SyntheticRadiograph, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(drawn.pixels).save(path)


def _manifest_row(file: str, number: int, drawn: SyntheticRadiograph) -> dict[str, str]:
    """Return one row of the manifest; two radiographs share a group and groups never cross the split."""
    group = number // 2
    return {
        "file": file,
        "label": "fractured" if drawn.box else "not_fractured",
        "region": drawn.part,
        "group": f"synthetic-{group:05d}",
        "split": {5: "val", 6: "test"}.get(group % 7, "train"),
        "view": drawn.view,
        "side": drawn.side,
    }


def _box_row(name: str, box: Box) -> dict[str, str]:
    x0, y0, x1, y1 = box
    centre_and_size = ((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0)
    columns = ("x_center", "y_center", "width", "height")
    return {"image_id": name, **{key: f"{value:.5f}" for key, value in zip(columns, centre_and_size, strict=True)}}


def _write_csv(path: Path, rows: Sequence[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
