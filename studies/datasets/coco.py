"""Writes a dataset as COCO: every reviewed image is there, a reviewed negative with no box and its review state."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import count
from typing import Any

from studies.datasets.rows import Box, DatasetRow
from studies.models import Dataset

CATEGORY = {"id": 1, "name": "fracture", "supercategory": "finding"}
KEPT = (
    "study", "image", "study_verdict", "image_label", "review_state", "side", "ai_state", "ai_probability",
    "model_version", "agreement", "phase", "reader_key", "group", "split", "body_part", "view",
)  # fmt: skip


def lines(dataset: Dataset, rows: Iterable[DatasetRow]) -> Iterator[str]:
    """Yield the file piece by piece; boxes are ``[x, y, width, height]`` in pixels of the radiograph."""
    info = {
        "description": "Labels signed by readers. Research and evaluation. Not a medical device.",
        "version": dataset.digest,
        "dataset": dataset.name,
        "year": dataset.frozen_at.year,
        "date_created": dataset.frozen_at.isoformat(),
    }
    yield f'{{"info":{json.dumps(info)},\n"licenses":[],\n"categories":[{json.dumps(CATEGORY)}],\n"images":['
    boxes: list[tuple[int, Box]] = []
    for number, row in enumerate(rows, start=1):
        boxes.extend((number, box) for box in row.boxes)
        yield ("" if number == 1 else ",\n") + json.dumps(_image(number, row))
    yield '],\n"annotations":['
    for number, (image, box) in zip(count(1), boxes, strict=False):
        yield ("" if number == 1 else ",\n") + json.dumps(_box(number, image, box))
    yield "]}\n"


def _image(number: int, row: DatasetRow) -> dict[str, Any]:
    kept = {name: getattr(row, name) for name in KEPT}
    return {"id": number, "file_name": row.file_name, "width": row.columns, "height": row.rows, **kept}


def _box(number: int, image: int, box: Box) -> dict[str, Any]:
    named = {key: value for key, value in asdict(box).items() if key not in {"x", "y", "width", "height"}}
    return {
        "id": number,
        "image_id": image,
        "category_id": CATEGORY["id"],
        "bbox": [box.x, box.y, box.width, box.height],
        "area": box.width * box.height,
        "iscrowd": 0,
        **named,
    }
