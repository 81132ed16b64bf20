"""Sign and next: in place, with the pictures fetched ahead; taken back within seconds; never twice."""

from __future__ import annotations

import pytest

from bonefrac.accounts.models import ReadingMode
from studies import worklist
from studies.models import Disclosure, Review, Study
from tests import factories_studies as make
from tests.browser import desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(200), pytest.mark.django_db(transaction=True)]
SAME = "window.sameDocument = (window.sameDocument || 0) + 1;"
DURATION = "() => performance.getEntriesByName('bonefrac:sign-to-pixels').at(-1)?.duration"


def two_studies(mode=ReadingMode.ASSISTED, **values):
    site = make.site(mode=mode)
    reader = make.reader(site)
    first, second = (desk.study(site, seed=seed, waited=9 - seed, **values) for seed in (1, 2))
    worklist.claim(reader, first.pk)
    return reader, first, second


def tall(page):
    """Where everything of the panel lies that must not move."""
    return page.evaluate(
        """() => [".panel__machine", ".verdicts", ".segments", ".findings", ".panel__sign", ".stage", ".tools"].map(
            (part) => {
                const box = document.querySelector(part).getBoundingClientRect();
                return [box.top, box.height];
            })"""
    )


def held(page, seconds=1.2):
    """Hold Enter down, as a hand does that rests on it: the browser repeats it."""
    page.evaluate(
        """async (seconds) => {
            const until = performance.now() + 1000 * seconds;
            let repeat = false;
            while (performance.now() < until) {
                document.activeElement.dispatchEvent(
                    new KeyboardEvent("keydown", { key: "Enter", repeat, bubbles: true, cancelable: true }));
                repeat = true;
                await new Promise((resolve) => setTimeout(resolve, 30));
            }
        }""",
        seconds,
    )


def test_the_next_study_comes_in_place_with_its_pictures_fetched_ahead(visit):
    reader, first, second = two_studies(images=1)
    page = visit(reader, desk.address(first), script=SAME)
    desk.awake(page)
    page.wait_for_selector(f'#viewer[data-upcoming="{second.pk}"]')
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(450)
    page.keyboard.press("n")
    page.keyboard.press("Enter")
    desk.awake(page, of=second)
    assert page.evaluate("() => window.sameDocument") == 1, "no page was loaded"
    assert page.url.endswith(desk.address(second))
    assert [url for url in asked if "/instance/" in url] == [], "the pictures were there"
    assert page.evaluate("() => document.activeElement.className").startswith("stage"), "the keys belong to the picture"
    assert page.evaluate(DURATION) > 0
    assert Study.objects.get(pk=second.pk).claimed_by_id == reader.pk
    assert page.locator("#reading-form input:checked").count() == 0
    page.keyboard.press("f")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/read/" not in url)
    assert [review.study_id for review in Review.objects.order_by("signed_at")] == [first.pk, second.pk]


@pytest.mark.long
def test_the_back_button_goes_to_the_study_before(visit):
    reader, first, second = two_studies(images=1)
    page = visit(reader, desk.address(first))
    desk.awake(page)
    page.wait_for_timeout(450)
    page.keyboard.press("n"), page.keyboard.press("Enter")
    desk.awake(page, of=second)
    page.go_back()
    page.wait_for_selector(f'#page-data[data-study="{first.pk}"]', state="attached")
    assert page.locator("#reading-form").count() == 0
    assert "You have read this study" in page.inner_text(".panel")


def test_a_double_enter_signs_once_and_nothing_of_the_next(visit):
    reader, first, second = two_studies(images=1)
    page = visit(reader, desk.address(first))
    desk.awake(page)
    page.wait_for_timeout(450)
    page.keyboard.press("f")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.keyboard.press("f")
    page.keyboard.press("Enter")
    desk.awake(page, of=second)
    page.wait_for_timeout(500)
    assert [review.study_id for review in Review.objects.all()] == [first.pk]
    assert page.locator("#reading-form input:checked").count() == 0


