"""Everything that the viewer can be told to do, and what it does to the picture on the screen."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.browser import harness
from tests.browser.test_viewer import changed, drag, findings, ready, screen, state

pytestmark = pytest.mark.browser
ROWS, COLUMNS = 400, 300
UPRIGHT = (230, 150, 80, 15)  # upper left, upper right, lower left, lower right


def quarters(shades=UPRIGHT, bits=12):
    """Four plain quarters of these greys (of 255), so that every turn and flip shows."""
    top = np.hstack([np.full((ROWS // 2, COLUMNS // 2), shade / 255) for shade in shades[:2]])
    low = np.hstack([np.full((ROWS // 2, COLUMNS // 2), shade / 255) for shade in shades[2:]])
    return np.rint(np.vstack([top, low]) * (2**bits - 1)).astype(np.uint16)


def look(page, pane=0):
    """The greys of a pane as the screen shows them."""
    page.wait_for_timeout(80)
    stage = page.locator(".stage").nth(pane)
    return np.asarray(Image.open(io.BytesIO(stage.screenshot())).convert("RGB")).astype(float)


def seen(page):
    """The greys of the picture's quarters on the screen, where it lies fitted, plus whether it is upright."""
    corners = np.array([screen(page, 0, 0), screen(page, COLUMNS, ROWS)])
    stage = page.locator(".stage").first.bounding_box()
    left, top = corners.min(0) - [stage["x"], stage["y"]]
    right, bottom = corners.max(0) - [stage["x"], stage["y"]]
    shot = look(page)
    places = [(left + (right - left) * u, top + (bottom - top) * v) for v in (0.3, 0.7) for u in (0.3, 0.7)]
    return tuple(round(shot[int(y), int(x), 1]) for x, y in places)


def act(page, name):
    return page.evaluate("name => window.bonefrac.viewer.act(name)", name)


