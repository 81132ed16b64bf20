"""What signed readings amount to: pure, no database."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from studies.consensus import Reading, image_label, label_of, reading_for, status_of
from studies.states import ImageLabel, ImageVerdict, ReviewKind, ReviewMode, StudyStatus, Verdict

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
AP, LL = uuid.UUID(int=1), uuid.UUID(int=2)


def reading(minute, verdict="fracture", *, kind="reading", mode="assisted", reader=None, **images):
    return Reading(
        review=uuid.UUID(int=1000 + minute),
        reader=uuid.UUID(int=reader or 500 + minute),
        kind=ReviewKind(kind),
        mode=ReviewMode(mode),
        verdict=Verdict(verdict),
        signed_at=START + timedelta(minutes=minute),
        images={{"ap": AP, "ll": LL}[name]: ImageVerdict(value) for name, value in images.items()},
    )


@pytest.mark.parametrize(
    ("readings", "required", "blind_first", "status", "verdict"),
    [
        ([], 1, False, "AWAITING", None),
        ([reading(1)], 1, False, "REVIEWED", "fracture"),
        ([reading(1)], 2, False, "AWAITING", "fracture"),
        ([reading(1, "no_fracture", mode="blind", reader=7), reading(2, reader=7)], 2, False, "AWAITING", "fracture"),
        ([reading(1, "no_fracture", mode="blind", reader=7), reading(2, reader=7), reading(3, mode="blind")], 2, False,
         "REVIEWED", "fracture"),
        ([reading(1), reading(2)], 2, False, "REVIEWED", "fracture"),
        ([reading(1), reading(2, "no_fracture")], 2, False, "DISPUTED", None),
        ([reading(1), reading(2, "not_assessable")], 2, False, "DISPUTED", None),
        ([reading(1), reading(2), reading(3, "no_fracture")], 3, False, "DISPUTED", None),
        ([reading(1), reading(2, "no_fracture"), reading(3, "no_fracture", kind="adjudication")], 2, False, "REVIEWED",
         "no_fracture"),
        ([reading(1, mode="blind")], 1, True, "AWAITING", None),
        ([reading(1, "no_fracture", mode="blind", reader=7), reading(2, reader=7)], 1, True, "REVIEWED", "fracture"),
        ([reading(1, mode="blind", reader=7), reading(2, "no_fracture", reader=7), reading(3, "no_fracture")], 2, True,
         "REVIEWED", "no_fracture"),
        ([reading(1, mode="blind")], 1, False, "REVIEWED", "fracture"),
    ],
)  # fmt: skip
def test_status_and_label(readings, required, blind_first, status, verdict):
    assert status_of(readings, required=required, blind_first=blind_first) == StudyStatus(status)
    label = label_of(readings, blind_first=blind_first)
    assert (label.verdict if label else None) == (Verdict(verdict) if verdict else None)


@pytest.mark.parametrize(
    ("readings", "labels"),
    [
        ([reading(1)], ("unlocated", "unlocated")),
        ([reading(1, ap="fracture_visible")], ("fracture", "unlocated")),
        ([reading(1, ap="fracture_visible", ll="not_visible_here")], ("fracture", "not_visible_here")),
        ([reading(1, ap="fracture_visible", ll="no_fracture")], ("fracture", "no_fracture")),
        ([reading(1, ap="fracture_visible", ll="not_assessable")], ("fracture", "not_assessable")),
        ([reading(1, ap="fracture_visible"), reading(2, ap="not_visible_here")], ("unlocated", "unlocated")),
        ([reading(1, ap="fracture_visible"), reading(2)], ("fracture", "unlocated")),
        ([reading(1, "no_fracture")], ("no_fracture", "no_fracture")),
        ([reading(1, "no_fracture", ap="not_assessable")], ("not_assessable", "no_fracture")),
        ([reading(1, "no_fracture", ap="not_visible_here")], ("no_fracture", "no_fracture")),
        ([reading(1, "not_assessable", ap="no_fracture")], ("not_assessable", "not_assessable")),
    ],
)
def test_an_unmarked_image_of_a_fracture_study_is_never_negative(readings, labels):
    label = label_of(readings)
    assert (image_label(label, AP), image_label(label, LL)) == tuple(ImageLabel(value) for value in labels)


def test_an_image_takes_its_boxes_from_the_latest_reading_that_marked_it():
    first, second = reading(1, ap="fracture_visible"), reading(2)
    label = label_of([second, first])
    assert label.deciding == second
    assert reading_for(label, AP) == first
    assert reading_for(label, LL) == second
