"""What a study's current reviews amount to: its status and its label. Pure; reads and writes nothing.

A label is not a table: it is this projection, and becomes a fact only when a dataset is frozen. A model's output is
never a label.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

from studies.contradictions import Difference, Mark, contradiction
from studies.states import ImageLabel, ImageVerdict, ReviewKind, ReviewMode, StudyStatus, Verdict


@dataclass(frozen=True, slots=True)
class Reading:
    """One signed, unsuperseded judgement of the current round."""

    review: uuid.UUID
    reader: uuid.UUID
    kind: ReviewKind
    mode: ReviewMode
    verdict: Verdict
    signed_at: datetime
    images: Mapping[uuid.UUID, ImageVerdict]
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class Label:
    """What the readers of a study agreed on, and the readings that say so, latest last."""

    verdict: Verdict
    readings: tuple[Reading, ...]

    @property
    def deciding(self) -> Reading:
        """The latest of the readings that made the label."""
        return self.readings[-1]


def counting(readings: Sequence[Reading], *, blind_first: bool) -> tuple[Reading, ...]:
    """Return the readings that count, one a reader, oldest first.

    Of a reader who looked twice the second look counts. Where a site reads blind first, a reader counts only after it,
    so that their blind row alone does not; where it no longer does, the blind row of who never looked again counts.
    """
    own = [reading for reading in readings if reading.kind == ReviewKind.READING]
    seconds = {reading.reader for reading in own if reading.mode == ReviewMode.ASSISTED}
    own = [
        reading
        for reading in own
        if reading.mode == ReviewMode.ASSISTED or not (blind_first or reading.reader in seconds)
    ]
    return tuple(sorted(own, key=lambda reading: (reading.signed_at, reading.review)))


def label_of(readings: Sequence[Reading], *, blind_first: bool = False) -> Label | None:
    """Return the label: an adjudication wins, else what all counting readings say without contradiction, else none."""
    adjudications = sorted(
        (reading for reading in readings if reading.kind == ReviewKind.ADJUDICATION),
        key=lambda reading: (reading.signed_at, reading.review),
    )
    if adjudications:
        return Label(adjudications[-1].verdict, (adjudications[-1],))
    own = counting(readings, blind_first=blind_first)
    if not own or difference_among(own):
        return None
    return Label(own[0].verdict, own)


def status_of(readings: Sequence[Reading], *, required: int, blind_first: bool) -> StudyStatus:
    """Return where people stand with a study whose current reviews are these."""
    if any(reading.kind == ReviewKind.ADJUDICATION for reading in readings):
        return StudyStatus.REVIEWED
    own = counting(readings, blind_first=blind_first)
    if len(own) < required:
        return StudyStatus.AWAITING
    return StudyStatus.DISPUTED if difference_among(own) else StudyStatus.REVIEWED


def difference_among(readings: Sequence[Reading]) -> Difference | None:
    """Return the weightiest contradiction between any two readings; None where all agree."""
    found = {
        contradiction(one.verdict, one.marks, other.verdict, other.marks) for one, other in combinations(readings, 2)
    }
    return next((difference for difference in Difference if difference in found), None)


def image_label(label: Label, image: uuid.UUID) -> ImageLabel:
    """Return an image's label within its study's.

    A study's verdict is not an image's label: in a study with a fracture an image that nobody marked, or that readers
    marked differently, is ``unlocated``, never negative.
    """
    marks = {reading.images[image] for reading in label.readings if image in reading.images}
    if label.verdict == Verdict.NOT_ASSESSABLE or marks == {ImageVerdict.NOT_ASSESSABLE}:
        return ImageLabel.NOT_ASSESSABLE
    if label.verdict == Verdict.NO_FRACTURE:
        return ImageLabel.NO_FRACTURE
    named = {
        ImageVerdict.FRACTURE_VISIBLE: ImageLabel.FRACTURE,
        ImageVerdict.NO_FRACTURE: ImageLabel.NO_FRACTURE,
        ImageVerdict.NOT_VISIBLE_HERE: ImageLabel.NOT_VISIBLE_HERE,
    }
    return named[marks.pop()] if len(marks) == 1 else ImageLabel.UNLOCATED


def reading_for(label: Label, image: uuid.UUID) -> Reading:
    """Return the reading whose boxes an image takes: the latest that marked it, else the deciding one."""
    marked = [reading for reading in label.readings if image in reading.images]
    return marked[-1] if marked else label.deciding
