"""The reading form on the platform: nothing preset, every part by a key, what signing waits for, signing once."""

from __future__ import annotations

import json

import pytest

from studies.models import Review
from tests import factories_studies as make
from tests.browser import desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(200), pytest.mark.django_db(transaction=True)]
TICKED = "#reading-form input:checked"
SAYS = "words => document.querySelector('[data-sign-words]').innerText === words"


def chosen(page, name):
    return page.evaluate("name => new FormData(document.getElementById('reading-form')).getAll(name)", name)


def sign_words(page):
    return page.inner_text("[data-sign-words]")


def test_a_full_read_by_the_keyboard_alone(visit):
    site = make.site()
    reader = make.reader(site)
    study = desk.study(site, reader=reader)
    page = visit(reader, desk.address(study))
    desk.awake(page)
    assert page.locator(TICKED).count() == 0
    assert (sign_words(page), page.is_disabled("[data-sign]")) == ("Choose a verdict", True)
    press = page.keyboard.press
    press("Enter")
    press("f")
    press("d")
    press("b")
    press("Shift+ArrowUp")  # a box in the middle, for hands without a mouse
    press("Shift+d")
    page.keyboard.type("scap")
    press("Tab"), page.keyboard.type("l")
    press("Tab"), page.keyboard.type("av")
    press("Tab"), page.keyboard.type("pro")
    press("Enter")
    press("Shift+w")
    page.keyboard.type("ul")
    press("Escape")
    press("c")
    press("Shift+c")
    press("o")
    press("Space"), press("Tab"), press("Space"), press("Escape")
    press("Shift+a")
    press("Tab"), press("Space"), press("Escape")
    press("t")
    page.keyboard.type("fnu b? Enter")
    press("Escape")
    assert page.inner_text("[data-part=other_findings] [data-count]") == "2"
    desk.look_at_all(page)
    press("Enter")
    page.wait_for_url(lambda url: str(study.pk) not in url)
    review = Review.objects.get()
    assert (review.verdict, review.confidence, review.note) == ("fracture", "possible", "fnu b? Enter")
    assert (review.has_cast_or_hardware, review.is_critical) == (True, True)
    assert (review.other_findings, review.advice) == (["dislocation", "effusion"], ["ct"])
    (finding,) = [row for reading in review.image_readings.all() for row in reading.findings.all()]
    assert (finding.bone, finding.side, finding.type, finding.confidence) == (
        "scapula", "left", "avulsion", "probable",
    )  # fmt: skip
    assert review.unlocated_findings.get().bone == "ulna"


def test_signing_waits_until_every_image_was_shown_and_says_for_which(visit):
    site = make.site()
    reader = make.reader(site)
    study = desk.study(site, images=6, reader=reader)  # more than are hung at once
    page = visit(reader, desk.address(study))
    desk.awake(page)
    page.keyboard.press("n")
    left = page.evaluate("() => window.bonefrac.page.form.unseen.length")
    assert 2 <= left < 6
    assert sign_words(page) == f"{left} of 6 images not shown yet at full depth"
    page.wait_for_timeout(500)
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert not Review.objects.exists()
    assert page.inner_text("#murmur") == sign_words(page)
    for still in reversed(range(1, left)):
        page.keyboard.press("x")
        page.wait_for_function(SAYS, arg=f"{still} of 6 images not shown yet at full depth")
    page.click("[data-sign]")  # goes there, and signs nothing
    page.wait_for_function(SAYS, arg="Sign and next")
    assert not Review.objects.exists()
    assert len(desk.field(page, "shown")) == 6
    page.wait_for_timeout(450)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: str(study.pk) not in url)
    assert Review.objects.get().verdict == "no_fracture"


def test_agreeing_is_one_key_and_correcting_takes_two(visit):
    site = make.site()
    reader = make.reader(site)
    agreed, corrected = (desk.study(site, seed=seed, says="positive", waited=9 - seed) for seed in (1, 2))
    make.worklist.claim(reader, agreed.pk)
    page = visit(reader, desk.address(agreed))
    desk.awake(page)
    page.wait_for_timeout(450)
    page.keyboard.press("a")
    desk.awake(page, of=corrected)
    assert page.locator(TICKED).count() == 0
    for key in ("n", "Enter"):  # two actions; with a box drawn (f, Shift and drag, Enter) they are three
        page.keyboard.press(key)
    page.wait_for_url(lambda url: str(corrected.pk) not in url)
    first, second = Review.objects.order_by("signed_at")
    assert (first.verdict, first.agreed_with_model) == ("fracture", True)
    assert (second.verdict, second.agreed_with_model) == ("no_fracture", False)


