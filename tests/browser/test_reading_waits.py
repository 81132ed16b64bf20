"""What waits for a person is told while a page is open: in the bar of the reading page, and in other headers."""

from __future__ import annotations

import pytest

from studies import notices, worklist
from studies.states import NoticeKind
from tests import factories_studies as make
from tests.browser import desk

pytestmark = [pytest.mark.browser, pytest.mark.timeout(200), pytest.mark.django_db(transaction=True)]
ASK = "() => dispatchEvent(new Event('online'))"
BAR = """() => [...document.querySelectorAll(".bar a, .bar button, .bar__claim, .panel")].map((one) => {
    const box = one.getBoundingClientRect();
    return [box.left, box.top, box.width, box.height];
})"""


@pytest.mark.parametrize("width", [1440, 390])
def test_a_notice_arrives_in_the_bar_of_the_reading_page_and_moves_nothing(visit, width):
    site = make.site()
    reader = make.reader(site)
    first, second = (desk.study(site, seed=seed, images=1, waited=9 - seed) for seed in (1, 2))
    worklist.claim(reader, first.pk)
    page = visit(reader, desk.address(first), width=width, height=844 if width == 390 else 900)
    desk.awake(page)
    page.wait_for_timeout(450)
    page.keyboard.press("n")
    before = page.evaluate(BAR)
    told = page.locator('[data-waits][href="/notices/"]')
    assert not told.is_visible()
    notices.tell([reader.pk], second, kind=NoticeKind.REOPENED, sentence="It was reopened.")
    page.evaluate(ASK)
    told.wait_for()
    assert told.inner_text().split() == ["notices", "1"]
    assert page.evaluate("() => document.querySelector('.bar--reading').offsetHeight") < 50, "one line, also on a phone"
    assert page.inner_text("#told") == "notices 1"
    assert page.evaluate(BAR) == before
    page.keyboard.press("Enter")
    desk.awake(page, of=second)
    assert told.inner_text().split() == ["notices", "1"], "it stays with the next study"
    notices.mark_all_seen(reader)
    page.evaluate(ASK)
    told.wait_for(state="hidden")


def test_the_header_of_other_pages_counts_without_a_reload(visit):
    site = make.site()
    reader = make.reader(site)
    page = visit(reader, "/keys/")
    entry = page.locator('nav [href="/notices/"]')
    assert entry.inner_text() == "Notices"
    notices.tell([reader.pk], make.study(site), kind=NoticeKind.REOPENED, sentence="It was reopened.")
    page.evaluate(ASK)
    page.wait_for_selector('nav [href="/notices/"] .nav__count:text("1")')
    assert page.inner_text("#told") == "Notices 1"
