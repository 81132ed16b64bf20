"""Tables of people's side: intake, studies, reviews, datasets."""

from studies.models.dataset import Dataset, DatasetItem, SplitGroup, SplitMembership
from studies.models.desk import Draft, KeyBindings, SavedFilter, Skip
from studies.models.device import Device
from studies.models.identity import Identity
from studies.models.incoming import IncomingFile, ResumableUpload
from studies.models.notice import Notice
from studies.models.outcome import Communication, CriticalFinding, Divergence
from studies.models.review import Decision, Disclosure, Finding, ImageReading, Review, UnlocatedFinding
from studies.models.study import Discrepancy, Problem, Study, StudyImage

__all__ = [
    "Communication",
    "CriticalFinding",
    "Dataset",
    "DatasetItem",
    "Decision",
    "Device",
    "Disclosure",
    "Discrepancy",
    "Divergence",
    "Draft",
    "Finding",
    "Identity",
    "ImageReading",
    "IncomingFile",
    "KeyBindings",
    "Notice",
    "Problem",
    "ResumableUpload",
    "Review",
    "SavedFilter",
    "Skip",
    "SplitGroup",
    "SplitMembership",
    "Study",
    "StudyImage",
    "UnlocatedFinding",
]
