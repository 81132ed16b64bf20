"""The reading form: nothing preset, keys, signing once, a stale form that loses nothing."""

import json

import pytest

from tests.browser import harness
from tests.browser.test_viewer import COLUMNS, ROWS, drag, findings, ready, screen

pytestmark = pytest.mark.browser
STALE = """<div class="notice notice--warn" role="alert" data-code="stale"><p>An image was added.</p></div>"""


@pytest.fixture
def study(site):
    pixels = harness.bone(ROWS, COLUMNS)
    return [site.image("ap", harness.part10(pixels), ROWS, COLUMNS, preview=harness.png(pixels), with_map=True)]


def awake(page):
    """Wait until the page hears its keys: they are deaf for 400 ms after it came."""
    ready(page)
    page.wait_for_function("() => performance.now() - window.bonefrac.viewer.since > 400")


def signed(site):
    return [post for post in site.posted if post["path"] == "/sign"]


def test_nothing_is_preset_and_enter_without_a_verdict_signs_nothing(site, study, open_page):
    page = open_page(site.reading(study))
    awake(page)
    assert page.locator("#reading-form input:checked").count() == 0
    assert page.is_disabled("[data-sign]")
    page.keyboard.press("Enter")
    page.keyboard.press("f")
    assert page.is_checked('[name="verdict"][value="fracture"]')
    assert page.is_enabled("[data-sign]")
    assert signed(site) == []


def test_keys_choose_and_enter_signs_once(site, study, open_page):
    page = open_page(site.reading(study))
    awake(page)
    page.keyboard.press("n")
    assert page.is_checked('[name="verdict"][value="no_fracture"]')
    page.keyboard.press("u")
    assert page.is_visible("#id_reason"), "not assessable asks why"
    page.keyboard.press("f")
    assert not page.is_visible("#id_reason")
    page.keyboard.press("e")
    page.keyboard.press("b")
    drag(page, screen(page, 250, 300), screen(page, 350, 420))
    page.fill("#id_note", "")
    page.focus("#id_note")
    page.keyboard.type("fnu mbi?")
    assert page.input_value("#id_note") == "fnu mbi?"
    assert page.is_checked('[name="verdict"][value="fracture"]'), "letters typed into the note are text"
    assert page.get_attribute("#viewer", "data-map") == "off"
    page.locator(".stage").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
    posts = signed(site)
    assert len(posts) == 1
    sent = posts[0]["fields"]
    assert (sent["verdict"], sent["confidence"], sent["image-ap"], sent["revision"]) == (
        "fracture",
        "probable",
        "fracture_visible",
        "3",
    )
    box = json.loads(sent["findings"])[0]
    assert [box["x"], box["width"]] == pytest.approx([250, 100], abs=2)


HELD = """addEventListener("DOMContentLoaded", () => {
    const radio = document.querySelector("[name=verdict]");
    if (!radio) return;
    radio.checked = true;
    for (let i = 0; i < 5; i += 1) {
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    }
});"""


def test_a_held_enter_of_the_study_before_signs_nothing(site, study, open_page):
    page = open_page(site.reading(study), script=HELD)
    awake(page)
    assert page.is_checked('[name="verdict"][value="fracture"]')
    assert signed(site) == []
    page.wait_for_timeout(450)  # a button that has just stopped waiting for pictures is deaf for a moment too
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert len(signed(site)) == 1


def test_a_stale_form_says_so_and_keeps_everything_typed(site, study, open_page):
    headers = (("HX-Retarget", "#notices"), ("HX-Reswap", "innerHTML"))
    site.answers["/sign"] = (409, "text/html", STALE.encode(), headers)
    page = open_page(site.reading(study, htmx=True), allow=("409",))
    awake(page)
    page.keyboard.press("f")
    page.fill("#id_note", "distal radius")
    page.keyboard.press("Escape")
    page.click('[data-tool="box"]')
    drag(page, screen(page, 250, 300), screen(page, 350, 420))
    page.click("[data-sign]")
    page.wait_for_selector('#notices [data-code="stale"]')
    assert page.input_value("#id_note") == "distal radius"
    assert page.is_checked('[name="verdict"][value="fracture"]')
    assert len(findings(page)) == 1
    assert signed(site)[0]["headers"]["X-CSRFToken"] == "harness"
    page.wait_for_selector("[data-sign]:enabled")


def test_a_server_that_fails_says_so_and_keeps_everything_typed(site, study, open_page):
    site.answers["/sign"] = (500, "text/html", b"<h1>page</h1>", ())
    page = open_page(site.reading(study, htmx=True), allow=("500",))
    awake(page)
    page.keyboard.press("n")
    page.click("[data-sign]")
    page.wait_for_selector("#notices .notice--stop")
    assert "Something failed on the server" in page.inner_text("#notices")
    assert page.is_checked('[name="verdict"][value="no_fracture"]')


def test_a_draft_is_kept_in_the_background(site, study, open_page):
    page = open_page(site.reading(study, draft=True))
    awake(page)
    page.keyboard.press("f")
    page.wait_for_selector('#reading-form[data-draft="saved"]')
    draft = next(post for post in site.posted if post["path"] == "/draft")
    assert draft["fields"]["verdict"] == "fracture"
    assert draft["headers"]["X-Background"] == "1"


def test_the_legend_opens_by_key_and_keeps_the_keyboard(site, study, open_page):
    page = open_page(site.reading(study))
    awake(page)
    page.keyboard.press("?")
    assert page.is_visible("#legend")
    page.keyboard.press("f")
    assert page.locator('[name="verdict"]:checked').count() == 0
    page.keyboard.press("Escape")
    assert not page.is_visible("#legend")
