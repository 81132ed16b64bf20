"""The viewer in Chromium, under the policy that the platform sends: pixels, window, zoom, boxes, the model's map."""

import json

import pytest

from tests.browser import harness

pytestmark = pytest.mark.browser
ROWS, COLUMNS = 800, 600


@pytest.fixture
def study(site):
    """A study of two images with a map on the first."""
    ap = harness.bone(ROWS, COLUMNS)
    lateral = harness.bone(500, 900)
    return [
        site.image("ap", harness.part10(ap), ROWS, COLUMNS, preview=harness.png(ap), with_map=True),
        site.image("lat", harness.part10(lateral), 500, 900, preview=harness.png(lateral), label="LAT left"),
    ]


def ready(page, image="ap", state="full"):
    page.wait_for_selector(f'#viewer[data-image="{image}"][data-ready="{state}"]')
    page.wait_for_selector("#viewer[data-zoom]")


def state(page, name):
    return page.get_attribute("#viewer", f"data-{name}")


def changed(page, name, before):
    page.wait_for_function(
        "([name, before]) => document.getElementById('viewer').getAttribute('data-' + name) !== before",
        arg=[name, before],
    )
    return state(page, name)


def screen(page, x, y):
    return page.evaluate("([x, y]) => window.bonefrac.viewer.toScreen(x, y)", [x, y])


def drag(page, start, end, **options):
    page.mouse.move(*start)
    page.mouse.down(**options)
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*end)
    page.mouse.up(**options)


def grey_at(page, x, y):
    """The grey on the screen at a radiograph's point, 0 to 255."""
    import io

    from PIL import Image

    px, py = screen(page, x, y)
    shot = page.screenshot(clip={"x": px - 1, "y": py - 1, "width": 3, "height": 3})
    return Image.open(io.BytesIO(shot)).convert("RGB").getpixel((1, 1))


def findings(page):
    return json.loads(page.input_value('input[name="findings"]') or "[]")


def test_shows_full_depth_fitted_and_never_mirrored(site, study, open_page):
    page = open_page(site.reading(study))
    ready(page)
    # DICOM's window of 4096 around 2048 ends at 4095 - 0.5: Cornerstone shows one grey less.
    assert (state(page, "ww"), state(page, "wc")) == ("4095", "2048")
    assert page.is_visible('[data-badge="full"]')
    assert not page.is_visible('[data-badge="loading"]')
    left, top = screen(page, 0, 0)
    right, bottom = screen(page, COLUMNS, ROWS)
    stage = page.locator(".stage").bounding_box()
    assert right > left
    assert bottom > top
    assert bottom - top == pytest.approx(stage["height"], abs=1.5)
    assert left + right == pytest.approx(2 * stage["x"] + stage["width"], abs=2)
    assert grey_at(page, 20, 20)[0] > 240, "the bright corner is at the upper left"
    assert grey_at(page, COLUMNS - 20, 20)[0] < 60
    # A pixel's place on the screen is exact: the bright corner ends where the picture says.
    edge = COLUMNS // 8
    assert grey_at(page, edge - 3, 20)[0] > 200
    assert grey_at(page, edge + 3, 20)[0] < 90


def test_window_by_drag_invert_reset(site, study, open_page):
    page = open_page(site.reading(study))
    ready(page)
    before = state(page, "ww")
    dark = grey_at(page, COLUMNS - 20, 20)[0]
    drag(page, screen(page, 300, 400), screen(page, 420, 400))
    wide = changed(page, "ww", before)
    assert int(wide) > int(before)
    page.keyboard.press("i")
    page.wait_for_selector('#viewer[data-inverted="true"]')
    assert page.is_visible('[data-badge="inverted"]')
    assert grey_at(page, COLUMNS - 20, 20)[0] > dark + 100
    page.keyboard.press("Space")
    page.wait_for_selector(f'#viewer[data-inverted="false"][data-ww="{before}"]')
    assert grey_at(page, COLUMNS - 20, 20)[0] == pytest.approx(dark, abs=2)


def test_zoom_keeps_the_point_under_the_wheel_and_pan_follows_the_hand(site, study, open_page):
    page = open_page(site.reading(study))
    ready(page)
    before = state(page, "zoom")
    at = screen(page, 200, 300)
    page.mouse.move(*at)
    page.mouse.wheel(0, -400)
    changed(page, "zoom", before)
    assert int(state(page, "zoom")) > 2 * int(before)
    assert screen(page, 200, 300) == pytest.approx(at, abs=1)
    page.evaluate("() => window.bonefrac.viewer.act('panTool')")
    drag(page, at, (at[0] + 50, at[1] - 30))
    assert screen(page, 200, 300) == pytest.approx([at[0] + 50, at[1] - 30], abs=1)
    page.keyboard.press("r")
    page.wait_for_selector('#viewer[data-rotation="90"]')
    here = screen(page, 200, 300)
    drag(page, here, (here[0] + 40, here[1] + 20))
    assert screen(page, 200, 300) == pytest.approx([here[0] + 40, here[1] + 20], abs=1)
    zoomed = state(page, "zoom")
    page.keyboard.press("+")
    changed(page, "zoom", zoomed)
    page.keyboard.press("Space")
    page.wait_for_selector(f'#viewer[data-rotation="0"][data-zoom="{before}"]')


