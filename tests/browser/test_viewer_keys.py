"""Every key of the picture is pressed on one page, and what the screen shows is held against what it showed before.

Looked at are the views alone, without the words that stand over them: a turn has to turn what is seen, an inversion has
to invert it, and what takes a thing back has to bring back the very same pixels.
"""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from PIL import Image

from bonefrac.accounts.pseudonyms import pixel_key
from inference import radiographs
from studies import keys, worklist
from tests import factories_studies as make
from tests.browser import desk
from tests.browser.harness import png
from tests.browser.test_reading_keys import ON_THE_FORM
from training.frames import decode_png

pytestmark = [pytest.mark.browser, pytest.mark.timeout(200), pytest.mark.django_db(transaction=True)]
USUAL = {action.name: action.key for action in keys.ACTIONS}
MODES = {
    "zoomTool": "zoom", "panTool": "pan", "lengthTool": "length", "angleTool": "angle", "pointTool": "point",
    "boxTool": "box", "magnifierTool": "magnifier", "windowTool": "window",
}  # fmt: skip
ROWS, COLUMNS = 400, 300
BANDS = (60, 90, 120, 150, 180, 210)  # the grey that tells an image from the others
# Puts what the chosen tool draws in the middle of the view; and a key that nothing hears, to look at what a drag did.
PLACED, UNHEARD = "Shift+ArrowUp", "F8"
FRAME, TEAL, VIOLET = (108, 178, 238), (86, 203, 176), (183, 156, 244)
SECONDS = 4

BARE = """() => {
    window.bare = new CSSStyleSheet();
    window.bare.replaceSync(`.status, .stage__label, .stage__map-name { visibility: hidden; }
        .stage.is-active { box-shadow: none !important; } .stage.is-active::after { display: none; }
        .stage { outline: none !important; }`);
    document.adoptedStyleSheets = [window.bare];
}"""
DRAWN = """async () => {
    const frame = () => new Promise(requestAnimationFrame);
    const isDrawn = (stage) => stage.dataset.ready === "full" && "drawn" in stage.dataset;
    while (![...document.querySelectorAll(".stage:not([hidden])")].every(isDrawn)) await frame();
    for (let count = 0; count < 3; count += 1) await frame();
    const { x, y, width, height } = document.querySelector("[data-panes]").getBoundingClientRect();
    return { x, y, width, height };
}"""
LYING = """() => {
    const { viewer } = window.bonefrac;
    const { columns, rows } = viewer.image;
    return [viewer.toScreen(0, 0), viewer.toScreen(columns, rows)];
}"""


def marked(position):
    """A picture that no turn and no flip leaves as it was, and that says by its band of which image it is."""
    y, x = np.mgrid[0:ROWS, 0:COLUMNS]
    picture = 45 + 90 * x / COLUMNS + 50 * y / ROWS
    picture[20:120, 20:100] = 255
    picture[ROWS - 60 : ROWS - 20] = BANDS[position]
    return picture.astype(np.uint8)


def opened(visit):
    """A study of six images in two views side by side, whose first picture does not come."""
    site = make.site()
    reader = make.reader(site)
    study = make.study(site, images=0, body_part="hand", side="left")
    for position in range(len(BANDS)):
        described = radiographs.describe(decode_png(png(marked(position), longest=10_000)))
        key = pixel_key(site, described.pixel_digest)
        make.image(study, position, shows=radiographs.store(described, pixel_key=key, facts={}, files={})[0])
    make.predicted(study, make.model(), *["positive"] * len(BANDS))
    worklist.claim(reader, study.pk)
    page = visit(reader, "/keys/", width=1240, height=640, allow=("404",))
    broken = f"**/studies/{study.pk}/images/{study.images.get(position=0).pk}/**"
    page.route(broken, lambda route: route.fulfill(status=404))
    page.goto(page.url.replace("/keys/", desk.address(study)))
    page.wait_for_selector("#viewer[data-ready=failed][data-keys=on]")
    page.unroute(broken)
    return page


