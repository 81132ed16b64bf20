"""The worklist in a browser: every key, a list that is live and never moves under the hand, filters, narrow screens."""

from __future__ import annotations

import gzip
import json
import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from studies import reviews, saved_filters, worklist
from studies.models import Skip, Study
from studies.states import Rank
from tests import factories_studies as make
from tests.browser import harness
from tests.browser.desk import visit as visit  # a fixture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
AXE = harness.ROOT / "node_modules" / "axe-core" / "axe.min.js"
FOCUSED = "document.activeElement.closest('tr')?.id ?? ''"
ROWS = "[...document.querySelectorAll('[data-list] tbody tr')].map((row) => row.id)"
FOUND = "async () => (await axe.run(document, { resultTypes: ['violations'] })).violations.map((one) => one.id)"


@pytest.fixture
def ward():
    """A site with a reader, a lead and four studies of known order: the first waits longest."""
    site = make.site()
    made = [
        make.study(site, waited=40 - number, patient=f"p{number}", body_part="hand", question="Fell on the hand")
        for number in range(4)
    ]
    return site, make.reader(site), make.lead(site), made


def row(study):
    return f"row-{study.pk}"


def opened(visit, person, path="/", **options):
    page = visit(person, path, **options)
    page.wait_for_selector('html[data-ready="app"]')
    return page


def live(visit, person, path="/", **options):
    """The list with a clock that the test moves."""
    page = visit(person, "/keys/", **options)
    page.clock.install()
    page.goto(page.url.replace("/keys/", path))
    page.wait_for_selector('html[data-ready="app"]')
    return page


def poll(page, seconds=16):
    with page.expect_response(lambda answer: answer.request.headers.get("x-background") == "1"):
        page.clock.fast_forward(seconds * 1000)
    page.wait_for_timeout(100)


def test_keys_walk_the_list_and_open_search_and_explain(ward, visit):
    _site, reader, _lead, made = ward
    page = opened(visit, reader)
    for key, at in (("j", 0), ("ArrowDown", 1), ("j", 2), ("ArrowUp", 1), ("k", 0), ("k", 0), ("End", 3), ("Home", 0)):
        page.keyboard.press(key)
        assert page.evaluate(FOCUSED) == row(made[at]), key
    page.keyboard.press("?")
    assert page.is_visible("#list-keys")
    page.keyboard.press("j")  # a key of the list does nothing beneath a dialog
    page.keyboard.press("Escape")
    assert not page.is_visible("#list-keys")
    page.keyboard.press("/")
    page.keyboard.type("j n x")
    assert page.input_value("[data-search]") == "j n x"
    page.fill("[data-search]", "hand fell")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?search=hand+fell")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/studies/{made[3].pk}/read/")  # a search shows the newest first


def test_n_takes_the_next_c_claims_and_h_hands_back(ward, visit):
    _site, reader, _lead, made = ward
    page = opened(visit, reader)
    page.keyboard.press("n")
    page.wait_for_url(f"**/studies/{made[0].pk}/read/")
    page.go_back()
    page.reload()
    page.keyboard.press("j")
    page.keyboard.press("h")
    page.wait_for_selector("text=Handed back")
    assert Study.objects.get(pk=made[0].pk).claimed_by is None
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("c")
    page.wait_for_url(f"**/studies/{made[1].pk}/read/")
    assert Study.objects.get(pk=made[1].pk).claimed_by == reader


def test_x_skips_with_a_reason_and_leads_see_it(ward, visit):
    _site, reader, lead, made = ward
    page = opened(visit, reader, "/?part=hand")
    page.keyboard.press("x")
    assert not page.is_visible("#skip")  # no row is chosen
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.is_visible("#skip")
    page.keyboard.press("Enter")
    assert not Skip.objects.exists()  # a reason is asked for
    page.keyboard.type("I know the patient")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=leads see why")
    assert page.url.endswith("/?part=hand")
    assert Skip.objects.get().study == made[0]
    page.keyboard.press("n")
    page.wait_for_url(f"**/studies/{made[1].pk}/read/")
    page = opened(visit, lead, "/?show=skipped")
    assert f"skipped by {reader}: I know the patient" in page.inner_text(f"#{row(made[0])}")


def test_the_list_is_live_where_no_hand_is_on_it(ward, visit):
    site, reader, _lead, made = ward
    page = live(visit, reader)
    page.mouse.move(5, 5)
    new = make.study(site, waited=60)
    make.signed(make.reader(site), made[0])
    poll(page)
    assert page.evaluate(ROWS) == [row(new), *(row(study) for study in made[1:])]
    assert "new" in page.inner_text(f"#{row(new)} .mark")
    assert page.inner_text("[data-count=open]") == "4"


def test_nothing_moves_under_the_hand_and_what_changed_says_so(ward, visit):
    site, reader, _lead, made = ward
    other = make.reader(site)
    page = live(visit, reader)
    for _ in range(3):
        page.keyboard.press("j")
    top = page.evaluate("document.activeElement.getBoundingClientRect().top")
    new = make.study(site, waited=60)
    worklist.claim(other, made[1].pk)
    make.signed(make.reader(site), made[3])
    poll(page)
    assert page.evaluate(ROWS) == [row(study) for study in made]
    assert page.evaluate(FOCUSED) == row(made[2])
    assert f"claimed by {other}" in page.inner_text(f"#{row(made[1])}")
    assert page.inner_text(f"#{row(made[1])} .mark") == "changed"
    assert page.inner_text(f"#{row(made[3])} .mark") == "no longer in this list"
    assert page.inner_text("#live-news span") == "1 new."
    assert page.inner_text(f"#{row(made[0])} .standing").strip() == "Claim"
    assert abs(page.evaluate("document.activeElement.getBoundingClientRect().top") - top) < 60
    page.keyboard.press("r")
    assert page.evaluate(ROWS) == [row(new), row(made[0]), row(made[1]), row(made[2])]
    assert page.evaluate(FOCUSED) == row(made[2])
    assert not page.is_visible("#live-news")


