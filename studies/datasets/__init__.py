"""Frozen datasets: what is labelled, on which side of the split it lies, and the files in which it leaves."""

from studies.datasets.criteria import Criteria
from studies.datasets.exporting import FORMATS, export
from studies.datasets.freezing import freeze, preview

__all__ = ["FORMATS", "Criteria", "export", "freeze", "preview"]
