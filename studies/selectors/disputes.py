"""A dispute as the lead sees it who settles it: the readings without name and time, in an order that tells nothing.

Letters are given by a secret key over lead, study and reader: they stay while the lead looks, also when a reader
amends, and have nothing to do with who signed first. No key of a row is handed out, since keys sort by time.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bonefrac.accounts.pseudonyms import shuffle_key
from studies.consensus import counting, difference_among
from studies.models import Review, Study, StudyImage
from studies.policies import Standing, may_adjudicate
from studies.selectors.readings import as_reading, current_reviews
from studies.states import StudyStatus
from studies.terms import Shape
from studies.turns import is_reader_of_round, only_second_looks_count
from studies.wording import Fact, Names, facts_of, finding_in_words

if TYPE_CHECKING:
    from bonefrac.accounts.models import User

LETTERS: Final = "ABCDEFGH"
_SMALLEST: Final = 0.012


@dataclass(frozen=True, slots=True)
class DrawnMark:
    """A mark over a small picture, in pixels of the radiograph; a point is drawn as a small box."""

    x: float
    y: float
    width: float
    height: float
    words: str
    is_point: bool

    @property
    def label_y(self) -> float:
        """Where the letter beside the mark stands."""
        return self.y


@dataclass(frozen=True, slots=True)
class DrawnImage:
    """An image with the marks of one judgement."""

    image: uuid.UUID
    name: str
    columns: int
    rows: int
    marks: tuple[DrawnMark, ...]

    @property
    def stroke(self) -> float:
        """How large a point has to be to be seen on a small picture, in pixels of the radiograph."""
        return max(self.columns, self.rows) * _SMALLEST

    @property
    def line(self) -> float:
        """How thick a line has to be."""
        return self.stroke / 2

    @property
    def letter_size(self) -> float:
        """How large a letter has to be."""
        return self.stroke * 5


@dataclass(frozen=True, slots=True)
class AnonymousReading:
    """A reading with a letter in the place of its reader."""

    letter: str
    facts: tuple[Fact, ...]
    pictures: tuple[DrawnImage, ...]


@dataclass(frozen=True, slots=True)
class Dispute:
    """In what readings differ, in words, and what they say."""

    difference: str
    readings: tuple[AnonymousReading, ...]


def is_settling(user: User, study: Study, standing: Standing) -> bool:
    """Whether the person is one who may settle the study's dispute, and so must not know who said what."""
    is_disputed = study.status == StudyStatus.DISPUTED
    return is_disputed and may_adjudicate(standing, is_reader_of_round=is_reader_of_round(user, study))


def dispute_of(user: User, study: Study, images: Sequence[StudyImage], names: Names) -> Dispute:
    """Return the readings of a disputed study for one lead; whether they may see it was decided before."""
    reviews = {review.pk: review for review in current_reviews([study])}
    readings = [as_reading(review) for review in reviews.values()]
    own = counting(readings, blind_first=only_second_looks_count(study, readings))
    shown_to = (str(study.pk), str(study.round), str(user.pk))
    shuffled = sorted(own, key=lambda row: shuffle_key(study.site, "dispute", *shown_to, str(row.reader)))
    difference = difference_among(own)
    return Dispute(
        difference=str(difference.label) if difference else "",
        readings=tuple(
            AnonymousReading(letter, facts_of(reviews[row.review], names), drawn(reviews[row.review], images, names))
            for letter, row in zip(LETTERS, shuffled, strict=False)
        ),
    )


def drawn(review: Review, images: Sequence[StudyImage], names: Names) -> tuple[DrawnImage, ...]:
    """Return the images of a study on which a review has marks, with these marks."""
    marks = {
        reading.study_image_id: tuple(
            DrawnMark(row.x, row.y, row.width, row.height, finding_in_words(row), row.shape == Shape.POINT)
            for row in reading.findings.all()
        )
        for reading in review.image_readings.all()
    }
    return tuple(
        DrawnImage(image.pk, names[image.pk], image.radiograph.columns, image.radiograph.rows, marks[image.pk])
        for image in images
        if marks.get(image.pk)
    )