def test_waits_go_on_without_being_called_a_change(ward, visit):
    _site, reader, _lead, _made = ward
    page = live(visit, reader)
    page.keyboard.press("j")
    poll(page, 70)
    assert page.query_selector(".mark") is None
    assert not page.is_visible("#live-news")


def test_a_hidden_tab_asks_nothing_and_a_tab_that_is_seen_again_asks_at_once(ward, visit):
    _site, reader, _lead, _made = ward
    page = live(visit, reader)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.headers.get("x-background") else None)
    hide = "(hidden) => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
    page.evaluate(hide + " document.dispatchEvent(new Event('visibilitychange')); }", True)
    page.clock.fast_forward(120_000)
    page.wait_for_timeout(100)
    assert asked == []
    page.evaluate(hide + " document.dispatchEvent(new Event('visibilitychange')); }", False)
    page.wait_for_timeout(200)
    assert sorted(urlsplit(url).path for url in asked) == ["/", "/waiting/"]


def test_a_signed_out_list_says_that_it_is_no_more_live(ward, visit):
    _site, reader, _lead, _made = ward
    page = live(visit, reader)
    page.context.clear_cookies()
    page.clock.fast_forward(16_000)
    page.wait_for_selector("text=the list is no more live", timeout=20_000)


def test_filters_live_in_the_address_and_are_taken_away_one_by_one(ward, visit):
    site, reader, _lead, made = ward
    leg = make.study(site, body_part="leg", side="left", urgent=True, rank=Rank.URGENT)
    page = opened(visit, reader)
    page.select_option("[name=part]", "leg")
    page.check("[name=urgent]")
    page.click("form[data-filters] button")
    page.wait_for_url("**/?part=leg&urgent=1")
    assert page.evaluate(ROWS) == [row(leg)]
    page.click("summary:has-text('Save or share')")
    page.fill("[name=name]", "Urgent legs")
    page.keyboard.press("Enter")
    page.wait_for_selector("a.chip:has-text('Urgent legs')")
    page.click(".chip--on:has-text('leg')")
    page.wait_for_url("**/?urgent=1")
    page.click("a.chip:has-text('Urgent legs')")
    page.wait_for_url("**/?part=leg&urgent=1")
    page.click("summary:has-text('Change Urgent legs')")
    page.click(".saved button:has-text('Delete')")
    page.wait_for_selector("text=is deleted")
    assert saved_filters.filters_of(reader) == []
    assert len(page.evaluate(ROWS)) == len(made) + 1


def test_a_claim_is_extended_only_while_somebody_acts(ward, visit):
    _site, reader, _lead, made = ward
    worklist.claim(reader, made[0].pk)
    page = visit(reader, "/keys/")
    page.clock.install()
    page.goto(page.url.replace("/keys/", f"/studies/{made[0].pk}/read/"))
    page.wait_for_selector('html[data-ready="app"]')
    short = timezone.now() + timedelta(minutes=2)
    Study.objects.filter(pk=made[0].pk).update(claimed_until=short)
    page.clock.fast_forward(300_000)
    page.wait_for_timeout(200)
    assert Study.objects.get(pk=made[0].pk).claimed_until == short  # nobody touched anything
    page.keyboard.press("Shift")
    with page.expect_response("**/extend/"):
        page.clock.fast_forward(61_000)
    assert Study.objects.get(pk=made[0].pk).claimed_until > timezone.now() + timedelta(minutes=14)


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_every_part_of_the_list_is_whole_and_open_to_all(size, ward, visit):
    _site, reader, lead, made = ward
    make.signed(reader, made[0])
    reviews.report_problem(lead, made[1].pk, sentence="The side is wrong.")
    worklist.skip(reader, made[2].pk, reason="Not my field")
    saved_filters.keep(lead, name="Hands", query="part=hand")
    page = opened(visit, lead, width=size[0], height=size[1])
    page.evaluate(AXE.read_text())
    for path in ("/", "/?show=problem", "/?show=skipped", "/?show=reviewed", "/?show=void", "/?part=hand&ai=doubt"):
        page.goto(re.sub(r"(https?://[^/]+).*", rf"\1{path}", page.url))
        page.wait_for_selector('html[data-ready="app"]')
        page.evaluate(AXE.read_text())
        assert page.evaluate(FOUND) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    page.goto(re.sub(r"(https?://[^/]+).*", r"\1/", page.url))
    if size[0] == 1440:
        heights = page.evaluate("[...document.querySelectorAll('.table--studies tbody tr')].map((r) => r.offsetHeight)")
        assert max(heights) <= 40
    else:
        text = page.inner_text(f"#{row(made[3])}")
        for fact in ("P-", "hand", "Fell on the hand", "1 AP", "37 min", "0/1", "age unknown", "not assessed", "Claim"):
            assert fact in text, fact


def test_a_list_page_loads_little_script():
    manifest = json.loads((harness.DIST / ".vite" / "manifest.json").read_text())

    def needed(key):
        entry = manifest[key]
        return {entry["file"]}.union(*[needed(other) for other in entry.get("imports", [])])

    files = needed("static/js/app.js") | needed("static/js/theme.js")
    assert sum(len(gzip.compress((harness.DIST / file).read_bytes())) for file in files) <= 100_000
    assert not [file for file in files if "cornerstone" in file or "reading" in file]