def test_turning_goes_clockwise_fits_and_does_not_mirror(site, study, open_page):
    page = open_page(site.reading(study))
    ready(page)
    page.keyboard.press("r")
    page.wait_for_selector('#viewer[data-rotation="90"]')
    stage = page.locator(".stage").bounding_box()
    origin, along, down = screen(page, 0, 0), screen(page, COLUMNS, 0), screen(page, 0, ROWS)
    assert along[1] > origin[1], "the rows run downwards"
    assert down[0] < origin[0], "the columns run to the left"
    assert down[0] >= stage["x"] - 1
    assert along[1] <= stage["y"] + stage["height"] + 1
    assert grey_at(page, 20, 20)[0] > 240


def test_boxes_are_drawn_in_pixels_of_the_radiograph_and_follow_the_view(site, study, open_page):
    page = open_page(site.reading(study))
    ready(page)
    page.keyboard.press("b")
    drag(page, screen(page, 250, 300), screen(page, 350, 420))
    page.wait_for_selector('#viewer[data-boxes="1"]')
    box = findings(page)[0]
    assert box["image"] == "ap"
    assert box["confidence"] is None
    assert [box["x"], box["y"], box["width"], box["height"]] == pytest.approx([250, 300, 100, 120], abs=2)
    assert page.is_checked('input[name="image-ap"][value="fracture_visible"]')
    assert page.locator('input[name="verdict"]:checked').count() == 0, "a box is no verdict"
    for key in ("+", "r"):
        page.keyboard.press(key)
        page.wait_for_function(
            """() => {
                const [x, y] = window.bonefrac.viewer.toScreen(250, 300);
                const box = document.querySelector('polygon.box').getBoundingClientRect();
                return Math.abs(box.x - x) < 3 || Math.abs(box.right - x) < 3;
            }"""
        )
    page.keyboard.press("Space")
    page.wait_for_selector('#viewer[data-rotation="0"]')
    # Outside the radiograph is cut off; a click draws nothing.
    drag(page, screen(page, 500, 700), screen(page, COLUMNS + 90, ROWS - 10))
    page.wait_for_selector('#viewer[data-boxes="2"]')
    assert findings(page)[1]["x"] + findings(page)[1]["width"] == COLUMNS
    page.mouse.click(*screen(page, 100, 100))
    assert len(findings(page)) == 2


def test_a_box_is_chosen_deleted_and_given_a_confidence_over_several_images(site, study, open_page):
    page = open_page(site.reading(study))
    ready(page)
    page.click('[data-tool="box"]')
    drag(page, screen(page, 100, 200), screen(page, 200, 300))
    page.wait_for_selector('#viewer[data-boxes="1"]')
    page.keyboard.press("ArrowDown")
    ready(page, "lat")
    page.wait_for_selector('#viewer[data-boxes="0"]')
    drag(page, screen(page, 400, 200), screen(page, 500, 260))
    page.wait_for_selector('#viewer[data-boxes="1"]')
    assert [box["image"] for box in findings(page)] == ["ap", "lat"]
    page.evaluate("() => window.bonefrac.viewer.marks.setField(1, 'confidence', 'probable')")
    assert findings(page)[1]["confidence"] == "probable"
    page.evaluate("() => window.bonefrac.viewer.goToMark(0)")
    ready(page, "ap")
    page.keyboard.press("Escape")
    page.keyboard.press("w")
    page.mouse.click(*screen(page, 150, 250))
    page.wait_for_selector("polygon.box.is-chosen")
    page.keyboard.press("Backspace")
    page.wait_for_selector('#viewer[data-boxes="0"]')
    assert [box["image"] for box in findings(page)] == ["lat"]


def test_boxes_of_a_draft_are_shown(site, study, open_page):
    given = [{"image": "ap", "x": 10, "y": 20, "width": 30, "height": 40, "confidence": "definite"}]
    page = open_page(site.reading(study, findings=json.dumps(given)))
    ready(page)
    page.wait_for_selector('#viewer[data-boxes="1"]')
    assert findings(page) == given


