"""What every page owes: no accessibility violation that axe can see, usable at 390 px, two themes without a flash."""

import json
from pathlib import Path

import pytest

from tests.browser import harness
from tests.browser.test_viewer import COLUMNS, ROWS, ready
from tests.browser.test_viewer_upload import PAGE as UPLOAD
from tests.browser.test_viewer_upload import files

pytestmark = pytest.mark.browser
AXE = harness.ROOT / "node_modules" / "axe-core" / "axe.min.js"
SHOTS = Path(__file__).parent / "screenshots"

GALLERY = """{% extends "base.html" %}
{% block title %}Worklist{% endblock %}
{% block counts %}<span><strong>41</strong> open</span><span><strong>1</strong> mine</span><span><strong>2</strong> disputed</span><span><strong>0</strong> held</span>{% endblock %}
{% block main %}
<div class="head"><h1>Worklist</h1><p class="head__sub num">refreshed 09:42</p></div>
<div class="chips"><a class="chip" href="#a" aria-current="true">open</a><a class="chip" href="#b">mine</a><a class="chip" href="#c">disputed</a>
<label class="chip">part <select aria-label="Part"><option>all</option></select></label>
<input class="chip" type="search" placeholder="Search ( / )" aria-label="Search" data-search></div>
<div class="table-wrap"><table class="table table--cards" data-list>
<thead><tr><th scope="col">Rank</th><th scope="col">Study</th><th scope="col">Question</th><th scope="col">Machine</th><th scope="col" class="num">Waits</th></tr></thead>
<tbody>{% for rank, word, said, wait in rows %}<tr class="rank--{{ rank }}"><td>{{ word }}</td><td><a href="#{{ rank }}" data-opens-row>F · 34 y · left wrist</a></td>
<td class="clip">fell on outstretched hand</td><td><span class="tag tag--machine">{{ said }}</span></td><td class="num"><span class="wait {{ wait }}">18 min</span></td></tr>{% endfor %}</tbody></table></div>
<p class="notice notice--done">Signed.</p><p class="notice notice--warn">Stale.</p><p class="notice notice--stop">Refused.</p><p class="notice notice--machine">Pending.</p>
<div class="row"><button class="button button--primary">Promote</button><button class="button">Hand back</button><button class="button button--stop">Void</button><button class="button button--person">Sign and next <kbd>Enter</kbd></button><button class="button" disabled>Freeze</button>
<span class="tag tag--person">fracture</span><span class="tag tag--warn">held</span><span class="tag tag--stop">refused</span><span class="tag tag--dim">void</span></div>
<ol class="timeline"><li class="timeline__item timeline__item--system">received</li><li class="timeline__item timeline__item--machine"><strong class="machine">fracture suspected</strong><p>score 0.83 · mobilenet_v2 3</p><time>09:43</time></li>
<li class="timeline__item timeline__item--person"><strong class="person">fracture</strong><p>read by demo-radiologist</p><time>10:02</time></li></ol>
<div class="bars">{% include "components/bar.html" with label="left wrist" value=12 max=41 kind="person" %}{% include "components/bar.html" with label="hip" value=30 max=41 kind="machine" %}</div>
<div class="cards"><section class="card card--machine figure--machine"><h2>AUROC</h2><p class="figure__value">0.87</p><p class="figure__interval">0.84 to 0.90</p><dl class="facts"><dt>version</dt><dd>mobilenet_v2 3</dd></dl></section></div>
{% include "components/empty.html" with title="Nothing is held" text="A file that needs a decision waits here." %}
{% endblock %}"""
ROWS_SHOWN = [
    ("urgent", "urgent", "fracture suspected", "wait--over"),
    ("positive", "fracture suspected", "fracture suspected", "wait--near"),
    ("doubt", "unsure", "unsure", ""),
    ("unknown", "not assessed", "not assessed: chest radiograph", ""),
    ("negative", "nothing suspected", "nothing suspected", ""),
]
NAV = [{"label": "Worklist", "url": "/", "current": True, "count": 41}, {"label": "Upload", "url": "/u", "current": False}]


def violations(page):
    """What axe finds, at WCAG 2.1 AA and best practice; run as an evaluated script, which the policy lets the tester do."""
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
        "reading": site.reading(study, findings=json.dumps([{"image": "ap", "x": 220, "y": 300, "width": 120, "height": 90, "confidence": None}])),
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
