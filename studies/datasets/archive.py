"""Writes a dataset as a ZIP that training reads: pictures, labels.csv, coco.json, dataset.json and SHA256SUMS.

It is streamed: one picture is in memory at a time, and nothing is written to disk.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable, Iterator

from PIL import Image

from inference import radiographs
from inference.models import Radiograph
from studies.datasets import coco, csv_file
from studies.datasets.rows import DatasetRow, rows_of
from studies.models import Dataset

PICTURES_AT_ONCE = 50


class _Sink(io.RawIOBase):
    """An unseekable file that hands out what was written since it was last asked."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: bytes) -> int:  # type: ignore[override]
        self._pieces.append(bytes(piece))
        return len(piece)

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


def chunks(dataset: Dataset, *, corrected_only: bool) -> Iterator[bytes]:
    """Yield the archive piece by piece; pictures are full-size 8- or 16-bit display grey, larger is brighter."""
    rows = list(rows_of(dataset, corrected_only=corrected_only))
    sums: dict[str, str] = {}
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name, content in _files(dataset, rows):
            sums[name] = hashlib.sha256(content).hexdigest()
            archive.writestr(zipfile.ZipInfo(name, dataset.frozen_at.timetuple()[:6]), content)
            yield sink.take()
        listing = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
        archive.writestr(zipfile.ZipInfo("SHA256SUMS", dataset.frozen_at.timetuple()[:6]), listing)
    yield sink.take()


def picture(radiograph: Radiograph) -> bytes:
    """Return a radiograph's display grey as PNG in the grid of its stored pixels, in which boxes are drawn."""
    grey = radiographs.frame_of(radiograph).grey()
    image = Image.fromarray(grey)
    if image.size != (radiograph.columns, radiograph.rows):
        image = image.resize((radiograph.columns, radiograph.rows), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _files(dataset: Dataset, rows: list[DatasetRow]) -> Iterator[tuple[str, bytes]]:
    for start in range(0, len(rows), PICTURES_AT_ONCE):
        part = rows[start : start + PICTURES_AT_ONCE]
        found = Radiograph.objects.in_bulk([row.radiograph for row in part])
        by_id = {str(key): radiograph for key, radiograph in found.items()}
        for row in part:
            yield row.file_name, picture(by_id[row.radiograph])
    yield "labels.csv", _joined(csv_file.lines(rows))
    yield "coco.json", _joined(coco.lines(dataset, rows))
    yield "dataset.json", json.dumps(_about(dataset), indent=1).encode()


def _joined(lines: Iterable[str]) -> bytes:
    return "".join(lines).encode()


def _about(dataset: Dataset) -> dict[str, object]:
    return {
        "name": dataset.name,
        "digest": dataset.digest,
        "frozen_at": dataset.frozen_at.isoformat(),
        "criteria": dataset.criteria,
        "counts": dataset.counts,
        "notice": "Research and evaluation. Not a medical device. A qualified person decides.",
    }
