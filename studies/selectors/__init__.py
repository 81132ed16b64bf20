"""Reads for people: what may be seen, the AI as far as it may be known, lists, the study's story.

They change nothing but the record of what was shown.
"""

from studies.access import visible_to
from studies.selectors.ai import StudyAI, ai_of_studies, ai_of_study, map_of
from studies.selectors.filtering import Filters
from studies.selectors.rows import uploads_page, worklist_page
from studies.selectors.story import open_as_uploader, open_study

__all__ = [
    "Filters",
    "StudyAI",
    "ai_of_studies",
    "ai_of_study",
    "map_of",
    "open_as_uploader",
    "open_study",
    "uploads_page",
    "visible_to",
    "worklist_page",
]
