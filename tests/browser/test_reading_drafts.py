"""Drafts in the reader's hand: within a second on the server, back after anything, never overwritten silently."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from studies import reviews
from studies.models import Draft, Review, Study
from tests import factories_studies as make
from tests.browser import desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(200), pytest.mark.django_db(transaction=True)]


def held(**values):
    site = make.site()
    reader = make.reader(site)
    return reader, desk.study(site, reader=reader, **values)


def body(study):
    draft = Draft.objects.filter(study=study).first()
    return draft.body if draft else {}


def plain(marks):
    """Marks without what says nothing: an empty word and one that is not there are the same."""
    return [{key: value for key, value in mark.items() if value not in ("", None, "unknown")} for mark in marks]


def within(seconds, said):
    """Wait until something is so; how long it took."""
    begun = time.monotonic()
    while not said():
        assert time.monotonic() - begun < seconds, "it took too long"
        time.sleep(0.02)
    return time.monotonic() - begun


def test_a_change_is_on_the_server_within_a_second_and_typing_does_not_put_it_off(visit):
    reader, study = held()
    page = visit(reader, desk.address(study))
    desk.awake(page)
    page.keyboard.press("f")
    assert within(3, lambda: body(study).get("verdict") == "fracture") < 2
    page.keyboard.press("t")
    for letter in "distal radius, dorsally displaced":
        page.keyboard.type(letter)
        page.wait_for_timeout(60)
    assert "distal radius" in body(study)["note"], "it is saved while it is typed"
    desk.saved(page)
    assert body(study)["note"] == "distal radius, dorsally displaced"


def test_a_reload_in_mid_drawing_restores_everything_exactly(visit):
    reader, study = held()
    page = visit(reader, desk.address(study))
    desk.awake(page)
    desk.draw(page, (100, 100), (200, 220))
    desk.draw(page, (120, 260), (180, 330), tool="")
    page.keyboard.press("Shift+d"), page.keyboard.type("rad"), page.keyboard.press("Escape")
    page.keyboard.press("f"), page.keyboard.press("e"), page.keyboard.press("c")
    page.keyboard.press("Shift+w"), page.keyboard.type("uln"), page.keyboard.press("Escape")
    page.keyboard.press("t"), page.keyboard.type("typed"), page.keyboard.press("Escape")
    page.keyboard.press("k"), page.keyboard.press("Shift+ArrowUp")
    names = ("findings", "unlocated", "measurements")
    before = [plain(desk.field(page, name)) for name in names]
    (x, y), (to_x, to_y) = page.evaluate(
        "() => [[90, 90], [240, 300]].map(([x, y]) => window.bonefrac.viewer.toScreen(x, y))"
    )
    desk.saved(page)
    page.keyboard.press("b")
    page.mouse.move(x, y), page.mouse.down(), page.mouse.move(to_x, to_y)
    page.reload()  # the third box was not let go: it never was a box
    desk.awake(page)
    assert [plain(desk.field(page, name)) for name in names] == before
    assert len(before[0]) == 2
    assert page.evaluate("() => window.bonefrac.viewer.marks.all.length") == 2
    assert page.locator("#finding-list > li").count() == 3
    assert page.is_checked('[name="verdict"][value="fracture"]')
    assert page.is_checked('[name="confidence"][value="probable"]')
    assert page.is_checked("[name=has_cast_or_hardware]")
    assert page.input_value("[name=note]") == "typed"
    assert "restored" in page.inner_text("[data-draft-restored]")


@pytest.mark.long
def test_leaving_in_the_middle_of_a_word_saves_it(visit):
    reader, study = held()
    page = visit(reader, desk.address(study))
    desk.awake(page)
    page.keyboard.press("t")
    page.keyboard.type("half a wo")
    page.goto("about:blank")
    within(5, lambda: body(study).get("note") == "half a wo")


@pytest.mark.long
def test_a_restored_draft_is_discarded(visit):
    reader, study = held()
    page = visit(reader, desk.address(study))
    desk.awake(page)
    page.keyboard.press("f")
    desk.saved(page)
    page.reload()
    desk.awake(page)
    page.click("[data-discards]")
    page.wait_for_selector("[data-draft-restored]", state="detached")
    desk.awake(page)
    assert page.locator("#reading-form input:checked").count() == 0
    assert not Draft.objects.exists()


def test_two_tabs_do_not_overwrite_each_other_silently(visit):
    reader, study = held()
    one, two = (visit(reader, desk.address(study), allow=("409",)) for _ in range(2))
    for page in (one, two):
        desk.awake(page)
    one.keyboard.press("f")
    desk.saved(one)
    two.keyboard.press("n")
    two.wait_for_selector("#draft-conflict[open]")
    assert body(study)["verdict"] == "fracture", "nothing was overwritten"
    two.keyboard.press("u")
    assert two.is_checked('[name="verdict"][value="no_fracture"]'), "the dialog has the keyboard"
    two.click("[data-draft-choice=theirs]")
    two.wait_for_selector('[name="verdict"][value="fracture"]:checked', state="attached")
    desk.awake(two)
    two.keyboard.press("e")
    desk.saved(two)
    one.keyboard.press("n")
    one.wait_for_selector("#draft-conflict[open]")
    assert (body(study)["verdict"], body(study)["confidence"]) == ("fracture", "probable")
    one.click("[data-draft-choice=mine]")
    within(5, lambda: body(study)["verdict"] == "no_fracture")
    assert one.is_checked('[name="verdict"][value="no_fracture"]')


def test_a_lost_network_loses_nothing_and_says_so(visit):
    reader, study = held()
    page = visit(reader, desk.address(study), allow=("ERR_INTERNET_DISCONNECTED", "Failed to load"))
    desk.awake(page)
    page.context.set_offline(True)
    page.keyboard.press("n")
    page.wait_for_selector('#draft-status[data-state="failed"]')
    assert page.inner_text("#draft-status").startswith("not saved: no connection")
    desk.look_at_all(page)
    page.keyboard.press("Enter")
    page.wait_for_selector("#notices >> text=The server could not be reached")
    assert page.is_checked('[name="verdict"][value="no_fracture"]')
    page.keyboard.press("t"), page.keyboard.type("typed without a network"), page.keyboard.press("Escape")
    kept = page.evaluate("() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }])")
    assert "without a network" not in kept, "nothing of a reading lies in the browser's storage"
    page.context.set_offline(False)
    page.evaluate("() => dispatchEvent(new Event('online'))")
    within(8, lambda: body(study).get("note") == "typed without a network")
    page.wait_for_selector('#draft-status[data-state="saved"]')
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: str(study.pk) not in url)
    assert Review.objects.get().note == "typed without a network"
    assert not Draft.objects.exists(), "what is signed is no draft"


def test_a_claim_that_is_over_is_told_and_taken_again_by_a_key_with_every_field_kept(visit):
    reader, study = held()
    page = visit(reader, desk.address(study), allow=("409",))
    desk.awake(page)
    page.keyboard.press("f"), page.keyboard.press("d")
    desk.draw(page, (100, 100), (200, 220))
    desk.look_at_all(page)
    desk.saved(page)
    Study.objects.filter(pk=study.pk).update(claimed_by=None, claimed_until=None)
    page.keyboard.press("Enter")
    page.wait_for_selector("#claim-lost:not([hidden])")
    assert "your entries are kept" in page.inner_text("#claim-lost")
    assert page.inner_text("#notices") == "", "it is said once"
    assert not Review.objects.exists()
    page.keyboard.press("Shift+h")
    page.wait_for_selector("#claim-lost", state="hidden")
    assert Study.objects.get(pk=study.pk).claimed_by_id == reader.pk
    assert (len(desk.field(page, "findings")), page.is_checked('[name="confidence"][value="possible"]')) == (1, True)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: str(study.pk) not in url)
    assert Review.objects.get().verdict == "fracture"


@pytest.mark.long
def test_the_clock_of_the_claim_tells_of_its_end_by_itself(visit):
    reader, study = held()
    Study.objects.filter(pk=study.pk).update(claimed_until=timezone.now() + timedelta(seconds=6))
    page = visit(reader, desk.address(study), allow=("409",))
    page.wait_for_selector("#reading-form", state="attached")
    other = make.reader(study.site)
    time.sleep(6)
    make.worklist.claim(other, study.pk)
    page.wait_for_selector("#claim-lost:not([hidden])")
    assert "Everything that you entered is kept" in page.inner_text("#claim-lost")


@pytest.mark.long
def test_a_study_that_is_voided_under_the_hand_is_told_and_keeps_the_fields(visit):
    reader, study = held()
    page = visit(reader, desk.address(study), allow=("409", "404"))
    desk.awake(page)
    page.keyboard.press("n"), page.keyboard.press("t"), page.keyboard.type("kept"), page.keyboard.press("Escape")
    desk.look_at_all(page)
    reviews.void(make.lead(study.site), study.pk, reason="Wrong patient.")
    page.keyboard.press("Enter")
    page.wait_for_selector("#notices .notice")
    assert (page.input_value("[name=note]"), page.is_checked('[name="verdict"][value="no_fracture"]')) == ("kept", True)
    assert not Review.objects.exists()


def test_a_study_that_grew_is_told_at_once_when_it_is_signed_and_looked_at_again_by_a_key(visit):
    reader, study = held()
    page = visit(reader, desk.address(study), allow=("409",))
    desk.awake(page)
    page.keyboard.press("n"), page.keyboard.press("t"), page.keyboard.type("kept"), page.keyboard.press("Escape")
    desk.saved(page)
    desk.look_at_all(page)
    make.image(study, 2, shows=desk.radiograph(study.site, 999))
    reviews.add_image(study.pk)
    page.keyboard.press("Enter")
    page.wait_for_selector("#news >> text=an image was added", timeout=6000)
    page.wait_for_selector("#notices:empty", state="attached")
    page.keyboard.press("Shift+l")
    page.wait_for_function("() => document.querySelectorAll('#thumbs > *').length === 3")
    desk.awake(page)
    assert (page.input_value("[name=note]"), page.is_checked('[name="verdict"][value="no_fracture"]')) == ("kept", True)
