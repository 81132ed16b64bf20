"""The front door: bytes safe first, then judged; one verdict per file, each with a sentence.

``receive`` takes what a face parsed, ``judge`` is the worker's part, ``release_held`` and ``refuse_held`` are a lead's.
"""

from studies.intake.details import Details, Grouping, folder_key
from studies.intake.holding import link_held, refuse_held, release_held
from studies.intake.judging import judge
from studies.intake.receiving import Handed, receive
from studies.intake.sweeping import sweep

__all__ = [
    "Details",
    "Grouping",
    "Handed",
    "folder_key",
    "judge",
    "link_held",
    "receive",
    "refuse_held",
    "release_held",
    "sweep",
]
