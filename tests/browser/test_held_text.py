"""A lead's page of text in the pixels, in a real browser: regions by mouse, touch and keyboard, and what is masked."""

from __future__ import annotations

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageDraw, ImageFont

from bonefrac.accounts.models import Role
from inference import radiographs
from studies import intake
from studies.models import IncomingFile
from tests import factories_intake as files
from tests import factories_studies as make
from tests.browser.test_rearranging import visit
from tests.browser.test_walk import look

__all__ = ["visit"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]

ROWS, COLUMNS = 1200, 900


def limb():
    """A drawn limb of 12 bits with a name in a corner and another that only a person sees, faintly."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    shade = 20 + 150 * np.exp(-(((x - 450 - 40 * np.sin(y / 260)) / 110) ** 2))
    image = Image.fromarray(np.clip(shade, 0, 235).astype(np.uint8))
    ImageDraw.Draw(image).text((40, 50), "SMITH JOHN", fill=255, font=ImageFont.load_default(40))
    ImageDraw.Draw(image).text((640, 50), "L", fill=255, font=ImageFont.load_default(60))
    return np.asarray(image).astype(np.uint16) * 16


@pytest.fixture
def held(transactional_db):
    site = make.site()
    uploader, lead = make.person(site, Role.UPLOADER), make.lead(site)
    (file,) = files.hand_in(uploader, site, files.dicom(files.dataset(limb())))
    assert file.code == "text_in_pixels"
    return lead, file


def chosen(page):
    return [[int(part) for part in text.split(",")] for text in
            page.eval_on_selector_all("[name=region]:checked", "all => all.map(one => one.value)")]  # fmt: skip


def axe_of(page):
    return [
        (found["id"], [node["html"][:120] for node in found["nodes"]])
        for found in Axe().run(page).response["violations"]
    ]


def test_a_lead_draws_moves_and_masks(held, visit):
    lead, file = held
    page = visit(lead, "/held/")
    look(page, "held-list")
    page.get_by_role("link", name="Look at the text").click()
    page.wait_for_selector("[data-regions][data-bound] .region")
    assert page.evaluate("document.querySelector('[data-stage] img').naturalHeight") == ROWS
    page.get_by_role("button", name="Take it on").click()
    page.wait_for_selector("text=(you)")
    (found,) = chosen(page)
    assert 15 <= found[0] <= 45
    named = np.argwhere(limb()[:120, :400] == 255 * 16)
    assert (named.min(axis=0) >= (found[1], found[0])).all()
    assert (named.max(axis=0) < (found[1] + found[3], found[0] + found[2])).all()
    stage = page.locator("[data-stage]").bounding_box()
    page.mouse.move(stage["x"] + stage["width"] * 0.6, stage["y"] + stage["height"] * 0.7)
    page.mouse.down()
    page.mouse.move(stage["x"] + stage["width"] * 0.8, stage["y"] + stage["height"] * 0.75, steps=5)
    page.mouse.up()
    _, drawn = chosen(page)
    assert abs(drawn[0] - COLUMNS * 0.6) <= 6
    assert abs(drawn[3] - ROWS * 0.05) <= 6
    look(page, "held-text")
    assert axe_of(page) == []
    page.get_by_role("button", name="Add a region").click()
    for key in ("ArrowUp", "ArrowLeft", "Shift+ArrowRight", "Control+ArrowLeft"):
        page.keyboard.press(key)
    *_, typed = chosen(page)
    assert typed == [(COLUMNS - 225) // 2 + 1 - 9, (ROWS - 100) // 2 - 8, 233, 100]
    page.keyboard.press("Delete")
    assert len(chosen(page)) == 2
    page.get_by_role("button", name="Mask these for good").click()
    page.wait_for_selector("text=The file is judged again")
    intake.judge(file.pk)
    done = IncomingFile.objects.select_related("study_image__radiograph").get(pk=file.pk)
    pixels = radiographs.frame_of(done.study_image.radiograph).pixels
    for left, top, width, height in (found, drawn):
        assert len(np.unique(pixels[top : top + height, left : left + width])) == 1
    assert (pixels[50:110, 640:680] == limb()[50:110, 640:680]).all()


def test_a_finger_draws_on_a_narrow_page_and_the_found_one_is_let_go(held, visit):
    lead, file = held
    page = visit(lead, f"/held/{file.pk}/text/", width=390, height=844, has_touch=True)
    page.wait_for_selector("[data-regions][data-bound] .region")
    stage = page.locator("[data-stage]").bounding_box()
    client = page.context.new_cdp_session(page)
    points = [(stage["x"] + stage["width"] * share, stage["y"] + stage["height"] * share) for share in (0.3, 0.4, 0.5)]
    for kind, place in zip(("touchStart", "touchMove", "touchMove"), points, strict=True):
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": place[0], "y": place[1]}]})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_selector(".choice--drawn")
    assert abs(chosen(page)[1][2] - COLUMNS * 0.2) <= 12
    page.locator("[data-region] input").uncheck()
    assert len(chosen(page)) == 1
    assert page.locator(".region--off").count() == 1
    assert axe_of(page) == []
