"""Tables of people's side: intake, studies, reviews, datasets."""

from studies.models.dataset import Dataset, DatasetItem, SplitGroup, SplitMembership
from studies.models.device import Device
from studies.models.identity import Identity
from studies.models.incoming import IncomingFile, ResumableUpload
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
    "Identity",
    "ImageReading",
    "IncomingFile",
    "Notice",
    "Problem",
    "ResumableUpload",
    "Review",
    "SplitGroup",
    "SplitMembership",
    "Study",
    "StudyImage",
]
