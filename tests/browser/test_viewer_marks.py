"""Boxes and points: drawn, moved, resized, chosen and taken back, by mouse and by keyboard, kept to the last digit."""

import json

import numpy as np
import pytest

from tests.browser import harness
from tests.browser.test_viewer import drag, findings, ready, screen, state
from tests.browser.test_viewer_actions import act, look

pytestmark = pytest.mark.browser
ROWS, COLUMNS = 800, 600
TEAL = (86, 203, 176)
VIOLET = (183, 156, 244)


@pytest.fixture
def study(site):
    pixels = harness.bone(ROWS, COLUMNS)
    return [
        site.image("ap", harness.part10(pixels), ROWS, COLUMNS, preview=harness.png(pixels), with_map=True),
        site.image("lat", harness.part10(pixels), ROWS, COLUMNS, preview=harness.png(pixels), label="LAT left"),
    ]


def place(mark):
    return [mark["x"], mark["y"], mark["width"], mark["height"]]


def coloured(page, colour, x, y, reach=3):
    """Whether the screen has a colour near a radiograph's point."""
    shot, stage = look(page), page.locator(".stage").first.bounding_box()
    sx, sy = screen(page, x, y)
    sx, sy = int(sx - stage["x"]), int(sy - stage["y"])
    near = shot[sy - reach : sy + reach + 1, sx - reach : sx + reach + 1]
    return bool((np.abs(near - colour).max(-1) < 40).any())


def test_a_chosen_box_is_moved_by_its_edge_and_resized_by_its_handles(site, study, open_page):
    page = open_page(site.reading(study))
    ready(page)
    act(page, "boxTool")
    drag(page, screen(page, 200, 300), screen(page, 300, 400))
    assert place(findings(page)[0]) == pytest.approx([200, 300, 100, 100], abs=2)
    assert coloured(page, TEAL, 200, 350)
    # The upper edge, away from its handles, moves the whole; the tool is still the box.
    drag(page, screen(page, 225, 300), screen(page, 275, 340))
    assert len(findings(page)) == 1
    assert place(findings(page)[0]) == pytest.approx([250, 340, 100, 100], abs=3)
    drag(page, screen(page, 350, 440), screen(page, 400, 520))
    assert place(findings(page)[0]) == pytest.approx([250, 340, 150, 180], abs=4)
    drag(page, screen(page, 250, 430), screen(page, 220, 430))
    assert place(findings(page)[0]) == pytest.approx([220, 340, 180, 180], abs=4)
    assert coloured(page, TEAL, 220, 400)
    assert not coloured(page, TEAL, 200, 350)
    # A corner dragged past the other side turns the box over; nothing leaves the radiograph.
    drag(page, screen(page, 220, 340), screen(page, COLUMNS + 50, ROWS + 30))
    x, y, width, height = place(findings(page)[0])
    assert [x, y] == pytest.approx([400, 520], abs=4)
    assert [x + width, y + height] == [COLUMNS, ROWS]
    for _ in range(5):
        assert act(page, "undo") is True
    assert findings(page) == []
    assert act(page, "undo") is False


def test_points_are_put_moved_and_said_more_of(site, study, open_page):
    page = open_page(site.reading(study))
    ready(page)
    act(page, "pointTool")
    page.mouse.click(*screen(page, 400, 500))
    (mark,) = findings(page)
    assert (mark["kind"], mark["width"], mark["height"]) == ("point", 0, 0)
    assert [mark["x"], mark["y"]] == pytest.approx([400, 500], abs=1)
    assert coloured(page, TEAL, 400, 500)
    assert page.is_checked('input[name="image-ap"][value="fracture_visible"]')
    drag(page, screen(page, 400, 500), screen(page, 430, 520))
    assert [findings(page)[0]["x"], findings(page)[0]["y"]] == pytest.approx([430, 520], abs=2)
    for name, value in (("bone", "radius"), ("side", "left"), ("type", "buckle"), ("confidence", "probable")):
        page.evaluate("([name, value]) => window.bonefrac.viewer.marks.setField(0, name, value)", [name, value])
    mark = findings(page)[0]
    assert [mark[name] for name in ("bone", "side", "type", "confidence")] == ["radius", "left", "buckle", "probable"]
    page.evaluate("() => window.bonefrac.viewer.marks.setField(0, 'bone', '')")
    assert findings(page)[0]["bone"] is None
    assert act(page, "deleteChosen") is True
    assert findings(page) == []
    assert act(page, "deleteChosen") is False
    act(page, "undo")
    assert findings(page)[0]["type"] == "buckle"