def settled(page):
    """Wait until what was told is drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def badges(page):
    settled(page)
    return [badge.inner_text() for badge in page.locator(".stage >> nth=0").locator(".badge:visible").all()]


@pytest.fixture
def page(site, open_page):
    pixels = quarters()
    image = site.image(
        "one", harness.part10(pixels), ROWS, COLUMNS, preview=harness.png(pixels),
        windows=[{"name": "", "centre": 2048, "width": 4096}, {"name": "BONE", "centre": 3000, "width": 1000}],
    )  # fmt: skip
    limb = harness.bone(ROWS, COLUMNS)
    other = site.image("two", harness.part10(limb), ROWS, COLUMNS, preview=harness.png(limb))
    page = open_page(site.reading([image, other]))
    ready(page, "one")
    return page


def close_to(values, expected, off=2):
    return values == pytest.approx(expected, abs=off)


def test_turns_and_flips_show_on_the_picture_and_carry_their_badge(page):
    ul, ur, ll, lr = UPRIGHT
    assert close_to(seen(page), UPRIGHT)
    assert badges(page) == ["full depth"]
    steps = [
        ("rotateRight", (ll, ul, lr, ur), ["full depth", "turned 90°"]),
        ("rotateLeft", UPRIGHT, ["full depth"]),
        ("rotateLeft", (ur, lr, ul, ll), ["full depth", "turned 270°"]),
        ("reset", UPRIGHT, ["full depth"]),
        ("flipHorizontal", (ur, ul, lr, ll), ["full depth", "flipped left to right"]),
        ("flipHorizontal", UPRIGHT, ["full depth"]),
        ("flipVertical", (ll, lr, ul, ur), ["full depth", "flipped top to bottom"]),
        ("flipHorizontal", (lr, ll, ur, ul), ["full depth", "turned 180°"]),
        ("reset", UPRIGHT, ["full depth"]),
        # Flips are of what is seen, however it is turned.
        ("rotateRight", (ll, ul, lr, ur), ["full depth", "turned 90°"]),
        ("flipHorizontal", (ul, ll, ur, lr), ["full depth", "flipped", "turned 270°"]),
        ("flipVertical", (ur, lr, ul, ll), ["full depth", "turned 270°"]),
        ("undo", (ul, ll, ur, lr), ["full depth", "flipped", "turned 270°"]),
        ("undo", (ll, ul, lr, ur), ["full depth", "turned 90°"]),
        ("undo", UPRIGHT, ["full depth"]),
        ("redo", (ll, ul, lr, ur), ["full depth", "turned 90°"]),
        ("reset", UPRIGHT, ["full depth"]),
    ]
    for name, expected, words in steps:
        assert act(page, name) is True
        assert close_to(seen(page), expected), name
        assert badges(page) == words, name


def test_greys_windows_presets_and_inversion(page):
    assert act(page, "invert") is True
    assert close_to(seen(page), tuple(255 - grey for grey in UPRIGHT))
    assert badges(page) == ["full depth", "inverted"]
    assert page.get_attribute('[data-act="invert"]', "aria-pressed") == "true"
    act(page, "invert")
    shown = {}
    for number in range(1, 6):
        assert act(page, f"preset{number}") is True
        shown[number] = seen(page)
    assert close_to(shown[1], UPRIGHT)
    assert shown[2][0] == 255, "all greys: the brightest is white"
    assert shown[2][3] == 0, "and the darkest black"
    assert shown[3][3] == shown[3][2] == 0, "bone: the darker half is black"
    assert shown[4][1] == 255, "soft tissue: the brighter half is white"
    # The file's own second window, by its name: 2500 to 3500 of 4095.
    page.select_option("[data-windows]", label="BONE")
    expected = [min(255, max(0, (grey / 255 * 4095 - 2500) / 999 * 255)) for grey in UPRIGHT]
    assert close_to(seen(page), tuple(expected))
    assert page.input_value("[data-windows]") == "file-1"
    page.locator('.tools [data-act="undo"]').click()
    assert seen(page) == shown[5]
    act(page, "preset1")
    assert close_to(seen(page), UPRIGHT)
    # On a picture with many greys, no two presets are the same.
    act(page, "nextImage")
    ready(page, "two")
    pictures = []
    for number in range(1, 6):
        act(page, f"preset{number}")
        pictures.append(look(page)[..., 1])
    apart = [np.abs(one - other).mean() for at, one in enumerate(pictures) for other in pictures[:at]]
    assert min(apart) > 1


def test_zoom_pan_fit_and_the_tools_that_drag(page):
    fitted = int(state(page, "zoom"))
    width = screen(page, COLUMNS, 0)[0] - screen(page, 0, 0)[0]
    assert act(page, "zoomIn") is True
    assert screen(page, COLUMNS, 0)[0] - screen(page, 0, 0)[0] == pytest.approx(width * 1.25, abs=1)
    act(page, "zoomOut")
    assert screen(page, COLUMNS, 0)[0] - screen(page, 0, 0)[0] == pytest.approx(width, abs=1)
    middle = screen(page, COLUMNS / 2, ROWS / 2)
    act(page, "zoomTool")
    drag(page, middle, (middle[0], middle[1] - 150))
    assert int(changed(page, "zoom", str(fitted))) == pytest.approx(fitted * 2.718, rel=0.02)
    assert screen(page, COLUMNS / 2, ROWS / 2) == pytest.approx(middle, abs=1)
    act(page, "panTool")
    drag(page, middle, (middle[0] + 60, middle[1] + 45))
    assert screen(page, COLUMNS / 2, ROWS / 2) == pytest.approx([middle[0] + 60, middle[1] + 45], abs=1)
    stage = page.locator(".stage").bounding_box()
    shot = look(page)
    # The border between the four quarters is where the pan left it.
    x, y = int(middle[0] + 60 - stage["x"]), int(middle[1] + 45 - stage["y"])
    assert close_to(
        (shot[y - 9, x - 9, 1], shot[y - 9, x + 9, 1], shot[y + 9, x - 9, 1], shot[y + 9, x + 9, 1]), UPRIGHT
    )
    act(page, "flipHorizontal")
    act(page, "fit")
    assert close_to(seen(page), (UPRIGHT[1], UPRIGHT[0], UPRIGHT[3], UPRIGHT[2])), "fitting does not turn back"
    act(page, "windowTool")
    wide = state(page, "ww")
    drag(page, middle, (middle[0] + 80, middle[1]))
    assert int(changed(page, "ww", wide)) > int(wide)
    page.mouse.move(*middle)
    page.mouse.down(button="middle")
    page.mouse.move(middle[0] + 30, middle[1], steps=3)
    page.mouse.up(button="middle")
    assert screen(page, COLUMNS / 2, ROWS / 2)[0] == pytest.approx(middle[0] + 30, abs=1)


def test_panning_follows_the_hand_however_the_image_is_turned_or_flipped(page):
    act(page, "panTool")
    act(page, "zoomIn")
    for name in ("flipHorizontal", "rotateRight", "flipVertical", "rotateLeft", "flipHorizontal"):
        act(page, name)
        here = screen(page, 100, 150)
        drag(page, here, (here[0] + 25, here[1] + 40))
        assert screen(page, 100, 150) == pytest.approx([here[0] + 25, here[1] + 40], abs=1), name
        x, y = screen(page, 200, 300)
        assert page.evaluate("([x, y]) => window.bonefrac.viewer.toImage(x, y)", [x, y]) == pytest.approx([200, 300])
        # What the map says is what is drawn: the quarters lie where their points are said to be.
        shot, stage = look(page), page.locator(".stage").bounding_box()
        for (px, py), grey in zip(((130, 180), (170, 180), (130, 220), (170, 220)), UPRIGHT, strict=True):
            sx, sy = screen(page, px, py)
            assert shot[int(sy - stage["y"]), int(sx - stage["x"]), 1] == pytest.approx(grey, abs=2), name


def test_the_magnifier_shows_the_radiographs_own_pixels(site, open_page):
    pixels = np.full((1200, 900), 400, np.uint16)
    pixels[600:604:2, 448:454] = 4000  # two lines, one pixel apart: the fitted screen cannot show them
    image = site.image("fine", harness.part10(pixels), 1200, 900, preview=harness.png(pixels))
    page = open_page(site.reading([image]))
    ready(page, "fine")
    x, y = screen(page, 451, 602)
    act(page, "magnifierTool")
    page.mouse.move(x - 5, y)
    page.mouse.move(x, y)
    page.wait_for_selector(".stage__lens:visible")
    shot, stage = look(page), page.locator(".stage").bounding_box()
    at = (int(x - stage["x"]), int(y - stage["y"]))
    column = shot[at[1] - 60 : at[1] + 60, at[0], 1]
    bright = column > 150
    assert np.count_nonzero(np.diff(bright.astype(int)) == 1) == 2, "both lines are told apart"
    assert np.abs(column[:20] - 400 / 4095 * 255).max() <= 2
    page.mouse.move(5, 5)
    page.wait_for_selector(".stage__lens", state="hidden")
    act(page, "cancel")
    assert state(page, "mode") == "window"


def measured(page):
    return page.locator(".measure-words").all_text_contents()


def measurements(page):
    return json.loads(page.input_value('[name="measurements"]'))


def test_lengths_are_said_in_the_unit_that_the_file_allows(site, open_page):
    """One across and one down, of 100 pixels each, on pixels twice as high as wide."""
    pixels, entries = quarters(), []
    for name, kind, known in (
        ("patient", "patient", {"PixelSpacing": [0.2, 0.1]}),
        ("detector", "detector", {"PixelSpacing": [0.2, 0.1]}),
        ("unknown", None, {}),
    ):
        spacing = {"row": 0.2, "column": 0.1, "kind": kind} if kind else None
        dicom = harness.part10(pixels, **known)
        entries.append(site.image(name, dicom, ROWS, COLUMNS, preview=harness.png(pixels), spacing=spacing))
    page = open_page(site.reading(entries))
    said = {
        "patient": [(10, "mm"), (20, "mm")],
        "detector": [(10, "mm (detector plane)"), (20, "mm (detector plane)")],
        "unknown": [(100, "px"), (100, "px")],
    }
    for position, (name, expected) in enumerate(said.items()):
        act(page, "lastImage" if position == 2 else "nextImage" if position else "firstImage")
        ready(page, name)
        before = look(page)
        act(page, "lengthTool")
        drag(page, screen(page, 50, 100), screen(page, 150, 100))
        drag(page, screen(page, 200, 150), screen(page, 200, 250))
        settled(page)
        words = [one.split(" ", 1) for one in measured(page)]
        assert [unit for _number, unit in words] == [unit for _number, unit in expected]
        assert [float(number) for number, _unit in words] == pytest.approx(
            [number for number, _unit in expected], rel=0.02
        )
        assert np.abs(look(page) - before).max() > 50, "the lines are on the picture"
    assert [one["kind"] for one in measurements(page)] == ["length"] * 6
    assert findings(page) == [], "a measurement is no finding"
    act(page, "undo")
    assert len(measurements(page)) == 5
    act(page, "redo")
    assert len(measurements(page)) == 6
    assert act(page, "deleteChosen") is False, "after redo nothing is chosen"
    act(page, "windowTool")
    page.mouse.click(*screen(page, 100, 100))
    assert act(page, "deleteChosen") is True
    assert len(measurements(page)) == 5


def test_full_screen_is_more_room_for_the_image_and_the_form_stays(page):
    before = page.locator(".stage").bounding_box()
    page.click('[data-act="fullScreen"]')
    page.wait_for_function(
        "() => document.fullscreenElement && document.querySelector('[data-act=fullScreen][aria-pressed=true]')"
    )
    settled(page)
    after = page.locator(".stage").bounding_box()
    assert after["height"] > before["height"]
    assert page.is_visible("[data-sign]")
    assert close_to(seen(page), UPRIGHT)
    act(page, "fullScreen")
    page.wait_for_function("() => !document.fullscreenElement")


def test_an_angle_is_that_of_the_plane_and_its_ends_can_be_moved(site, open_page):
    pixels = quarters()
    dicom = harness.part10(pixels, PixelSpacing=[0.2, 0.1])
    image = site.image(
        "one",
        dicom,
        ROWS,
        COLUMNS,
        preview=harness.png(pixels),
        spacing={"row": 0.2, "column": 0.1, "kind": "detector"},
    )
    page = open_page(site.reading([image]))
    ready(page, "one")
    act(page, "angleTool")
    drag(page, screen(page, 200, 200), screen(page, 100, 200))
    page.mouse.move(*screen(page, 150, 150))
    page.mouse.click(*screen(page, 200, 150))
    page.wait_for_function("() => document.querySelector('[name=measurements]').value.length > 4")
    settled(page)
    # 10 mm along, 10 mm up: 45 degrees in the plane, though the pixels run 2 to 1.
    assert float(measured(page)[0].rstrip("°")) == pytest.approx(45, abs=1)
    act(page, "windowTool")
    wide = state(page, "ww")
    drag(page, screen(page, 200, 150), screen(page, 100, 100))
    page.wait_for_function("() => parseFloat(document.querySelector('.measure-words').textContent) > 88")
    assert float(measured(page)[0].rstrip("°")) == pytest.approx(90, abs=1)
    assert state(page, "ww") == wide, "the drag took hold of the end"
    act(page, "flipHorizontal")
    settled(page)
    assert float(measured(page)[0].rstrip("°")) == pytest.approx(90, abs=1)


def test_pixels_that_are_higher_than_wide_are_shown_so(site, open_page):
    pixels = quarters()
    dicom = harness.part10(pixels, PixelAspectRatio=[2, 1])
    page = open_page(site.reading([site.image("one", dicom, ROWS, COLUMNS, preview=harness.png(pixels), aspect=2.0)]))
    ready(page, "one")
    origin, along, down = screen(page, 0, 0), screen(page, 100, 0), screen(page, 0, 100)
    assert down[1] - origin[1] == pytest.approx(2 * (along[0] - origin[0]))
    assert close_to(seen(page), UPRIGHT)
    act(page, "rotateRight")
    origin, along, down = screen(page, 0, 0), screen(page, 100, 0), screen(page, 0, 100)
    assert origin[0] - down[0] == pytest.approx(2 * (along[1] - origin[1]))
    assert close_to(seen(page), (UPRIGHT[2], UPRIGHT[0], UPRIGHT[3], UPRIGHT[1]))
