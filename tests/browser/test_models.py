"""The story of an engineer in a real browser: a candidate meets the gate, goes into service and is rolled back.

Then a reader sees what a body-part model says of a study: bars with their figures, and a note where people said
otherwise.
"""

from __future__ import annotations

import re

import pytest

from tests import tiny
from tests.browser import harness
from tests.browser.test_walk import look
from tests.platform import PASSWORD, Platform, picture
from tests.tiny import kinds
from training import tasks

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
AXE = harness.ROOT / "node_modules" / "axe-core" / "axe.min.js"
REASON = "Tried for a week on drawn pictures; nobody reads here."


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    platform = Platform(tmp_path_factory.mktemp("models") / "data").start()
    yield platform
    platform.stop()


@pytest.fixture(scope="module")
def registered(platform, tmp_path_factory):
    """Three fracture models that say the same of the same images, and one of body parts that serves."""
    folder = tmp_path_factory.mktemp("artifacts")
    same = [tiny.write(folder / name, card=f"# {name}\n") for name in ("First", "Second", "Third")]
    table = tiny.named_rows(tasks.BODY_PART.classes)
    parts = kinds.parts(folder / "parts", table=table, known=tiny.learnt(table))
    for made in (*same, parts):
        platform.manage("register_model", str(made))
    platform.manage("promote_model", "tiny-parts", "1", "--override", REASON)


@pytest.fixture
def sign_in(platform, open_page):
    def as_person(name):
        # The browser notes a page that came with a refusal; the refusal is what is looked for.
        page = open_page(f"{platform.base}/accounts/sign-in/", allow=("status of 409",))
        page.fill("[name=username]", f"demo-{name}")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url(lambda url: "/sign-in/" not in url)
        return page

    return as_person


def check(page, name):
    """Look at a page wide and narrow, and let axe look too."""
    look(page, name)
    page.evaluate(AXE.read_text())
    found = page.evaluate("async () => (await axe.run(document, { resultTypes: ['violations'] })).violations")
    assert [(breach["id"], [node["html"][:200] for node in breach["nodes"]]) for breach in found] == []


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def follow(page, name):
    page.get_by_role("link", name=name, exact=True).click()


def serving(page, base):
    page.goto(f"{base}/models/")
    return page.locator("section:has(#task-fracture) .head a").inner_text()


def test_an_engineer_meets_the_gate_promotes_and_rolls_back(platform, registered, sign_in):
    page = sign_in("engineer")
    shipped = serving(page, platform.base)
    check(page, "models-list")
    follow(page, "tiny 1")
    check(page, "models-candidate")
    press(page, "Ask the gate")
    page.wait_for_selector("text=Not enough evidence")
    check(page, "models-gate-not-enough")
    follow(page, "Promote")
    press(page, "Promote")
    page.wait_for_selector("[role=alert]:has-text('was not promoted')")
    check(page, "models-promote-refused")
    page.fill("[name=reason]", REASON)
    press(page, "Promote")
    page.wait_for_selector("text=tiny 1 is in service")
    page.goto(f"{platform.base}/models/")
    follow(page, "tiny 2")
    press(page, "Ask the gate")
    page.wait_for_selector(".verdict-line:has-text('Pass')")
    check(page, "models-gate-pass")
    follow(page, "Promote")
    press(page, "Promote")
    page.wait_for_selector("text=tiny 2 is in service")
    check(page, "models-active")
    follow(page, "tiny 1")
    page.wait_for_selector("text=On the same images")
    check(page, "models-compare")
    page.go_back()
    follow(page, "Roll back")
    check(page, "models-roll-back")
    press(page, "Roll back")
    page.wait_for_selector("text=tiny 1 is in service again")
    assert serving(page, platform.base) == "tiny 1"
    assert shipped != "tiny 1"


def test_a_candidate_predicts_in_the_shadow(platform, registered, sign_in):
    page = sign_in("engineer")
    page.goto(f"{platform.base}/models/")
    follow(page, "tiny 3")
    follow(page, "Start the shadow")
    check(page, "models-start-shadow")
    press(page, "Start the shadow")
    page.wait_for_selector("text=tiny 3 predicts in the shadow")
    follow(page, "What it said beside the model in service")
    check(page, "models-shadow")
    follow(page, "End the shadow")
    press(page, "End the shadow")
    page.wait_for_selector("text=tiny 3 is a candidate again")


def test_a_reader_sees_every_class_of_a_body_part_model(platform, registered, sign_in):
    uploader = platform.api("demo-uploader")
    sites = [row["site"] for row in uploader.get("/sites/")["results"]]
    (site,) = (site["id"] for site in sites if site["name"] == "Demo Hospital")
    uploader.upload({"front.png": picture(4242)}, site=site, body_part="hip", patient_code="parts-1")
    reader = platform.api("demo-radiologist")

    def is_read(found):
        return any(row["body_part"] == "hip" and row["ai"]["state"] for row in found["results"])

    found = reader.until("/studies/?part=hip", is_read)
    study = next(row["id"] for row in found["results"] if row["body_part"] == "hip")
    said = reader.until(
        f"/studies/{study}/", lambda one: all(image["classes"][0]["shares"] for image in one["ai"]["images"])
    )
    (part,) = said["ai"]["images"][0]["classes"]
    page = sign_in("radiologist")
    page.goto(f"{platform.base}/studies/{study}/")
    bars = page.locator(".shares progress")
    assert bars.count() == 4
    assert page.locator(".share__value").first.inner_text() == f"{part['score']:.2f}"
    assert (re.search("AI reads: .*; stated: hip", page.inner_text("main")) is not None) == (
        part["class_name"] != "hip"
    )
    check(page, "study-classes")
    page.goto(f"{platform.base}/studies/{study}/read/")
    page.wait_for_selector("#viewer[data-ready=full]")
    page.locator(".classes summary").first.click()
    assert page.locator(".shares").first.is_visible()
    check(page, "reading-classes")