def test_the_map_is_off_until_asked_for_and_lies_where_the_model_looked(site, study, open_page):
    page = open_page(site.reading(study))
    ready(page)
    assert state(page, "map") == "off"
    hot = (COLUMNS * 4.5 / 7, ROWS * 2.5 / 7)
    cold = (COLUMNS * 1.5 / 7, ROWS * 5.5 / 7)
    before_hot, before_cold = grey_at(page, *hot), grey_at(page, *cold)
    assert page.locator("polygon.region").count() == 0
    page.keyboard.press("m")
    page.wait_for_selector('#viewer[data-map="on"]')
    page.wait_for_selector("polygon.region", state="attached")
    assert page.inner_text(".stage__map-name").startswith("where the model looked")
    assert "mobilenet_v2 3" in page.inner_text(".stage__map-name")
    red, green, blue = grey_at(page, *hot)
    assert blue > green, "violet"
    assert (red, green, blue) != before_hot
    assert grey_at(page, *cold) == before_cold
    x, y = map(float, page.get_attribute("polygon.region", "points").split(" ")[0].split(","))
    stage = page.locator(".stage").bounding_box()
    assert [stage["x"] + x, stage["y"] + y] == pytest.approx(screen(page, 0.5 * COLUMNS, 0.2 * ROWS), abs=1)
    page.locator("[data-map-opacity] input").fill("10")
    page.keyboard.press("m")
    page.wait_for_selector('#viewer[data-map="off"]')
    assert grey_at(page, *hot) == before_hot
    page.keyboard.press("ArrowDown")
    ready(page, "lat")
    assert not page.is_visible("[data-map-tools]"), "an image without a map offers none"


def test_who_may_not_read_sees_everything_and_draws_nothing(site, study, open_page):
    page = open_page(site.reading(study, can_read=False))
    ready(page)
    assert not page.is_visible('[data-tool="box"]')
    page.keyboard.press("b")
    assert state(page, "mode") == "window"
    drag(page, screen(page, 100, 200), screen(page, 200, 300))
    assert state(page, "boxes") == "0"


def test_an_instance_that_cannot_be_decoded_is_shown_as_its_preview_with_a_sentence(site, study, open_page):
    study[0]["dicom"] = "/nothing/here/"
    page = open_page(site.reading(study), allow=("404",))
    ready(page, state="failed")
    assert "could not be shown at full depth" in page.inner_text(".stage__problem")
    assert page.is_visible('[data-badge="preview"]')
    page.keyboard.press("b")
    drag(page, screen(page, 250, 300), screen(page, 350, 420))
    page.wait_for_selector('#viewer[data-boxes="1"]')
    box = findings(page)[0]
    assert [box["x"], box["y"], box["width"], box["height"]] == pytest.approx([250, 300, 100, 120], abs=3)
    page.keyboard.press("ArrowDown")
    ready(page, "lat")
    assert not page.is_visible(".stage__problem")


def test_an_instance_whose_pixels_are_damaged_is_shown_as_its_preview(site, study, open_page):
    pixels = harness.bone(ROWS, COLUMNS)
    good = harness.jpeg_ls(pixels, 12)
    site.files["/ap/instance/"] = ("application/dicom", good[: len(good) // 2])
    page = open_page(site.reading(study), allow=("insufficient data",))
    ready(page, state="failed")
    assert "could not be shown at full depth" in page.inner_text(".stage__problem")
    assert grey_at(page, 20, 20)[0] > 200, "the preview is on the screen"


def test_two_fingers_zoom_and_move_and_one_moves(site, study, open_page):
    page = open_page(site.reading(study), width=390, height=844, has_touch=True, is_mobile=True)
    ready(page)
    assert state(page, "mode") == "pan"
    touch = page.context.new_cdp_session(page)

    def fingers(kind, *points):
        touches = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    x, y = screen(page, 300, 400)
    before = state(page, "zoom")
    fingers("touchStart", (x - 20, y))
    fingers("touchStart", (x - 20, y), (x + 20, y))
    fingers("touchMove", (x - 40, y), (x + 40, y))
    fingers("touchMove", (x - 60, y), (x + 60, y))
    fingers("touchEnd")
    zoomed = changed(page, "zoom", before)
    assert int(zoomed) == pytest.approx(3 * int(before), rel=0.1)
    assert screen(page, 300, 400) == pytest.approx([x, y], abs=6)
    at = screen(page, 300, 400)
    fingers("touchStart", tuple(at))
    fingers("touchMove", (at[0] + 10, at[1] + 10))
    fingers("touchMove", (at[0] + 30, at[1] + 20))
    fingers("touchEnd")
    page.wait_for_function(
        "([x, y]) => Math.hypot(...window.bonefrac.viewer.toScreen(300, 400).map((v, i) => v - [x, y][i])) < 3",
        arg=[at[0] + 30, at[1] + 20],
    )
    grip = page.locator(".panel__grip")
    grip.click()
    assert grip.get_attribute("aria-expanded") == "true"
    assert page.locator("[data-sign]").bounding_box()["y"] < 844
