"""Hands out a frozen dataset as a file, and records that it left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from bonefrac.audit.events import record
from bonefrac.audit.models import Verb
from bonefrac.errors import Forbidden, Invalid
from studies import access
from studies.datasets import archive, coco, csv_file
from studies.datasets.rows import rows_of
from studies.models import Dataset
from studies.policies import may_export

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

FORMATS = {"csv": "text/csv; charset=utf-8", "coco": "application/json", "zip": "application/zip"}
ENDINGS = {"csv": "csv", "coco": "coco.json", "zip": "zip"}


@dataclass(frozen=True, slots=True)
class Export:
    """A file on its way out: its name, its type and its bytes piece by piece."""

    file_name: str
    content_type: str
    chunks: Iterator[bytes]


def export(actor: User, dataset: Dataset, *, file_format: str, corrected_only: bool = False) -> Export:
    """Return a dataset as a file.

    Args:
        actor: An administrator of the dataset's site.
        dataset: What is exported.
        file_format: ``csv``, ``coco`` or ``zip`` (both, with pictures and checksums).
        corrected_only: Only images on which people differed from the AI.

    Raises:
        Forbidden: The person is no administrator of the site.
        Invalid: The format is unknown.
    """
    if file_format not in FORMATS:
        raise Invalid(_("Choose csv, coco or zip as the format; received '%(format)s'.") % {"format": file_format[:20]})
    if not may_export(access.standing(actor, dataset.site), dataset.site):
        raise Forbidden(_("Administrators of the site who do not read blind there freeze and export datasets."))
    with transaction.atomic():
        record(
            actor,
            Verb.DATASET_EXPORTED,
            target_type="dataset",
            target_id=dataset.id,
            data={"format": file_format, "corrected_only": corrected_only, "digest": dataset.digest},
        )
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", dataset.name).strip("-.") or "dataset"
    suffix = "-corrected" if corrected_only else ""
    chunks = _chunks(dataset, file_format, corrected_only)
    return Export(f"{name}{suffix}.{ENDINGS[file_format]}", FORMATS[file_format], chunks)


def _chunks(dataset: Dataset, file_format: str, corrected_only: bool) -> Iterator[bytes]:
    if file_format == "zip":
        yield from archive.chunks(dataset, corrected_only=corrected_only)
        return
    rows = rows_of(dataset, corrected_only=corrected_only)
    lines = csv_file.lines(rows) if file_format == "csv" else coco.lines(dataset, rows)
    for line in lines:
        yield line.encode()