class Looking:
    """The screen's views before and after a key; each expectation is tried until it holds or the time is over."""

    def __init__(self, page):
        self.page = page
        self.pressed = set()
        self.now = self.start = self.look()

    def look(self, *, bare=True):
        """The views as the screen shows them once every one of them is drawn."""
        self.page.evaluate("isBare => { window.bare.disabled = !isBare; }", bare)
        clip = self.page.evaluate(DRAWN)
        shot = Image.open(io.BytesIO(self.page.screenshot(clip=clip))).convert("RGB")
        return np.asarray(shot).astype(int)

    def active(self, shot):
        """The active view's radiograph alone, where it lies fitted, at one size however it is turned."""
        corners = np.array(self.page.evaluate(LYING))
        panes = self.page.locator("[data-panes]").bounding_box()
        (left, top), (right, bottom) = corners.min(0), corners.max(0)
        cut = [left - panes["x"], top - panes["y"], right - panes["x"], bottom - panes["y"]]
        cut = np.clip(cut, 0, [shot.shape[1], shot.shape[0]] * 2).tolist()
        picture = Image.fromarray(shot.astype(np.uint8)).convert("L")
        return np.asarray(picture.resize((60, 60), Image.Resampling.BOX, box=cut)).astype(int)

    def press(self, name, shows):
        """Press a key and wait until what is seen is as said of (before, after)."""
        before, until = self.now, time.monotonic() + SECONDS
        self.page.keyboard.press(USUAL.get(name, name).replace("Ctrl", "Control"))
        self.pressed.add(name)
        while not shows(before, (after := self.look())):
            assert time.monotonic() < until, f"{name} does not show on the picture"
        if name in MODES:
            self.page.wait_for_selector(f'#viewer[data-mode={MODES[name]}] [data-act="{name}"][aria-pressed=true]')
        self.now = after


def same(one, other, off=1):
    return one.shape == other.shape and np.abs(one - other).max() <= off


def other(before, after):
    return before.shape != after.shape or np.abs(before - after).max() > 20


def near(one, another, off=6):
    return np.abs(one - another).mean() <= off


def share(shot, colour, off=40):
    """How many pixels have a colour."""
    return int((np.abs(shot - colour).max(axis=2) < off).sum())


def more(colour):
    return lambda before, after: share(after, colour) > share(before, colour) + 20


def fewer(colour):
    return lambda before, after: share(after, colour) < share(before, colour) - 20


def turns(looking):
    first = looking.active(looking.now)

    def shows(made):
        return lambda _before, after: near(looking.active(after), made(first))

    looking.press("rotateRight", shows(lambda seen: np.rot90(seen, -1)))
    looking.press("rotateLeft", lambda _before, after: same(after, looking.start))
    looking.press("rotateLeft", shows(lambda seen: np.rot90(seen, 1)))
    looking.press("rotateRight", lambda _before, after: same(after, looking.start))
    looking.press("flipHorizontal", shows(lambda seen: seen[:, ::-1]))
    looking.press("flipVertical", shows(lambda seen: seen[::-1, ::-1]))
    looking.press("reset", lambda _before, after: same(after, looking.start))


def greys(looking):
    first = looking.active(looking.now)
    looking.press("invert", lambda _before, after: near(looking.active(after), 255 - first))
    inverted = looking.now
    looking.press("undo", lambda _before, after: same(after, looking.start))
    looking.press("redo", lambda _before, after: same(after, inverted))
    looking.press("reset", lambda _before, after: same(after, looking.start))
    seen = [looking.start]
    for number in (2, 3, 4, 5):
        looking.press(f"preset{number}", lambda _before, after: all(other(one, after) for one in seen))
        seen.append(looking.now)
    looking.press("preset1", lambda _before, after: same(after, looking.start))


