"""What the viewer does when things go wrong: late, failed and lost images, a lost network, lost graphics."""

import threading

import numpy as np
import pytest

from tests.browser import harness
from tests.browser.test_viewer import drag, findings, ready, screen, state
from tests.browser.test_viewer_actions import UPRIGHT, act, badges, close_to, look, quarters, seen

pytestmark = pytest.mark.browser
ROWS, COLUMNS = 400, 300
CONTEXTS = """(() => {
    window.contexts = [];
    const before = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
        const context = before.call(this, kind, ...more);
        const isNew = String(kind).startsWith("webgl") && context && !window.contexts.includes(context);
        if (isNew) window.contexts.push(context);
        return context;
    };
    window.told = [];
    addEventListener("bonefrac:shown", () => window.bonefrac && window.told.push(
        [window.bonefrac.viewer.shownAtFullDepth().length, window.bonefrac.viewer.failedImages().length]));
})();"""


@pytest.fixture
def study(site):
    entries = []
    for name, pixels in (("one", quarters()), ("two", np.full((ROWS, COLUMNS), 3000, np.uint16))):
        entries.append(site.image(name, harness.part10(pixels), ROWS, COLUMNS, preview=harness.png(pixels)))
    return entries


def test_an_image_that_comes_late_never_replaces_the_one_chosen_meanwhile(site, study, open_page):
    site.held_back["/one/instance/"] = threading.Event()
    page = open_page(site.reading(study), script=CONTEXTS)
    page.wait_for_selector('#viewer[data-image="one"][data-ready="preview"]')
    assert badges(page) == ["preview"]
    assert page.evaluate("() => window.bonefrac.viewer.shownAtFullDepth()") == []
    act(page, "invert")
    assert badges(page) == ["preview"], "nothing is done to an image that is not here"
    act(page, "nextImage")
    ready(page, "two")
    site.held_back.pop("/one/instance/").set()
    page.wait_for_function("() => window.bonefrac.viewer.store.has({ id: 'one' })")
    page.wait_for_timeout(200)
    assert state(page, "image") == "two"
    assert close_to(seen(page), (3000 / 4095 * 255,) * 4)
    assert page.evaluate("() => window.bonefrac.viewer.shownAtFullDepth()") == ["two"], "decoded is not shown"
    act(page, "previousImage")
    ready(page, "one")
    assert close_to(seen(page), UPRIGHT)
    assert page.evaluate("() => window.told.at(-1)") == [2, 0]


def test_a_server_that_fails_for_a_while_is_asked_again_by_hand_and_by_itself(site, study, open_page):
    site.down.add("/one/instance/")
    page = open_page(site.reading(study), allow=("503",), script=CONTEXTS)
    ready(page, "one", "failed")
    assert "it is tried again by itself" in page.inner_text(".stage__problem")
    assert badges(page) == ["preview"]
    assert page.evaluate("() => window.bonefrac.viewer.failedImages()") == ["one"]
    assert page.evaluate("() => window.told.at(-1)") == [0, 1]
    # What is drawn on the preview is kept.
    act(page, "boxTool")
    drag(page, screen(page, 100, 100), screen(page, 200, 200))
    drawn = findings(page)
    asked = site.asked.count("/one/instance/")
    page.click("[data-retry]")
    page.wait_for_timeout(300)
    assert site.asked.count("/one/instance/") > asked
    assert state(page, "ready") == "failed"
    site.down.clear()
    page.wait_for_selector('#viewer[data-image="one"][data-ready="full"]', timeout=15_000)
    assert not page.is_visible(".stage__problem")
    assert close_to(seen(page), UPRIGHT)
    assert findings(page) == drawn
    assert page.evaluate("() => window.bonefrac.viewer.failedImages()") == []
    assert page.evaluate("() => window.told.at(-1)") == [1, 0]


def test_a_network_that_is_lost_and_found_brings_the_image_without_a_hand(site, study, open_page):
    site.down.add("/two/instance/")  # so that it is not fetched ahead
    page = open_page(site.reading(study), allow=("503", "ERR_INTERNET_DISCONNECTED", "Failed to fetch"))
    ready(page, "one")
    page.wait_for_function("() => !window.bonefrac.viewer.store.has({ id: 'two' })")
    page.wait_for_timeout(300)
    site.down.clear()
    page.context.set_offline(True)
    act(page, "nextImage")
    page.wait_for_selector(".stage__problem:visible")
    assert "The connection failed" in page.inner_text(".stage__problem")
    assert page.evaluate("() => window.bonefrac.viewer.failedImages()") == ["two"]
    page.context.set_offline(False)
    ready(page, "two")
    assert close_to(seen(page), (3000 / 4095 * 255,) * 4)
    assert not page.is_visible(".stage__problem")
    assert page.evaluate("() => window.bonefrac.viewer.shownAtFullDepth()") == ["one", "two"]


def test_lost_graphics_come_back_with_the_view_as_it_was(site, study, open_page):
    page = open_page(site.reading(study, hanging=[["one"], ["two"]]), allow=("WebGL", "context"), script=CONTEXTS)
    page.wait_for_function("() => document.querySelectorAll('.stage[data-ready=full]').length === 2")
    act(page, "flipHorizontal")
    act(page, "boxTool")
    page.locator(".stage").first.focus()
    page.keyboard.press("Shift+ArrowUp")
    flipped = look(page)
    births = page.evaluate("() => window.contexts.length")
    page.evaluate(
        """() => window.contexts.forEach((context) => context.getExtension("WEBGL_lose_context")?.loseContext())"""
    )
    page.wait_for_selector(".stage__problem:visible")
    assert "The graphics of this computer stopped" in page.locator(".stage__problem:visible").first.inner_text()
    page.wait_for_function("() => document.querySelectorAll('.stage[data-ready=full][data-drawn]').length === 2")
    page.wait_for_selector(".stage__problem", state="hidden")
    assert page.evaluate("() => window.contexts.length") > births
    assert badges(page) == ["full depth", "flipped left to right"]
    assert len(findings(page)) == 1
    assert np.abs(look(page) - flipped).mean() < 1
    act(page, "flipHorizontal")
    assert np.abs(look(page) - flipped).mean() > 20
    assert badges(page) == ["full depth"]
