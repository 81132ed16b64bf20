"""Pages of the worklist: order, cursors, filters, and what a page costs."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bonefrac.accounts import people
from bonefrac.accounts.models import ReadingMode, Role
from bonefrac.accounts.pseudonyms import accession_key
from bonefrac.audit.models import AuditEvent, Verb
from bonefrac.errors import Invalid
from studies import reviews, worklist
from studies.models import Disclosure, Study
from studies.selectors import Filters, worklist_page
from studies.selectors.filtering import parse
from studies.selectors.listing import counts, page, pseudonym
from studies.selectors.reads import reads_page
from studies.selectors.rows import age_in_words, uploads_page, wait_in_words
from studies.states import Rank
from tests import factories_studies as make
from tests.outcomes.passing import let_pass

pytestmark = pytest.mark.django_db


def walk(user, filters, size):
    """Every study of a list, page by page."""
    found, cursor = [], ""
    for _ in range(100):
        part = page(user, filters, cursor=cursor, size=size)
        assert len(part.studies) <= size
        found += part.studies
        cursor = part.next_cursor
        if not cursor:
            return found
    raise AssertionError("the list has no end")


def crowd(*sites):
    made = []
    for number in range(24):
        site = sites[number % len(sites)]
        made.append(make.study(site, images=0, waited=number * 7, rank=list(Rank)[number % 4]))
    return made


def in_order(studies):
    def key(study):
        over = timezone.now() - study.received_at >= timedelta(minutes=study.site.wait_ceiling_minutes)
        return (0, 0, study.received_at, study.pk) if over else (1, study.rank, study.received_at, study.pk)

    return sorted(studies, key=key)


@pytest.mark.parametrize("size", [1, 5, 7, 24, 50])
def test_pages_follow_one_another_without_gap_or_repetition(size):
    near, far = make.site(ceiling=60), make.site(ceiling=100)
    reader = make.reader(near)
    people.grant(None, person=reader, site=far, role=Role.RADIOLOGIST)
    made = crowd(near, far)
    make.study(make.site(), images=0)  # of a site that the reader does not belong to
    assert walk(reader, Filters(), size) == in_order(made)


def test_the_moment_of_the_first_page_travels_in_the_cursor():
    site = make.site(ceiling=60)
    reader = make.reader(site)
    old = make.study(site, images=0, waited=90)
    young = [make.study(site, images=0, waited=30 - number, rank=Rank.NEGATIVE) for number in range(3)]
    first = page(reader, Filters(), size=2)
    assert first.studies == [old, young[0]]
    Study.objects.filter(pk=young[2].pk).update(received_at=timezone.now() - timedelta(minutes=59, seconds=59.9))
    Study.objects.filter(pk=young[1].pk).update(received_at=timezone.now() - timedelta(minutes=29))
    second = page(reader, Filters(), cursor=first.next_cursor, size=5)
    assert young[1] in second.studies
    assert old not in second.studies


def test_a_cursor_is_signed():
    site = make.site()
    reader = make.reader(site)
    crowd(site)
    cursor = page(reader, Filters(), size=2).next_cursor
    for damaged in (cursor[:-2] + "xx", "x", "a:b:c"):
        with pytest.raises(Invalid):
            page(reader, Filters(), cursor=damaged)


def test_a_page_costs_the_same_however_long_the_list():
    site = make.site()
    reader, model = make.reader(site), make.model()
    costs = []
    for number in (2, 12):
        for _ in range(number):
            make.predicted(make.study(site, patient="p"), model, "positive")
        worklist_page(reader, Filters())  # what is shown for the first time is also disclosed
        with CaptureQueriesContext(connection) as captured:
            worklist_page(reader, Filters(), in_background=True)
        costs.append(len(captured))
        for query in captured.captured_queries:
            assert "COUNT(" not in query["sql"].upper()
            assert "OFFSET" not in query["sql"].upper()
    assert costs[0] == costs[1] <= 18


def test_the_parts_of_the_list():
    site = make.site(required=2)
    reader, lead = make.reader(site), make.lead(site)
    study, claimed, troubled, gone, early = (make.study(site) for _ in range(5))
    disputed, _first, _second = make.disputed(site)
    read = make.study(site)
    make.signed(reader, read)
    worklist.claim(reader, claimed.pk)
    reviews.report_problem(lead, troubled.pk, sentence="wrong side")
    reviews.void(lead, gone.pk, reason="twice")
    Study.objects.filter(pk=early.pk).update(ready_at=timezone.now() + timedelta(seconds=30))
    expected = {
        "open": {study, claimed, read},
        "mine": {claimed},
        "disputed": {disputed},
        "problem": {troubled},
        "void": {gone},
        "reviewed": set(),
        "skipped": set(),
    }
    assert {show: set(walk(reader, Filters(show=show), 2)) for show in expected} == expected
    assert counts(reader) == {"open": "3", "mine": "1", "disputed": "1", "problem": "1"}


def test_counts_are_bounded(monkeypatch):
    monkeypatch.setattr("studies.selectors.listing.COUNTED", 2)
    site = make.site()
    for _ in range(3):
        make.study(site, images=0)
    assert counts(make.reader(site))["open"] == "2+"


def test_filters_narrow():
    near, far = make.site(), make.site()
    reader = make.reader(near)
    people.grant(None, person=reader, site=far, role=Role.LEAD)
    hand = make.study(
        near,
        body_part="hand",
        patient="Anna",
        accession=accession_key(near, "A1"),
        side="left",
        ai_state="positive",
        age_months=40,
        question="Fell on the outstretched hand",
    )
    leg = make.study(
        far, body_part="leg", urgent=True, rank=Rank.URGENT, ai_state="doubt", waited=3 * 24 * 60, age_months=900
    )
    day = leg.received_at.date()
    other = make.site()
    hidden = make.study(other, accession=accession_key(other, "A1"))
    cases = {
        hand: [
            Filters(part="hand"), Filters(site=near.pk), Filters(ai="positive"), Filters(search="A1"),
            Filters(search=pseudonym(hand)), Filters(search=pseudonym(hand).lower()), Filters(search=str(hand.pk)),
            Filters(search=f"A-{hand.accession[:8]}"), Filters(search=hand.accession), Filters(side="left"),
            Filters(search="outstretched HAND"), Filters(band="child"), Filters(since=day + timedelta(days=1)),
            Filters(part="hand", side="left", ai="positive", band="child", missing="first", search="fell"),
        ],
        leg: [
            Filters(part="leg"), Filters(site=far.pk), Filters(urgent=True), Filters(search=str(leg.pk)),
            Filters(search=pseudonym(leg)), Filters(ai="doubt"), Filters(band="older"), Filters(until=day),
            Filters(since=day, until=day),
        ],
    }  # fmt: skip
    for study, filters in cases.items():
        for asked in filters:
            assert walk(reader, asked, 5) == [study], asked
    for asked in (
        Filters(search=str(hidden.pk)), Filters(site=hidden.site_id), Filters(search="P-"), Filters(search="P-%"),
        Filters(search="outstretched leg"), Filters(since=day, until=day - timedelta(days=1)),
        Filters(missing="further"), Filters(part="hand", side="right"),
    ):  # fmt: skip
        assert walk(reader, asked, 5) == []


def test_a_list_is_recorded_with_what_it_showed_and_a_poll_is_not():
    site = make.site()
    reader, study = make.reader(site), make.study(site)
    rows, _following = worklist_page(reader, Filters())
    assert [row.study for row in rows] == [study]
    event = AuditEvent.objects.get(verb=Verb.LIST_SHOWN)
    assert (event.actor, event.site, event.data) == (reader, site, {"studies": [str(study.pk)]})
    worklist_page(reader, Filters(), in_background=True)
    assert AuditEvent.objects.filter(verb=Verb.LIST_SHOWN).count() == 1


def test_a_row_shows_what_the_ai_says_and_that_is_a_disclosure():
    site = make.site()
    reader, study = make.reader(site), make.study(site, images=2)
    make.predicted(study, make.model(), "negative", "positive")
    row = worklist_page(reader, Filters())[0][0]
    assert (row.ai.sentence, row.ai.score, row.number_of_images) == ("fracture suspected", 0.83, 2)
    assert row.ai.model_version.startswith("tiny")
    assert Disclosure.objects.filter(reader=reader).count() == 2


def test_a_row_of_a_site_that_reads_blind_first_says_nothing_of_the_ai():
    site = make.site(mode=ReadingMode.BLIND_FIRST)
    study, model = make.study(site), make.model()
    make.predicted(study, model, "positive")
    for viewer in (make.reader(site), make.person(site, Role.ADMIN)):
        row = worklist_page(viewer, Filters())[0][0]
        assert row.ai.is_withheld
        assert row.rank_word == "routine"
    assert not Disclosure.objects.exists()


def test_an_uploader_sees_their_own_studies_with_the_verdict_and_no_more():
    site = make.site()
    uploader, other = make.person(site, Role.UPLOADER), make.person(site, Role.UPLOADER)
    mine, waiting = make.study(site, uploader=uploader), make.study(site, uploader=uploader)
    make.study(site, uploader=other)
    make.signed(make.reader(site), mine)
    assert {row.verdict for row in uploads_page(uploader)[0]} == {""}, "it can still be undone"
    let_pass(mine, seconds=16)
    rows, _following = uploads_page(uploader)
    assert {row.study: row.verdict for row in rows} == {mine: "fracture (acute)", waiting: ""}
    assert walk(uploader, Filters(), 5) == []


@pytest.mark.parametrize(
    ("months", "words"),
    [(None, "age unknown"), (5, "5 months"), (23, "23 months"), (24, "2 y"), (34 * 12, "34 y"), (1080, "90+ y")],
)
def test_ages_in_words(months, words):
    assert age_in_words(months) == words


def test_an_address_becomes_filters_and_they_the_shortest_address_again():
    site = make.site()
    told = f"show=mine&site={site.pk}&part=hand&side=left&ai=doubt&urgent=1&band=child&missing=first&since=2026-01-02"
    found = parse(QueryDict(f"{told}&until=2026-01-03&search=fell+down"))
    assert parse(QueryDict(found.query)) == found
    assert found.query == f"{told}&until=2026-01-03&search=fell+down"
    assert (found.since, found.missing, found.urgent) == (date(2026, 1, 2), "first", True)
    assert found.without("part").part == ""
    assert len(found.chips) == 9
    nonsense = "show=x&site=x&part=x&side=x&ai=x&urgent=x&band=x&missing=x&since=2026-13-01&until=x&search=%00"
    assert parse(QueryDict(nonsense)) == Filters()
    assert Filters().query == ""
    assert not Filters(show="mine").is_narrow


@pytest.mark.parametrize("day", [date.min, date.max, date(9999, 12, 30)])
def test_days_at_the_ends_of_time_are_no_error(day):
    site = make.site()
    study = make.study(site)
    assert walk(make.reader(site), Filters(since=date.min, until=date.max), 5) == [study]
    assert walk(make.reader(site), Filters(since=day, until=day), 5) == []


def test_readings_that_are_missing():
    site, blind = make.site(required=2), make.site(mode=ReadingMode.BLIND_FIRST, required=2)
    reader = make.reader(site)
    people.grant(None, person=reader, site=blind, role=Role.RADIOLOGIST)
    unread, begun, looked = make.study(site), make.study(site), make.study(blind)
    make.signed(make.reader(site), begun)
    make.signed(make.reader(blind), looked)  # the blind look alone is half a reading
    assert set(walk(reader, Filters(missing="first"), 5)) == {unread, looked}
    assert walk(reader, Filters(missing="further"), 5) == [begun]


def test_what_a_machine_says_narrows_no_list_of_a_site_that_reads_blind_first():
    site = make.site(mode=ReadingMode.BLIND_FIRST)
    study = make.study(site, ai_state="positive")  # as if it had been ranked before the site was set so
    reader = make.reader(site)
    assert walk(reader, Filters(ai="positive"), 5) == []
    assert walk(reader, Filters(show="reviewed", ai="positive"), 5) == []
    assert walk(reader, Filters(), 5) == [study]


@pytest.mark.parametrize("size", [1, 2, 50])
def test_a_lead_sees_what_they_may_settle_after_what_is_over_the_ceiling(size):
    site = make.site(required=2, ceiling=60)
    lead = make.lead(site)
    urgent, positive = make.study(site, rank=Rank.URGENT, urgent=True), make.study(site, rank=Rank.POSITIVE)
    over = make.study(site, waited=90, rank=Rank.NEGATIVE)
    disputed, first, _second = make.disputed(site)
    older, *_ = make.disputed(site)
    Study.objects.filter(pk=older.pk).update(received_at=timezone.now() - timedelta(minutes=120))
    own = make.study(site)
    make.signed(lead, own)
    make.signed(first, own, "no_fracture")
    assert walk(lead, Filters(), size) == [older, over, disputed, urgent, positive]
    assert walk(first, Filters(), size) == [over, urgent, positive]
    assert set(walk(first, Filters(show="disputed"), size)) == {disputed, older, own}
    row = next(row for row in worklist_page(lead, Filters())[0] if row.study == disputed)
    assert (row.rank_word, row.opens, row.is_readable) == ("disputed", "adjudicate", True)
    assert row.address == f"/studies/{disputed.pk}/adjudicate/"
    mine = next(row for row in worklist_page(lead, Filters(show="disputed"))[0] if row.study == own)
    assert (mine.opens, mine.address) == ("look", f"/studies/{own.pk}/")


def test_my_reads_are_what_i_signed_and_stands_newest_first():
    site = make.site(required=2)
    reader, other = make.reader(site), make.reader(site)
    first, second = make.study(site, body_part="hand"), make.study(site)
    make.signed(reader, first, "fracture")
    make.signed(other, second)
    review = make.signed(reader, second, "no_fracture")
    judged = make.judgement("not_assessable")
    second.refresh_from_db()
    amended = reviews.amend(reader, review.pk, judgement=judged, revision=second.revision)
    rows, following = reads_page(reader, Filters(show="reads"), size=1)
    assert [(row.review, row.is_amendable, row.how) for row in rows] == [(amended, True, "reading")]
    (row,), end = reads_page(reader, Filters(show="reads"), cursor=following, size=1)
    assert (row.study, row.review.verdict, end) == (first, "fracture", "")
    assert [row.study for row in reads_page(reader, Filters(show="reads", part="hand"))[0]] == [first]
    assert [row.study for row in reads_page(reader, Filters(show="reads", search=str(second.pk)))[0]] == [second]
    assert reads_page(reader, Filters(show="reads", part="leg")) == ([], "")
    reviews.void(make.lead(site), first.pk, reason="twice")
    assert not reads_page(reader, Filters(show="reads", part="hand"))[0][0].is_amendable


def test_leads_see_who_skipped_and_why_and_nobody_else_does():
    site = make.site()
    reader, lead, study = make.reader(site), make.lead(site), make.study(site)
    worklist.skip(reader, study.pk, reason="I know the patient")
    assert worklist_page(lead, Filters(show="skipped"))[0][0].skips == ((str(reader), "I know the patient"),)
    assert worklist_page(reader, Filters())[0][0].skips == ()


@pytest.mark.parametrize(
    ("waited", "words"),
    [(0, "under a minute"), (18, "18 min"), (185, "3 h 05"), (47 * 60, "47 h 00"), (48 * 60, "2 days")],
)
def test_waits_in_words(waited, words):
    assert wait_in_words(timedelta(minutes=waited)) == words
