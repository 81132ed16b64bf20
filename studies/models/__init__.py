"""Tables of people's side: intake, studies, reviews, datasets."""

from studies.models.dataset import Dataset, DatasetItem, SplitGroup, SplitMembership
from studies.models.incoming import IncomingFile
from studies.models.review import Decision, Disclosure, Finding, ImageReading, Review
from studies.models.study import Problem, Study, StudyImage

__all__ = [
    "Dataset",
    "DatasetItem",
    "Decision",
    "Disclosure",
    "Finding",
    "ImageReading",
    "IncomingFile",
    "Problem",
    "Review",
    "SplitGroup",
    "SplitMembership",
    "Study",
    "StudyImage",
]
