"""The keys of the form; people's own keys; the legend; the page of keys. The keys of the picture: test_viewer_keys."""

from __future__ import annotations

import pytest

from studies import keys
from studies.models import Draft, Review, Skip, Study
from tests import factories_studies as make
from tests.browser import desk
from tests.browser.test_viewer_look import overflow, violations

pytestmark = [pytest.mark.browser, pytest.mark.timeout(200), pytest.mark.django_db(transaction=True)]
USUAL = {action.name: action.key for action in keys.ACTIONS}

# Pressed in test_reading_form, test_reading_signing, test_reading_drafts, and below; every other in test_viewer_keys.
ON_THE_FORM = {
    "fracture", "noFracture", "notAssessable", "definite", "probable", "possible", "cast", "critical", "otherFindings",
    "perImage", "advice", "note", "sign", "agree", "undoSigning", "nextUnseen", "claimAgain", "lookAgain", "problem",
    "skip", "handBack", "sentence", "describe", "unlocated", "legend", "retry",
}  # fmt: skip


def press(page, name, table=USUAL):
    page.keyboard.press(table.get(name, name).replace("Ctrl", "Control"))


def test_the_form_speaks_by_its_keys(visit):
    site = make.site()
    reader = make.reader(site)
    page = visit(reader, desk.address(desk.study(site, reader=reader)))
    desk.awake(page)
    for name, value in {"definite": "definite", "probable": "probable", "possible": "possible"}.items():
        press(page, name)
        assert page.is_checked(f'[name="confidence"][value="{value}"]')
    for name, field in {"cast": "has_cast_or_hardware", "critical": "is_critical"}.items():
        press(page, name)
        assert page.is_checked(f"[name={field}]")
        press(page, name)
        assert not page.is_checked(f"[name={field}]")
    parts = {"otherFindings": "other_findings", "perImage": "per_image", "advice": "advice"}
    for name, part in parts.items():
        press(page, name)
        assert page.evaluate("part => document.activeElement.closest('[data-part]').dataset.part === part", part)
        press(page, name)  # once more closes it and gives the keys back to the picture
        assert page.locator(f"[data-part={part}][open]").count() == 0
    press(page, "problem")
    assert page.is_visible("#problem")
    page.keyboard.type("The side is wrong, n or f?")
    page.keyboard.press("Escape")
    assert page.locator("#reading-form input[name=verdict]:checked").count() == 0


@pytest.mark.long
def test_a_capital_letter_by_caps_lock_is_the_same_key(visit):
    site = make.site()
    reader = make.reader(site)
    page = visit(reader, desk.address(desk.study(site, reader=reader)))
    desk.awake(page)
    sent = """([key, code, more]) => document.activeElement.dispatchEvent(
        new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true, ...more }))"""
    page.evaluate(sent, ["F", "KeyF", {}])
    assert page.is_checked('[name="verdict"][value="fracture"]')
    page.evaluate(sent, ["т", "KeyN", {}])  # a Cyrillic keyboard
    assert page.is_checked('[name="verdict"][value="no_fracture"]')
    page.evaluate(sent, ["f", "KeyF", {"ctrlKey": True}])
    assert page.is_checked('[name="verdict"][value="no_fracture"]'), "Ctrl F is the browser's"


@pytest.mark.long
def test_the_problem_is_reported_and_the_study_handed_back_by_their_keys(visit):
    site = make.site()
    reader = make.reader(site)
    first, second = desk.study(site, seed=1, reader=reader), desk.study(site, seed=2)
    page = visit(reader, desk.address(first))
    desk.awake(page)
    press(page, "handBack")
    page.wait_for_url(lambda url: "/read/" not in url)
    first.refresh_from_db()
    assert first.claimed_by_id is None
    make.worklist.claim(reader, second.pk)
    page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/", 3)[2] + desk.address(second))
    desk.awake(page)
    press(page, "problem")
    page.keyboard.type("The side is wrong.")
    page.get_by_role("button", name="Report", exact=True).click()
    page.wait_for_url(lambda url: "/read/" not in url)
    assert second.problems.get().sentence == "The side is wrong."