def sizes(looking):
    def grown(before, after):
        """The middle of the view, a quarter larger than it was."""
        pane = [before.shape[0], before.shape[1] // 2 - 1]
        cut = [pane[1] * 0.1, pane[0] * 0.1, pane[1] * 0.9, pane[0] * 0.9]
        was = Image.fromarray(before[:, : pane[1]].astype(np.uint8)).resize((60, 60), Image.Resampling.BOX, box=cut)
        now = Image.fromarray(after[:, : pane[1]].astype(np.uint8)).resize((60, 60), Image.Resampling.BOX)
        return near(np.asarray(was).astype(int), np.asarray(now).astype(int), off=3)

    looking.press("zoomIn", grown)
    looking.press("zoomOut", lambda _before, after: same(after, looking.start, off=4))
    looking.press("zoomOut", lambda before, after: grown(after, before))
    looking.press("fit", lambda _before, after: same(after, looking.start, off=4))
    looking.press("reset", lambda _before, after: same(after, looking.start))


def machine(looking):
    looking.press("toggleMap", more(VIOLET))
    looking.press("nextRegion", more(VIOLET))
    looking.press("toggleMap", lambda _before, after: same(after, looking.start))


def places(looking):
    def framed(at):
        """Whether the frame of the active view stands around the left or the right one."""
        shot = looking.look(bare=False)
        halves = np.array_split(shot, 2, axis=1)
        return share(halves[at], FRAME) > 200 > share(halves[1 - at], FRAME)

    assert framed(0)
    looking.press("nextViewport", lambda _before, _after: framed(1))
    looking.press("previousViewport", lambda _before, _after: framed(0))
    looking.press("previousStage", other)
    assert looking.page.locator(".stage:visible").count() == 1
    looking.press("nextStage", lambda _before, after: same(after, looking.start))


def images(looking):
    def band(number):
        """Whether the active view's picture has the band of an image: the first view hangs 0, 2, 4."""
        return lambda _before, after: abs(looking.active(after)[54, 30] - BANDS[number]) < 8

    steps = {"nextImage": 2, "previousImage": 0, "lastImage": 4, "firstImage": 0, "nextSeries": 2, "previousSeries": 0}
    for name, number in steps.items():
        looking.press(name, band(number))
    assert same(looking.now, looking.start)


def drags(looking):
    """What each tool does to the picture while the mouse is drawn over it."""
    page = looking.page
    x, y = np.mean(page.evaluate(LYING), axis=0)
    for name, shows in {"zoomTool": other, "panTool": other, "windowTool": other}.items():
        looking.press(name, same)
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 30, y + 150, steps=2)
        page.mouse.up()
        looking.press(UNHEARD, shows)
        if name == "panTool":
            scale = page.evaluate("() => window.bonefrac.viewer.pane.display.view.zoom")
            assert scale == 1
        looking.press("reset", lambda _before, after: same(after, looking.start))
    looking.press("magnifierTool", other)
    looking.press("cancel", lambda _before, after: same(after, looking.start))


def marks(looking):
    for name in ("boxTool", "pointTool"):
        looking.press(name, lambda _before, _after: True)
        looking.press(PLACED, more(TEAL))
    both = looking.now
    looking.press("previousMark", more(TEAL))  # the box has its handles again
    looking.press("nextMark", lambda _before, after: same(after, both))
    looking.press("deleteChosen", fewer(TEAL))
    looking.press("undo", more(TEAL))
    looking.press("undo", fewer(TEAL))
    looking.press("undo", lambda _before, after: same(after, looking.start))
    for name in ("lengthTool", "angleTool"):
        looking.press(name, lambda _before, _after: True)
        looking.press(PLACED, other)
    looking.press("undo", other)
    looking.press("undo", lambda _before, after: same(after, looking.start))


def test_every_key_of_the_picture_changes_what_is_seen(visit):
    """The whole table but for what is the form's; tools are told by the tool bar and by what they then do."""
    page = opened(visit)
    page.evaluate(BARE)
    stage = page.locator(".stage").first.bounding_box()
    middle = {**stage, "height": stage["height"] / 2}  # the sentence that says so stands below
    assert np.asarray(Image.open(io.BytesIO(page.screenshot(clip=middle))).convert("L")).max() < 10, "nothing came"
    page.keyboard.press(USUAL["retry"])
    page.wait_for_selector("#viewer[data-ready=full]")
    looking = Looking(page)
    assert looking.active(looking.now).max() > 200, "the picture is there"
    for look_at in (turns, greys, sizes, machine, places, images, drags, marks):
        look_at(looking)
    looking.press("fullScreen", lambda before, after: after.shape[0] > before.shape[0])
    assert looking.pressed - {PLACED, UNHEARD} | {"retry"} == set(USUAL) - ON_THE_FORM | {"retry"}
    assert page.get_attribute('[data-act="boxTool"]', "title").endswith("(b)")
    assert page.get_attribute('[data-act="boxTool"]', "aria-keyshortcuts") == "b"
