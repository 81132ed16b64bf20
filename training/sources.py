"""Where labels come from, and what follows from it for a card: the attribution that a licence asks for, and the limits.

Responsible for words about data sets, one entry each; not for reading them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

_ANY_MODEL: Final = (
    "It knows no dislocation, tumour, arthritis, foreign body or any other finding, and no fracture's type or age. "
    "It is not for the spine, skull, chest or abdomen, not for photographs of films, and not for deciding anything "
    "alone: what it misses, it misses silently."
)


@dataclass(frozen=True, slots=True)
class Source:
    """One origin of labels.

    Attributes:
        attribution: as its licence asks.
        limits: what a reader must know of a model that was trained on it.
        min_age: youngest age in years that it holds, None where it is not known.
    """

    attribution: str
    limits: str
    min_age: int | None = None


SOURCES: Final[Mapping[str, Source]] = MappingProxyType(
    {
        "fracatlas": Source(
            attribution=(
                "FracAtlas: Abedeen et al., *FracAtlas: A Dataset for Fracture Classification, Localization and "
                "Segmentation of Musculoskeletal Radiographs*, Scientific Data 10:521 (2023), "
                "doi 10.1038/s41597-023-02432-4, CC BY 4.0. The images were resized and split by groups; "
                "the weights were trained on them."
            ),
            limits=(
                "It was trained on one public collection, most of it hands and legs, with few fractures of hips and "
                "shoulders. Nearly all of its pictures with metal are fractured, so metal raises the score; larger "
                "originals are fractured more often. It was not measured by age, sex or device, nor on pictures from "
                "elsewhere, and it is not for newborns. " + _ANY_MODEL
            ),
            min_age=1,
        ),
        "other": Source(
            attribution=(
                "Labels from a data set that whoever trained this model brought along; the report names its digest, "
                "and its licence is for them to observe."
            ),
            limits=(
                "How its labels came about is not known here. It was measured on that data set, nowhere else. "
                + _ANY_MODEL
            ),
        ),
        "synthetic": Source(
            attribution="Radiographs drawn by `training.synthetic`. They show no person.",
            limits="Its figures on drawn pictures say nothing of real ones: it is for trying out the machinery. "
            + _ANY_MODEL,
        ),
        "export": Source(
            attribution="Labels that readers signed on this platform.",
            limits="It was measured on the studies of the sites that signed its labels, nowhere else. " + _ANY_MODEL,
        ),
    }
)
