"""Signed judgements of studies and everything that changes where people stand with one.

Every verb takes the study's lock, asks policy, moves the state by ``STUDY_TRANSITIONS``, adds rows and the audit
event in one transaction. Nothing that was signed is ever changed: a correction is a row that supersedes another.
"""

from studies.reviews.confirming import CONFIRMS
from studies.reviews.judgement import Box, Judgement, Point, Unlocated, judgement_of
from studies.reviews.leading import add_image, reopen, report_problem, restore, settle_problem, void
from studies.reviews.locking import changes_since
from studies.reviews.signing import adjudicate, amend, just_signed, next_mode, once, sign
from studies.reviews.undoing import undo, undoable

__all__ = [
    "CONFIRMS",
    "Box",
    "Judgement",
    "Point",
    "Unlocated",
    "add_image",
    "adjudicate",
    "amend",
    "changes_since",
    "judgement_of",
    "just_signed",
    "next_mode",
    "once",
    "reopen",
    "report_problem",
    "restore",
    "settle_problem",
    "sign",
    "undo",
    "undoable",
    "void",
]
