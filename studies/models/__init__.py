"""Tables of people's side: intake, studies, reviews, datasets."""

from studies.models.dataset import Dataset, DatasetItem, SplitGroup, SplitMembership
from studies.models.device import Device
from studies.models.incoming import IncomingFile
from studies.models.notice import Notice
from studies.models.review import Decision, Disclosure, Finding, ImageReading, Review
from studies.models.study import Discrepancy, Problem, Study, StudyImage

__all__ = [
    "Dataset",
    "DatasetItem",
    "Decision",
    "Device",
    "Disclosure",
    "Discrepancy",
    "Finding",
    "ImageReading",
    "IncomingFile",
    "Notice",
    "Problem",
    "Review",
    "SplitGroup",
    "SplitMembership",
    "Study",
    "StudyImage",
]