@pytest.mark.long
@pytest.mark.parametrize("state", ["doubt", "not_assessed"])
def test_agreeing_is_not_offered_where_the_model_is_unsure_or_silent(visit, state):
    site = make.site()
    reader = make.reader(site)
    study = desk.study(site, reader=reader, says=state)
    page = visit(reader, desk.address(study))
    desk.awake(page)
    assert page.locator("[data-agree]").count() == 0
    page.keyboard.press("a")
    page.wait_for_timeout(200)
    assert page.locator(TICKED).count() == 0
    assert not Review.objects.exists()


def test_a_missed_fracture_is_corrected_with_its_box_in_three_actions(visit):
    site = make.site()
    reader = make.reader(site)
    study = desk.study(site, reader=reader, says="negative")
    page = visit(reader, desk.address(study))
    desk.awake(page)
    page.wait_for_timeout(450)
    page.keyboard.press("f")  # one
    page.keyboard.down("Shift")
    desk.draw(page, (100, 100), (200, 220), tool="")  # two
    page.keyboard.up("Shift")
    page.wait_for_selector("#viewer[data-mode=window]")  # dragging does what it did before
    page.keyboard.press("Enter")  # three
    page.wait_for_url(lambda url: str(study.pk) not in url)
    (finding,) = [row for reading in Review.objects.get().image_readings.all() for row in reading.findings.all()]
    assert [finding.x, finding.y, finding.width, finding.height] == pytest.approx([100, 100, 100, 120], abs=2)


@pytest.mark.long
def test_not_assessable_goes_through_its_reasons_by_its_own_key(visit):
    site = make.site()
    reader = make.reader(site)
    study = desk.study(site, reader=reader)
    page = visit(reader, desk.address(study))
    desk.awake(page)
    page.keyboard.press("u")
    assert (sign_words(page), chosen(page, "not_assessable_reason")) == ("Choose a reason", [])
    page.keyboard.press("u"), page.keyboard.press("u")
    assert chosen(page, "not_assessable_reason") == ["not_bone"]
    page.keyboard.press("n")
    assert not page.is_visible("[name=not_assessable_reason]")
    page.keyboard.press("u")
    desk.look_at_all(page)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: str(study.pk) not in url)
    assert Review.objects.get().not_assessable_reason == "not_bone"


def test_a_box_says_where_and_no_verdict_and_beside_no_fracture_it_is_refused_in_a_sentence(visit):
    site = make.site()
    reader = make.reader(site)
    study = desk.study(site, reader=reader)
    page = visit(reader, desk.address(study), allow=("400", "422"))
    desk.awake(page)
    desk.draw(page, (100, 100), (200, 220))
    first = str(study.images.order_by("position").first().pk)
    assert (chosen(page, "verdict"), chosen(page, f"image-{first}")) == ([], ["fracture_visible"])
    (mark,) = desk.field(page, "findings")
    assert (mark["bone"] or "", mark["side"] or "", mark["type"] or "", mark["confidence"]) == ("", "", "", None)
    page.keyboard.press("n")
    assert "cannot stand beside the 1 marked" in page.inner_text("[data-hint]")
    desk.look_at_all(page)
    page.keyboard.press("Enter")
    page.wait_for_selector("#notices .notice")
    assert "cannot stand beside a fracture box" in page.inner_text("#notices")
    assert (len(desk.field(page, "findings")), chosen(page, "verdict")) == (1, ["no_fracture"])
    assert not Review.objects.exists()
    page.keyboard.press("Backspace")
    page.keyboard.press("Shift+i")
    page.keyboard.press("Escape")
    assert page.inner_text("[data-hint]") == ""


def test_the_report_sentence_is_copied_by_one_key(visit):
    site = make.site()
    reader = make.reader(site)
    study = desk.study(site, reader=reader)
    page = visit(reader, desk.address(study), permissions=["clipboard-read", "clipboard-write"])
    desk.awake(page)
    page.keyboard.press("f"), page.keyboard.press("d")
    page.keyboard.press("y")
    page.wait_for_function("() => document.getElementById('murmur').innerText === 'copied'")
    sentence = page.inner_text("[data-report-sentence]")
    assert "fracture" in sentence.lower()
    assert page.evaluate("() => navigator.clipboard.readText()") == sentence


@pytest.mark.long
def test_every_list_of_a_finding_is_closed_and_nothing_in_it_is_preset(visit):
    site = make.site()
    reader = make.reader(site)
    study = desk.study(site, reader=reader)
    page = visit(reader, desk.address(study))
    desk.awake(page)
    page.click("[data-adds-finding]")
    values = page.eval_on_selector_all("#finding-list select", "all => all.map(one => one.value)")
    assert values == ["", "", "", ""]
    assert json.loads(page.input_value("[name=unlocated]")) == [
        {"bone": "", "side": "", "type": "", "confidence": None}
    ]
