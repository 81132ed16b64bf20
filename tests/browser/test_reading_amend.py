"""An amendment in a browser: what was signed stands beside it, a reason is asked for, the history keeps both."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from studies.models import Review
from tests import factories_studies as make
from tests.browser import desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(200), pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("READING_SHOTS")


def look(page, name):
    """Take a picture where somebody wants to look at it."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), pytest.param(390, 844, marks=pytest.mark.long)])
def test_what_was_signed_is_amended_beside_it(visit, settings, width, height):
    settings.UNDO_SECONDS = 0
    site = make.site()
    reader = make.reader(site)
    study = desk.study(site, images=1, says="positive")
    image = study.images.get()
    make.signed(
        reader, study, "fracture", confidence="possible", note="Cortical step of the distal radius.", advice=("ct",),
        boxes=[make.box(image, 90, 150, 80, 70, bone="radius", type="transverse")], other_findings=("effusion",),
    )  # fmt: skip
    review = Review.objects.get()
    page = visit(reader, f"/reviews/{review.pk}/amend/", width=width, height=height, allow=("400",))
    desk.awake(page)
    before = page.locator(".before")
    before.scroll_into_view_if_needed()
    for words in ("fracture (acute)", "possible", "radius, transverse", "CT", "Cortical step"):
        assert words in before.inner_text(), words
    look(page, f"s-amend-{width}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    desk.look_at_all(page)
    page.locator("#id_note").fill("Old film seen: a healed fracture.")
    page.locator("[data-sign]").click()
    page.wait_for_selector("#notices:has-text('Say why the reading is amended')")
    look(page, f"s-amend-refused-{width}")
    assert page.locator("#id_note").input_value() == "Old film seen: a healed fracture."
    assert Review.objects.count() == 1
    page.locator("#id_amend_reason").fill("The old film came.")
    page.wait_for_timeout(500)  # the button is deaf to a second press of a double one
    page.locator("[data-sign]").click()
    page.wait_for_url(f"**/studies/{study.pk}/")
    amended = Review.objects.get(supersedes=review)
    assert (amended.note, amended.reason, amended.other_findings) == (
        "Old film seen: a healed fracture.", "The old film came.", ["effusion"],
    )  # fmt: skip
    shown = page.locator("main").inner_text()
    assert "The old film came." in shown
    assert "Cortical step of the distal radius." in shown
    look(page, f"s-amended-{width}")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), pytest.param(390, 844, marks=pytest.mark.long)])
def test_the_last_reading_of_a_list_is_taken_back_from_the_list(visit, width, height):
    site = make.site()
    reader = make.reader(site)
    study = desk.study(site, images=1)
    make.signed(reader, study, "fracture", note="Too quick.")
    page = visit(reader, "/", width=width, height=height)
    bar = page.locator("[data-undo]")
    bar.wait_for()
    look(page, f"s-undo-list-{width}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Tab")
    bar.locator("button").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{desk.address(study)}")
    desk.awake(page)
    assert page.locator("input[name=verdict]:checked").get_attribute("value") == "fracture"
    assert page.locator("#id_note").input_value() == "Too quick."
    look(page, f"s-undone-{width}")