def test_a_study_is_skipped_with_a_reason_by_the_keyboard_and_its_draft_is_kept(visit):
    site = make.site()
    reader = make.reader(site)
    first, second = (desk.study(site, seed=seed, images=1, waited=9 - seed) for seed in (1, 2))
    make.worklist.claim(reader, first.pk)
    page = visit(reader, desk.address(first), script="window.documents = (window.documents || 0) + 1;")
    desk.awake(page)
    page.wait_for_timeout(450)
    press(page, "fracture")
    press(page, "skip")
    page.keyboard.press("Escape")
    assert page.is_checked('[name="verdict"][value="fracture"]'), "to keep it changes nothing"
    press(page, "skip")
    page.keyboard.type("  ")
    page.keyboard.press("Enter")
    assert page.is_visible("#skip"), "it asks why"
    page.keyboard.type("I know the patient")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    desk.awake(page, of=second)
    assert page.evaluate("() => window.documents") == 1, "the next came in place"
    assert page.url.endswith(desk.address(second))
    skipped = Skip.objects.get()
    assert (skipped.study_id, skipped.reason) == (first.pk, "I know the patient")
    assert Draft.objects.get(study=first).body["verdict"] == "fracture"
    assert Study.objects.get(pk=first.pk).claimed_by_id is None
    assert page.locator("#reading-form input:checked").count() == 0
    press(page, "skip")
    page.keyboard.type("Image quality")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/read/" not in url)
    assert "Skipped." in page.inner_text("#notices")
    assert not Review.objects.exists()


@pytest.mark.long
def test_a_picture_that_failed_is_loaded_again_by_its_key(visit):
    site = make.site()
    reader = make.reader(site)
    study = desk.study(site, images=1, reader=reader)
    page = visit(reader, "/keys/", allow=("Failed to load", "ERR_FAILED"))
    page.route("**/instance/", lambda route: route.abort())
    page.goto(page.url.replace("/keys/", desk.address(study)))
    page.wait_for_selector("#viewer[data-ready=failed][data-keys=on]")
    page.keyboard.press("n")
    assert "could not be shown" in page.inner_text("[data-sign-words]")
    page.unroute("**/instance/")
    press(page, "retry")
    page.wait_for_selector("#viewer[data-ready=full]")
    assert page.inner_text("[data-sign-words]") == "Sign and next"


def test_the_legend_shows_each_key_and_opens_and_closes_by_its_own(visit):
    site = make.site()
    reader = make.reader(site)
    keys.bind(reader, action="fracture", key="Shift+x")
    page = visit(reader, desk.address(desk.study(site, reader=reader)))
    desk.awake(page)
    press(page, "legend")
    assert page.is_visible("#legend")
    rows = page.eval_on_selector_all("#legend [data-action]", "all => all.map(one => one.dataset.action)")
    assert sorted(rows) == sorted(USUAL)
    assert page.inner_text('#legend [data-action="fracture"] dt').split() == ["Shift", "x"]
    page.keyboard.press("n")
    assert page.locator('[name="verdict"]:checked').count() == 0, "the dialog has the keyboard"
    press(page, "legend")
    assert not page.is_visible("#legend")
    page.keyboard.press("f")
    assert page.locator('[name="verdict"]:checked').count() == 0
    page.keyboard.press("Shift+x")
    assert page.is_checked('[name="verdict"][value="fracture"]')


def test_a_key_is_chosen_by_pressing_it_and_a_taken_one_is_refused(visit):
    person = make.reader(make.site())
    page = visit(person, "/keys/", allow=("409",))
    page.focus("#change-fracture")
    page.keyboard.press("Enter")
    assert page.inner_text("#change-fracture") == "press a key"
    page.keyboard.press("r")
    page.wait_for_selector("#notices >> text=is the key of “turn to the right” already")
    assert page.inner_text('[data-action="fracture"] [data-key]') == "f"
    page.focus("#change-fracture")
    page.keyboard.press("Space")
    page.keyboard.press("Control+Shift+f")
    page.wait_for_selector('[data-action="fracture"].is-own')
    assert page.inner_text('[data-action="fracture"] [data-key]').split() == ["Ctrl", "Shift", "f"]
    assert page.evaluate("() => document.activeElement.id") == "change-fracture", "the focus stays where it was"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.inner_text("#change-fracture") == "Change", "Tab goes on without a change"
    page.click("#restore-fracture")
    page.wait_for_selector('[data-action="fracture"]:not(.is-own)')
    assert not keys.of(person).has_own


@pytest.mark.parametrize("width", [1440, 390])
def test_the_pages_are_accessible_and_fit(visit, width):
    site = make.site()
    reader = make.reader(site)
    study = desk.study(site, reader=reader, says="positive")
    phone = {"has_touch": True, "is_mobile": True} if width == 390 else {}
    page = visit(reader, "/keys/", width=width, height=844 if width == 390 else 900, bypass_csp=True, **phone)
    assert (violations(page), overflow(page)) == ([], 0)
    page.goto(page.url.replace("/keys/", desk.address(study)))
    desk.awake(page)
    press(page, "fracture")
    press(page, "unlocated")
    page.keyboard.press("Escape")
    for part in ("other_findings", "per_image", "advice", "note"):
        page.evaluate("part => document.querySelector(`[data-part=${part}]`).setAttribute('open', '')", part)
    assert (violations(page), overflow(page)) == ([], 0)
    press(page, "legend")
    assert (violations(page), overflow(page)) == ([], 0)