def test_marks_come_back_from_the_form_to_the_last_digit(site, study, open_page):
    given = [
        {"image": "ap", "kind": "box", "x": 10.1, "y": 20.7, "width": 30.3, "height": 0.1 + 0.2, "bone": "radius",
         "side": "left", "type": "buckle", "confidence": "definite"},
        {"image": "lat", "kind": "point", "x": 123.456789012345, "y": 1e-7, "width": 0, "height": 0, "bone": None,
         "side": None, "type": None, "confidence": None},
    ]  # fmt: skip
    lengths = [{"image": "ap", "kind": "length", "points": [[1 / 3, 2.5], [100.1, 200.2]]}]
    page = open_page(site.reading(study, findings=json.dumps(given), measurements=json.dumps(lengths)))
    ready(page)
    assert findings(page) == given
    # Something drawn beside them changes nothing of them: this is what a draft keeps and a reload brings back.
    page.evaluate("() => window.bonefrac.viewer.marks.add('ap', { x: 1, y: 2, width: 3, height: 4 })")
    page.evaluate("() => window.bonefrac.viewer.measurements.add('ap', 'angle', [[1, 2], [3, 4], [5.55, 6]])")
    kept = findings(page)
    assert kept[:2] == given
    measured = json.loads(page.input_value('[name="measurements"]'))
    assert measured[0] == lengths[0]
    again = open_page(site.reading(study, findings=json.dumps(kept), measurements=json.dumps(measured)))
    ready(again)
    again.wait_for_selector('#viewer[data-boxes="2"]')
    assert findings(again) == kept
    assert again.evaluate("() => window.bonefrac.viewer.marks.all") == kept
    assert again.evaluate("() => window.bonefrac.viewer.measurements.all") == measured


@pytest.mark.long
def test_a_field_that_cannot_be_read_breaks_nothing(site, study, open_page):
    page = open_page(site.reading(study, findings="[{", measurements="null"))
    ready(page)
    act(page, "boxTool")
    drag(page, screen(page, 200, 300), screen(page, 300, 400))
    assert len(findings(page)) == 1


def test_everything_is_drawn_and_moved_without_a_mouse(site, study, open_page):
    page = open_page(site.reading(study))
    ready(page)
    page.locator(".stage").focus()
    page.keyboard.press("Shift+ArrowRight")
    assert act(page, "boxTool") is True
    assert act(page, "boxTool") is True
    assert findings(page) == [], "a key pressed twice draws nothing"
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_selector('#viewer[data-boxes="1"]')
    x, y, width, height = place(findings(page)[0])
    assert [x + width / 2, y + height / 2] == pytest.approx([COLUMNS / 2, ROWS / 2], abs=2)
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    moved = place(findings(page)[0])
    assert moved[0] > x
    assert moved[1] > y
    assert moved[2:] == [width, height]
    page.keyboard.press("Control+ArrowRight")
    page.keyboard.press("Control+ArrowUp")
    resized = place(findings(page)[0])
    assert resized[2] > width
    assert resized[3] < height
    assert state(page, "image") == "ap", "the arrows went nowhere else"
    act(page, "pointTool")
    page.keyboard.press("Shift+ArrowLeft")
    act(page, "nextImage")
    ready(page, "lat")
    act(page, "lengthTool")
    page.keyboard.press("Shift+ArrowDown")
    assert [mark["kind"] for mark in findings(page)] == ["box", "point"]
    page.wait_for_selector(".measure-words", state="attached")
    # Marks are chosen one after another, over the images.
    assert act(page, "nextMark") is True
    ready(page, "ap")
    page.wait_for_selector("polygon.box.is-chosen", state="attached")
    act(page, "nextMark")
    page.wait_for_selector(".point.is-chosen", state="attached")
    act(page, "deleteChosen")
    assert [mark["kind"] for mark in findings(page)] == ["box"]


def test_regions_are_numbered_dotted_where_suspicious_and_solid_where_definite(site, study, open_page):
    study[1]["map"] = {
        **study[0]["map"],
        "certainty": "suspicious",
        "regions": [[0.1, 0.1, 0.3, 0.3], [0.6, 0.6, 0.9, 0.9]],
    }
    page = open_page(site.reading(study))
    ready(page)
    assert act(page, "nextRegion") is False, "nothing of the model before it is asked for"
    assert act(page, "toggleMap") is True
    page.wait_for_selector("polygon.region", state="attached")
    assert coloured(page, VIOLET, 0.8 * COLUMNS, 0.35 * ROWS)
    solid = [coloured(page, VIOLET, 0.8 * COLUMNS, (0.22 + step / 100) * ROWS, reach=1) for step in range(0, 24, 3)]
    assert all(solid)
    assert page.locator(".region-number").all_text_contents() == ["M1"]
    act(page, "nextImage")
    ready(page, "lat")
    page.wait_for_selector(".region-number >> nth=1", state="attached")
    assert "region--definite" not in page.get_attribute("polygon.region >> nth=0", "class")
    dash = page.evaluate("() => getComputedStyle(document.querySelector('polygon.region')).strokeDasharray")
    assert dash != "none"
    assert act(page, "nextRegion") is True
    page.wait_for_selector("polygon.region.is-chosen", state="attached")
    act(page, "nextRegion")
    page.wait_for_function("() => document.querySelectorAll('polygon.region')[1].classList.contains('is-chosen')")


def test_why_there_is_no_map_is_said(site, study, open_page):
    study[0]["map"] = None
    study[0]["map_reason"] = "No map: this version did not pass its localisation test."
    page = open_page(site.reading(study))
    ready(page)
    assert page.locator(".stage__map-name:visible").count() == 0
    assert act(page, "toggleMap") is True
    page.wait_for_selector(".stage__map-name:visible")
    assert "did not pass its localisation test" in page.inner_text(".stage__map-name")
    assert state(page, "map") == "off"
    act(page, "nextImage")
    ready(page, "lat")
    page.wait_for_selector(".stage__map-name", state="hidden")
    assert not page.is_visible("[data-map-tools]"), "where nothing is known of a map, none is offered"
