"""What a model may speak about, as it follows from what it was fitted and evaluated on.

Responsible for the bounds of an artifact (`scope.json`, `scope.npz`); not for applying them (`training.scope`,
`training.likeness`). A part of the body with fewer than 50 groups of either label on every measured side is outside:
the model is silent on it.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from training.dataset import Sample
from training.evaluation import measurement
from training.evaluation.measurement import Served
from training.likeness import CAUTIONS, FEWEST, Likeness
from training.scope import Scope
from training.sources import Source
from training.synthetic import PARTS
from training.tasks import FRACTURE, Task

#: Plain radiographs in DICOM's words.
_MODALITIES: Final = ("CR", "DX", "RG")
#: Drawn radiographs that a learned scope knows, of each part in turn.
_DRAWINGS: Final = 240
#: What a reader must know of a model that names something.
_LIMITS: Final[Mapping[str, str]] = {
    "body_part": "It names one of these parts for whatever picture it is not kept from, and says nothing of fractures.",
    "fracture_type": "It names one of its types for whatever picture it is not kept from, broken or not.",
}


def scope_of(task: Task, splits: Mapping[str, Any], source: Source) -> Scope:
    """Return the bounds of a model.

    Args:
        task: what it was asked.
        splits: of the report.
        source: of the labels.
    """
    regions = _standing(splits, lambda row: row["kind"] == "region" and row["name"] != "unknown")
    others = _standing(splits, lambda row: row["kind"] != "region")
    weak = [name for found in (regions, others) for name, is_evaluated in found.items() if not is_evaluated]
    return Scope(
        modalities=_MODALITIES,
        body_parts=tuple(sorted(name for name, is_evaluated in regions.items() if is_evaluated)),
        not_evaluated=tuple(weak),
        min_age=source.min_age,
        max_age=None,
        limits=source.limits if task == FRACTURE else _LIMITS[task.name],
    )


def likeness_of(served: Served, samples: Sequence[Sample]) -> bytes:
    """Return `scope.npz`: what the radiographs that a model was fitted on look like to the served file.

    Where that can be learned, drawn radiographs are made known to it beside them: a platform that is tried out on
    drawings must show what the model says, and a drawing is nobody's radiograph.
    """
    rows = measurement.descriptions(served, samples)
    regions, groups = [sample.region for sample in samples], [sample.group for sample in samples]
    traits = {name: [sample.facts.get(name) == "1" for sample in samples] for name in CAUTIONS}
    if len(samples) >= FEWEST:
        drawn = measurement.descriptions_of_drawings(served, PARTS, _DRAWINGS)
        rows = np.concatenate([rows, drawn])
        regions += [PARTS[number % len(PARTS)] for number in range(_DRAWINGS)]
        groups += [f"drawing {number}" for number in range(_DRAWINGS)]
        traits = {name: shows + [False] * _DRAWINGS for name, shows in traits.items()}
    fitted = Likeness.fit(rows, regions, groups, traits=traits)
    arrays: dict[str, Any] = dict(fitted.arrays())
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _standing(splits: Mapping[str, Any], belongs: Any) -> dict[str, bool]:
    """Return of each stratum whether it was evaluated on any side."""
    found: dict[str, bool] = {}
    for split in splits.values():
        for row in split["strata"]:
            if belongs(row):
                found[row["name"]] = found.get(row["name"], False) or row["evaluated"]
    return found
