"""Reads for people: what may be seen, the AI as far as it may be known, lists, the study's story.

They change nothing but the record of what was shown.
"""

from studies.access import visible_to
from studies.selectors.ai import StudyAI, ai_of_studies, ai_of_study, map_of

__all__ = ["StudyAI", "ai_of_studies", "ai_of_study", "map_of", "visible_to"]
