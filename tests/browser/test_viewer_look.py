"""What every page owes: no accessibility violation that axe can see, usable at 390 px, two themes without a flash."""

import json
from pathlib import Path

import pytest

from tests.browser import harness
from tests.browser.test_viewer import COLUMNS, ROWS, changed, ready, state
from tests.browser.test_viewer_upload import PAGE as UPLOAD
from tests.browser.test_viewer_upload import files

pytestmark = pytest.mark.browser
AXE = harness.ROOT / "node_modules" / "axe-core" / "axe.min.js"
SHOTS = Path(__file__).parent / "screenshots"

GALLERY = (Path(__file__).parent / "pages" / "gallery.html").read_text()
BOX = {"image": "ap", "x": 220, "y": 300, "width": 120, "height": 90, "confidence": None}
ROWS_SHOWN = [
    ("urgent", "urgent", "fracture suspected", "wait--over"),
    ("positive", "fracture suspected", "fracture suspected", "wait--near"),
    ("doubt", "unsure", "unsure", ""),
    ("unknown", "not assessed", "not assessed: chest radiograph", ""),
    ("negative", "nothing suspected", "nothing suspected", ""),
]
NAV = [
    {"label": "Worklist", "url": "/", "current": True, "count": 41},
    {"label": "Upload", "url": "/u", "current": False},
]


def violations(page):
    """What axe finds with all its rules; evaluated by the tester, past the policy."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("async () => (await axe.run(document, { resultTypes: ['violations'] })).violations")
    return [(one["id"], [node["html"][:160] for node in one["nodes"]][:3]) for one in found]


def overflow(page):
    return page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")


def shot(page, name):
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")


def pages(site):
    pixels = harness.bone(ROWS, COLUMNS)
    study = [
        site.image("ap", harness.part10(pixels), ROWS, COLUMNS, preview=harness.png(pixels), with_map=True),
        site.image("lat", harness.part10(pixels), ROWS, COLUMNS, preview=harness.png(pixels), label="LAT left"),
    ]
    return {
        "reading": site.reading(study, findings=json.dumps([BOX])),
        "gallery": site.page("/gallery/", GALLERY, {"rows": ROWS_SHOWN, "nav": NAV, "site": "Demo Hospital"}),
        "upload": site.page("/upload-page/", UPLOAD, {"batch": "0193b0a0-0000-7000-8000-000000000001", "nav": NAV}),
        "404": site.page("/404/", '{% include "404.html" %}'),
        "500": site.page("/500/", '{% include "500.html" %}'),
    }


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("name", ["reading", "gallery", "upload", "404", "500"])
def test_pages_are_accessible_and_fit(name, width, theme, site, open_page):
    url = pages(site)[name]
    phone = {"has_touch": True, "is_mobile": True} if width == 390 else {}
    page = open_page(url, width=width, height=844 if width == 390 else 900, bypass_csp=True, **phone)
    page.evaluate("theme => localStorage.setItem('bonefrac-theme', theme)", theme)
    page.reload()
    if name == "reading":
        ready(page)
        page.evaluate("() => window.bonefrac.viewer.toggleMap()")
        page.wait_for_selector('#viewer[data-map="on"]')
    if name == "upload":
        page.set_input_files("#files", files("IMG_0042.dcm", "empty.jpg", empty=("empty.jpg",)))
        page.click("[data-send]")
        page.wait_for_selector('form[data-state="judged"]')
    assert page.get_attribute("html", "data-theme") == theme
    shot(page, f"{name}-{width}-{theme}")
    assert overflow(page) <= 0
    assert "Research and evaluation. Not a medical device. A qualified person decides." in page.inner_text("body")
    assert violations(page) == []


@pytest.mark.parametrize("width", [1440, 390])
def test_the_tool_bar_is_one_row_and_its_menu_is_reached_by_keys(width, site, open_page):
    phone = {"has_touch": True, "is_mobile": True} if width == 390 else {}
    page = open_page(pages(site)["reading"], width=width, height=844 if width == 390 else 900, bypass_csp=True, **phone)
    ready(page)
    assert page.locator(".tools").bounding_box()["height"] < 60
    opener, menu = page.locator("[popovertarget]"), page.locator(".tools__more")
    opener.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".tools__more:visible")
    over, button = menu.bounding_box(), opener.bounding_box()
    assert min(over["x"], over["y"]) >= 0
    assert over["x"] + over["width"] <= width
    assert over["y"] + over["height"] <= button["y"] + 1, "its own button stays in sight"
    assert violations(page) == []
    zoom = state(page, "zoom")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert int(changed(page, "zoom", zoom)) > int(zoom)
    assert menu.is_visible(), "one more time needs no more keys"
    page.keyboard.press("Escape")
    page.wait_for_selector(".tools__more", state="hidden")
    assert opener.evaluate("button => button === document.activeElement")


def test_the_theme_is_chosen_kept_and_set_before_the_first_paint(site, open_page):
    page = open_page(pages(site)["gallery"])
    assert page.get_attribute("html", "data-theme") == "dark"
    page.select_option("[data-theme-choice]", "light")
    assert page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor") == "rgb(243, 245, 247)"
    page.reload()
    assert page.get_attribute("html", "data-theme") == "light"
    assert page.input_value("[data-theme-choice]") == "light"
    scripts = page.evaluate("() => [...document.head.querySelectorAll('script')].map((script) => script.type)")
    assert scripts[0] == "", "the theme's script is a classic one: it runs before the body is drawn"


def test_lists_are_walked_by_arrows_and_searched_by_slash(site, open_page):
    page = open_page(pages(site)["gallery"])
    page.wait_for_selector('html[data-ready="app"]')
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.url.endswith("#positive")
    page.keyboard.press("/")
    page.keyboard.type("wrist")
    assert page.input_value("[data-search]") == "wrist"


def test_the_script_of_every_page_is_small(site):
    import gzip

    manifest = json.loads((harness.DIST / ".vite" / "manifest.json").read_text())

    def needed(key):
        entry = manifest[key]
        return {entry["file"]}.union(*[needed(other) for other in entry.get("imports", [])])

    total = sum(len(gzip.compress((harness.DIST / file).read_bytes())) for file in needed("static/js/app.js"))
    assert total <= 100_000
