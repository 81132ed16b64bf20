"""Finds what may identify a person in free text that somebody typed. Pure; it errs on the side of asking."""

from __future__ import annotations

import re
from typing import Final

_MONTHS: Final = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_TRACES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("an e-mail address", re.compile(r"[\w.+-]+@[\w-]+\.\w")),
    ("a date", re.compile(r"\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b")),
    ("a date", re.compile(rf"\b\d{{1,2}}\.?\s+(?:{_MONTHS})[a-z]*\.?,?\s+\d{{2,4}}\b", re.IGNORECASE)),
    ("a telephone number", re.compile(r"(?<![\w.])(?:\+|00)?\d[\d ()/-]{7,}\d(?!\w)")),
    ("a long number", re.compile(r"\d{6,}")),
    (
        "a name or number after a word that announces one",
        re.compile(
            r"\b(?:name|surname|patient|pat|mrn|ssn|dob|born|birth ?date|date of birth|address|phone|tel|id|nhs)"
            r"\s*(?:no\.?|number|id|#)?\s*[:=]\s*\S",
            re.IGNORECASE,
        ),
    ),
    (
        "a title with a name",
        re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Herr|Frau|Mme|Señor|Sra?)\b\.?\s+[A-ZÀ-Ý][\w'’-]+"),
    ),
)


def trace_of(text: str) -> str:
    """Return what in a text may identify a person, in words; empty where nothing was found."""
    return next((words for words, pattern in _TRACES if pattern.search(text)), "")