@pytest.mark.long
def test_a_double_click_on_the_button_signs_once(visit):
    reader, first, second = two_studies(images=1)
    page = visit(reader, desk.address(first))
    desk.awake(page)
    page.wait_for_timeout(450)
    page.keyboard.press("f")
    page.dblclick("[data-sign]")
    desk.awake(page, of=second)
    assert [review.study_id for review in Review.objects.all()] == [first.pk]


def test_an_enter_that_is_held_over_two_studies_signs_the_first_alone(visit):
    reader, first, second = two_studies(images=1)
    page = visit(reader, desk.address(first))
    desk.awake(page)
    page.wait_for_timeout(450)
    page.keyboard.press("f")
    held(page)
    desk.awake(page, of=second)
    page.keyboard.press("n")
    held(page, 0)
    page.wait_for_timeout(200)
    assert [review.study_id for review in Review.objects.all()] == [first.pk]


def test_the_last_signature_is_taken_back_by_a_key_and_stands_there_again(visit):
    reader, first, second = two_studies(images=1)
    page = visit(reader, desk.address(first))
    desk.awake(page)
    page.wait_for_timeout(450)
    page.keyboard.press("f"), page.keyboard.press("d")
    desk.draw(page, (100, 100), (200, 220))
    page.keyboard.press("Enter")
    desk.awake(page, of=second)
    before = tall(page)
    assert "s left" in page.inner_text("#undo-signing")
    page.keyboard.press("Shift+u")
    desk.awake(page, of=first)
    assert page.url.endswith(desk.address(first))
    assert page.is_checked('[name="verdict"][value="fracture"]')
    assert page.is_checked('[name="confidence"][value="possible"]')
    (box,) = desk.field(page, "findings")
    assert [box["x"], box["width"]] == pytest.approx([100, 100], abs=2)
    assert tall(page)[:3] == before[:3], "nothing moves above the findings"
    assert Study.objects.get(pk=first.pk).claimed_by_id == reader.pk
    page.keyboard.press("n")
    page.keyboard.press("Backspace")
    desk.awake(page)


@pytest.mark.long
def test_the_undo_bar_is_over_after_its_time_and_moves_nothing(visit, settings):
    settings.UNDO_SECONDS = 3
    reader, first, second = two_studies(images=1)
    page = visit(reader, desk.address(first))
    desk.awake(page)
    page.wait_for_timeout(450)
    page.keyboard.press("n"), page.keyboard.press("Enter")
    desk.awake(page, of=second)
    before = tall(page)
    page.wait_for_selector("#undo-signing.is-over", state="attached")
    assert tall(page) == before
    page.keyboard.press("Shift+u")
    page.wait_for_timeout(300)
    assert Review.objects.get().study_id == first.pk


VIOLET = """() => {
    const map = document.querySelector(".stage__map");
    const { data } = map.getContext("2d").getImageData(0, 0, map.width, map.height);
    let seen = 0;
    for (let i = 0; i < data.length; i += 4) seen += data[i + 3] > 20 && data[i + 2] > data[i + 1];
    return seen;
}"""


@pytest.mark.parametrize("width", [1440, pytest.param(390, marks=pytest.mark.long)])
def test_what_the_machine_says_in_mid_read_moves_nothing_and_can_be_agreed_with_at_once(visit, width):
    site = make.site()
    reader = make.reader(site)
    study = desk.study(site, images=1)
    model = make.model()
    shown = study.images.get().radiograph
    make.jobs.request(shown, model)
    worklist.claim(reader, study.pk)
    page = visit(reader, desk.address(study), width=width, height=844 if width == 390 else 900)
    desk.awake(page)
    page.keyboard.press("n"), page.keyboard.press("s"), page.keyboard.press("m"), page.keyboard.press("a")
    before = tall(page)
    assert page.evaluate(VIOLET) == 0
    assert not Review.objects.exists(), "there is nothing to agree with yet"
    make.predict(shown, model, "positive", caution="Metal is in the picture. " * 4)
    page.wait_for_selector("#agree")
    assert "fracture suspected" in page.inner_text("#machine")
    assert tall(page) == before
    assert page.evaluate(VIOLET) == 0, "the map is off until it is asked for"
    assert page.is_checked('[name="verdict"][value="no_fracture"]')
    assert page.is_checked('[name="confidence"][value="definite"]')
    assert "fracture suspected" in page.inner_text("#murmur")
    plain = page.locator(".stage").screenshot()
    page.keyboard.press("m")
    page.wait_for_function(f"() => ({VIOLET})() > 1000")
    assert tall(page) == before, "asking for the map moves nothing either"
    assert page.locator(".stage").screenshot() != plain
    assert page.locator(".region").count() == 1
    assert Disclosure.objects.get().reader_id == reader.pk
    page.keyboard.press("a")
    page.wait_for_url(lambda url: "/read/" not in url)
    review = Review.objects.get()
    assert (review.verdict, review.agreed_with_model, review.mode) == ("fracture", True, "assisted")


