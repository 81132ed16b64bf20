"""Where a header and a person say different things of a study, in words."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from studies.models import Discrepancy, Study
from studies.states import BodyPart, Fact, Sex, Side

_WORDS: Final[dict[str, Any]] = {Fact.SIDE: Side, Fact.BODY_PART: BodyPart, Fact.SEX: Sex}


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """What nobody has answered yet: a sentence and its two answers, the header's first."""

    id: uuid.UUID
    sentence: str
    choices: tuple[tuple[str, str], ...]


def open_of(study: Study) -> tuple[OpenQuestion, ...]:
    """Return what the study's uploader or a lead still has to answer."""
    rows = study.discrepancies.filter(answered_at__isnull=True)
    return tuple(OpenQuestion(row.pk, in_words(row), _choices(row)) for row in rows)


def in_words(discrepancy: Discrepancy) -> str:
    """Return the question: "Side: the header says left, entered was right. Which is right?"."""
    return _("%(fact)s: the header says “%(header)s”, entered was “%(entered)s”. Which is right?") % {
        "fact": str(Fact(discrepancy.fact).label).capitalize(),
        "header": word_of(discrepancy.fact, discrepancy.header_value),
        "entered": word_of(discrepancy.fact, discrepancy.entered_value),
    }


def word_of(fact: str, value: str) -> str:
    """Return a side, part or sex as people read it."""
    return str(_WORDS[fact](value).label)


def _choices(row: Discrepancy) -> tuple[tuple[str, str], ...]:
    return tuple((value, word_of(row.fact, value)) for value in (row.header_value, row.entered_value))
