"""Writes a dataset as COCO: every reviewed image is there, a reviewed negative with no box and its review state."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import count
from typing import Any

from studies.datasets.rows import Box, DatasetRow, Point
from studies.models import Dataset

CATEGORY = {"id": 1, "name": "fracture", "supercategory": "finding"}
#: A point has no extent: it is a keypoint of a category of its own, so that who reads boxes meets no empty one.
POINT = {
    "id": 2, "name": "fracture point", "supercategory": "finding", "keypoints": ["fracture"], "skeleton": [],
}  # fmt: skip
KEPT = (
    "study", "image", "study_verdict", "image_label", "review_state", "side", "ai_state", "ai_probability",
    "model_version", "agreement", "phase", "reader_key", "group", "split", "body_part", "view",
    "bones", "types", "other_findings", "has_cast_or_hardware", "agreed_with_model",
)  # fmt: skip


def lines(dataset: Dataset, rows: Iterable[DatasetRow]) -> Iterator[str]:
    """Yield the file piece by piece; boxes are ``[x, y, width, height]`` in pixels of the radiograph.

    Fractures that were named and not drawn stand with the image under ``unlocated``: COCO has no place for them.
    """
    info = {
        "description": "Labels signed by readers. Research and evaluation. Not a medical device.",
        "version": dataset.digest,
        "dataset": dataset.name,
        "year": dataset.frozen_at.year,
        "date_created": dataset.frozen_at.isoformat(),
    }
    yield f'{{"info":{json.dumps(info)},\n"licenses":[],\n"categories":{json.dumps([CATEGORY, POINT])},\n"images":['
    drawn: list[tuple[int, Box | Point]] = []
    for number, row in enumerate(rows, start=1):
        drawn.extend((number, box) for box in row.boxes)
        drawn.extend((number, point) for point in row.points)
        yield ("" if number == 1 else ",\n") + json.dumps(_image(number, row))
    yield '],\n"annotations":['
    for number, (image, found) in zip(count(1), drawn, strict=False):
        yield ("" if number == 1 else ",\n") + json.dumps(_annotation(number, image, found))
    yield "]}\n"


def _image(number: int, row: DatasetRow) -> dict[str, Any]:
    kept = {name: getattr(row, name) for name in KEPT}
    named = [asdict(found) for found in row.unlocated]
    size = {"width": row.columns, "height": row.rows}
    return {"id": number, "file_name": row.file_name, **size, **kept, "unlocated": named}


def _annotation(number: int, image: int, found: Box | Point) -> dict[str, Any]:
    named = {key: value for key, value in asdict(found).items() if key not in {"x", "y", "width", "height"}}
    if isinstance(found, Box):
        place: dict[str, Any] = {
            "category_id": CATEGORY["id"],
            "bbox": [found.x, found.y, found.width, found.height],
            "area": found.width * found.height,
            "shape": "box",
        }
    else:
        seen = 2  # COCO's word for a keypoint that is labelled and visible
        place = {
            "category_id": POINT["id"],
            "bbox": [found.x, found.y, 0, 0],
            "area": 0,
            "keypoints": [found.x, found.y, seen],
            "num_keypoints": 1,
            "shape": "point",
        }
    return {"id": number, "image_id": image, **place, "iscrowd": 0, **named}
