"""Where each image of a study hangs: by view, then side, then in order; never more than four viewports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonefrac.db import new_id
from studies.dicom.headers import WORDS
from studies.hanging import ORDER_OF_VIEWS, VIEWPORTS, Hung, hang
from studies.states import Side


def study(*images):
    """Images written as 'view side'."""
    parts = [image.partition(" ") for image in images]
    made = [Hung(new_id(), view, side, position=place) for place, (view, _, side) in enumerate(parts)]
    return made, {one.id: text for one, text in zip(made, images, strict=True)}


def hung(*images):
    made, names = study(*images)
    return [[names[key] for key in stack] for stack in hang(made)]


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (["AP left"], [["AP left"]]),
        (["LAT left", "AP left"], [["AP left"], ["LAT left"]]),
        (["OBL left", "LL left", "PA left"], [["PA left"], ["LL left"], ["OBL left"]]),
        ([" left", "LAT left", "AP left"], [["AP left"], ["LAT left"], [" left"]]),
        (["AP left", "AP right"], [["AP right"], ["AP left"]]),
        (["LAT left", "LAT right", "AP left", "AP right"], [["AP right"], ["AP left"], ["LAT right"], ["LAT left"]]),
        (["AX unknown", "OBL unknown"], [["OBL unknown"], ["AX unknown"]]),
    ],
)
def test_few_images_stand_side_by_side(images, expected):
    assert hung(*images) == expected


def test_more_images_share_the_viewport_of_their_view_and_side():
    images = ["AP left", "AP left", "LAT left", "LAT left", "OBL left"]
    assert hung(*images) == [["AP left", "AP left"], ["LAT left", "LAT left"], ["OBL left"]]


def test_images_without_a_view_are_dealt_out_in_the_order_in_which_they_came():
    made, _names = study(*[" unknown"] * 6)
    keys = [one.id for one in made]
    assert hang(made) == [keys[:2], keys[2:4], keys[4:5], keys[5:]]


def test_every_view_that_a_header_may_name_has_its_place():
    assert set(ORDER_OF_VIEWS) == WORDS["ViewPosition"]


images_of_any_study = st.lists(
    st.builds(
        Hung,
        id=st.uuids(),
        view=st.sampled_from(["", *ORDER_OF_VIEWS, "XYZ"]),
        side=st.sampled_from(Side.values),
        position=st.integers(0, 30),
    ),
    max_size=14,
    unique_by=lambda image: image.id,
)


@given(images_of_any_study)
def test_every_image_hangs_exactly_once_and_no_viewport_is_empty(images):
    stacks = hang(images)
    assert len(stacks) <= VIEWPORTS
    assert all(stacks)
    assert sorted(key for stack in stacks for key in stack) == sorted(image.id for image in images)