class TestBlindFirst:
    """The verdict key locks the blind answer; the machine's row fills in place."""

    def test_the_verdict_locks_enter_keeps_and_another_key_changes(self, visit):
        reader, first, second = two_studies(ReadingMode.BLIND_FIRST, images=1, says="positive")
        page = visit(reader, desk.address(first), script=SAME)
        desk.awake(page)
        page.wait_for_timeout(450)
        assert page.locator("[data-agree]").count() == 0
        desk.draw(page, (100, 100), (200, 220))
        page.keyboard.press("i")
        page.wait_for_selector("#viewer[data-inverted=true]")
        before = tall(page)
        page.keyboard.press("f")
        page.wait_for_selector(".machine-line")
        assert Review.objects.get().mode == "blind"
        desk.awake(page)
        assert tall(page)[:4] == before[:4], "nothing moves when the machine's row fills"
        assert page.get_attribute("#viewer", "data-inverted") == "true", "the picture stays as the reader left it"
        assert page.is_checked('[name="verdict"][value="fracture"]')
        assert len(desk.field(page, "findings")) == 1
        page.wait_for_timeout(450)
        page.keyboard.press("Enter")
        desk.awake(page, of=second)
        rows = Review.objects.order_by("signed_at").values_list("mode", "verdict")
        assert list(rows) == [("blind", "fracture"), ("assisted", "fracture")]
        assert page.evaluate("() => window.sameDocument") == 1
        page.wait_for_timeout(450)
        page.click(".verdict--no_fracture")
        page.wait_for_selector(".machine-line")
        desk.awake(page)
        page.wait_for_timeout(450)
        page.keyboard.press("f")
        page.wait_for_timeout(300)
        assert Review.objects.count() == 3, "in the second look a verdict is only chosen"
        page.keyboard.press("Enter")
        page.wait_for_url(lambda url: "/read/" not in url)
        rows = Review.objects.filter(study=second).order_by("signed_at").values_list("mode", "verdict")
        assert list(rows) == [("blind", "no_fracture"), ("assisted", "fracture")]

    @pytest.mark.long
    def test_not_assessable_is_locked_with_its_reason(self, visit):
        reader, first, _second = two_studies(ReadingMode.BLIND_FIRST, images=1, says="positive")
        page = visit(reader, desk.address(first))
        desk.awake(page)
        page.wait_for_timeout(450)
        page.keyboard.press("u"), page.keyboard.press("u")
        page.wait_for_timeout(300)
        assert not Review.objects.exists()
        page.keyboard.press("Enter")
        page.wait_for_selector(".machine-line")
        assert Review.objects.get().not_assessable_reason == "quality"

    @pytest.mark.long
    def test_before_every_image_was_shown_nothing_is_locked(self, visit):
        site = make.site(mode=ReadingMode.BLIND_FIRST)
        reader = make.reader(site)
        study = desk.study(site, images=6, reader=reader, says="positive")
        page = visit(reader, desk.address(study))
        desk.awake(page)
        page.wait_for_timeout(450)
        page.keyboard.press("f")
        page.wait_for_timeout(300)
        assert not Review.objects.exists()
        assert "not shown yet" in page.inner_text("[data-sign-words]")
        desk.look_at_all(page)
        page.wait_for_timeout(300)
        assert not Review.objects.exists(), "looking on locks nothing by itself"
        page.keyboard.press("f")
        page.wait_for_selector(".machine-line")
        assert Review.objects.get().verdict == "fracture"
