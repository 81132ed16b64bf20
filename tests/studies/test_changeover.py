"""A site works otherwise from now on: what becomes of the order, of open studies, and of what was settled before."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from bonefrac.accounts import people, triage
from bonefrac.accounts.models import ReadingMode, Role, Site
from bonefrac.accounts.people import fingerprint, terms_of
from bonefrac.audit.models import Verb
from bonefrac.errors import Conflict
from studies import changeover, ranking, reviews, worklist
from studies.models import Notice, Review, Study
from studies.selectors.agreement import agreements
from studies.selectors.ai import ai_of_study
from studies.selectors.decided import known_labels
from studies.selectors.listing import Filters, page
from studies.selectors.readings import label, readings_of
from studies.selectors.rows import worklist_page
from studies.states import NoticeKind, Rank, ReviewMode, StudyStatus, Verdict
from studies.triaging import apply
from studies.turns import has_read
from tests import factories_studies as make
from tests.faces.clients import api_client, page_client

pytestmark = pytest.mark.django_db
BLIND, ASSISTED = ReadingMode.BLIND_FIRST, ReadingMode.ASSISTED


def change(site, **terms):
    """Change a site as an administrator does; whoever follows is asked by the caller."""
    site.refresh_from_db()
    people.change_site(None, site=site, terms=replace(terms_of(site), **terms), expected=fingerprint(site))
    site.refresh_from_db()
    return site


def followed(site, *studies, **terms):
    settled = changeover.follow_terms(change(site, **terms).pk)
    for study in studies:
        study.refresh_from_db()
        study.site = site
    return settled


def in_a_row(site, model, *states):
    """Studies of these states, a minute apart, the first the oldest."""
    made = []
    for number, state in enumerate(states):
        study = make.study(site)
        make.predicted(study, model, state)
        Study.objects.filter(pk=study.pk).update(received_at=timezone.now() - timedelta(minutes=20 - number))
        ranking.rank_by_id(study.pk)
        made.append(study)
    return made


@pytest.mark.parametrize("terms", [{"triage": False}, {"reading_mode": BLIND}])
def test_no_rank_that_rests_on_the_ai_is_seen_from_the_moment_of_the_change(terms):
    """Nobody has ranked anything anew: list, its pages, the rows' words and the pool go by age at once."""
    site, model = make.site(), make.model()
    made = in_a_row(site, model, "negative", "doubt", "positive", "negative", "positive")
    urgent = make.study(site, urgent=True)
    ranking.rank_by_id(urgent.pk)
    reader = make.reader(site)
    before = [row.pk for row in page(reader, Filters(), size=100).studies]
    assert before != [urgent.pk, *(study.pk for study in made)]
    change(site, **terms)
    reader = type(reader).objects.get(pk=reader.pk)
    expected = [urgent.pk, *(study.pk for study in made)]
    found, cursor = [], ""
    while len(found) < len(expected):
        shown = page(reader, Filters(), cursor=cursor, size=2)
        found += [study.pk for study in shown.studies]
        cursor = shown.next_cursor
    assert (found, cursor) == (expected, "")
    narrow = page(reader, Filters(part=made[0].body_part), size=100)
    assert [study.pk for study in narrow.studies] == expected
    rows = worklist_page(reader, Filters())[0]
    assert [(row.rank_class, row.rank_word) for row in rows[1:]] == [("unknown", "routine")] * 5
    told = api_client(reader).get(reverse("api_studies")).json()["results"]
    assert [row["rank"] for row in told] == [Rank.URGENT, *[Rank.UNCERTAIN] * 5]
    assert [worklist.next_for(make.reader(site), site).pk for _study in expected] == expected
    assert set(Study.objects.values_list("rank", flat=True)) > {Rank.POSITIVE, Rank.NEGATIVE}


def test_a_settled_study_shows_no_rank_of_the_ai_either():
    site, reader = make.site(), None
    (study,) = in_a_row(site, make.model(), "positive")
    reader = make.reader(site)
    make.signed(reader, study, "fracture")
    change(site, reading_mode=BLIND)
    other = make.reader(site)
    (row,) = worklist_page(other, Filters(show="reviewed"))[0]
    assert (row.rank_class, row.rank_word) == ("unknown", "routine")


@pytest.mark.parametrize("show", ["open", "reviewed", "reads"])
def test_no_filter_finds_what_the_ai_said_before_the_change(show):
    site, model = make.site(), make.model()
    made = in_a_row(site, model, "positive", "negative", "doubt")
    reader = make.reader(site)
    if show != "open":
        for study in made:
            make.signed(reader, study, "fracture")
    browser = api_client(reader)

    def found(state):
        told = browser.get(reverse("api_studies"), {"show": show, "ai": state}).json()["results"]
        return sorted(row["id"] for row in told)

    everything = sorted(str(study.pk) for study in made)
    before = {state: found(state) for state in ("positive", "negative", "doubt", "unknown")}
    assert sorted(key for keys in before.values() for key in keys) == everything
    assert before["unknown"] == []
    change(site, reading_mode=BLIND)
    assert {state: found(state) for state in before} == {state: [] for state in before} | {"unknown": everything}


def test_turned_on_triage_orders_again_though_its_ring_was_lost(monkeypatch):
    site, model = make.site(), make.model()
    change(site, reading_mode=BLIND)
    old, new = in_a_row(site, model, "negative", "positive")
    Site.objects.update(pending_since=None)
    change(site, reading_mode=ASSISTED)
    assert set(Study.objects.values_list("rank", flat=True)) == {Rank.UNCERTAIN}
    changeover.ring_again()
    site.refresh_from_db()
    assert site.pending_since  # too early: the first ring may still be on its way
    Site.objects.update(pending_since=timezone.now() - timedelta(minutes=11))
    rung = []
    monkeypatch.setattr(changeover, "ring", lambda *call: rung.append(call))
    changeover.ring_again()
    changeover.ring_again()
    assert rung == [("studies.follow_terms", str(site.pk))]
    changeover.follow_terms(site.pk)
    site.refresh_from_db()
    assert site.pending_since is None
    assert [row.pk for row in page(make.reader(site), Filters()).studies] == [new.pk, old.pk]
    changeover.follow_terms(make.study(make.site()).pk)  # a site that is gone


def test_a_change_in_mid_following_is_followed_too():
    site = make.site()
    change(site, triage=False)
    triage.let_studies_follow(site)
    stale = Site.objects.get(pk=site.pk)
    triage.let_studies_follow(site)
    assert not Site.objects.filter(pk=site.pk, pending_since=stale.pending_since).exists()
    apply(None, site, broken=())
    assert Site.objects.get(pk=site.pk).pending_since
    changeover.follow_terms(site.pk)
    assert Site.objects.get(pk=site.pk).pending_since is None


def test_a_name_or_a_limit_asks_no_study_to_follow():
    site = make.site()
    change(site, critical_minutes=5)
    assert site.pending_since is None


# --- A blind reading without its second look ---------------------------------------------------------------------


@pytest.fixture
def blind():
    site, model = make.site(mode=BLIND), make.model()
    study = make.study(site)
    make.predicted(study, model, "positive")
    return site, make.reader(site), study


def test_to_assisted_a_blind_reading_alone_settles_its_study(blind):
    site, reader, study = blind
    make.signed(reader, study, "no_fracture")
    worklist.hand_back(reader, study.pk)
    assert followed(site, study, reading_mode=ASSISTED) == 1
    assert (study.status, label(study).verdict) == (StudyStatus.REVIEWED, Verdict.NO_FRACTURE)
    assert worklist.next_for(make.reader(site), site) is None
    event = reviews.locking.history_of("study", study.pk).filter(verb=Verb.SITE_CHANGED).get()
    assert (event.actor, event.data["revision"]) == (None, study.revision)
    told = Notice.objects.get(study=study, kind=NoticeKind.VERDICT_SIGNED)
    assert told.person_id == study.uploader_id
    assert "site works otherwise" in page_client(reader).get(f"/studies/{study.pk}/").content.decode()


def test_while_somebody_holds_it_it_is_left_alone_and_their_second_look_counts(blind):
    site, reader, study = blind
    make.signed(reader, study, "no_fracture")
    assert not ai_of_study(reader, study).is_withheld
    assert followed(site, study, reading_mode=ASSISTED) == 0
    assert (study.status, study.claimed_by) == (StudyStatus.AWAITING, reader)
    assert site.pending_since
    form = page_client(reader).get(f"/studies/{study.pk}/read/").content.decode()
    chosen = re.search(r'<input[^>]*name="verdict"[^>]*checked[^>]*>', form).group()
    assert 'value="no_fracture"' in chosen
    assert "Sign and next" in form
    with pytest.raises(Conflict, match="already"):
        worklist.claim(reader, study.pk)
    second = reviews.sign(reader, study.pk, judgement=make.judgement("fracture"), revision=study.revision)
    study.refresh_from_db()
    assert (second.mode, study.status) == (ReviewMode.ASSISTED, StudyStatus.REVIEWED)
    assert label(study).verdict == Verdict.FRACTURE
    with pytest.raises(Conflict):
        reviews.sign(reader, study.pk, judgement=make.judgement("fracture"), revision=study.revision)
    assert changeover.follow_terms(site.pk) == 0
    assert Site.objects.get(pk=site.pk).pending_since is None


def test_it_is_settled_once_the_claim_has_lapsed(blind):
    site, reader, study = blind
    make.signed(reader, study, "no_fracture")
    followed(site, study, reading_mode=ASSISTED)
    Study.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert changeover.follow_terms(site.pk) == 1
    study.refresh_from_db()
    assert (study.status, study.claimed_by) == (StudyStatus.REVIEWED, None)


def test_one_person_who_looked_twice_is_one_reader():
    site = make.site(mode=BLIND, required=2)
    study, reader = make.study(site), make.reader(site)
    for verdict in ("no_fracture", "fracture"):
        make.signed(reader, study, verdict)
    assert followed(site, study, reading_mode=ASSISTED) == 0
    assert (study.status, label(study).verdict) == (StudyStatus.AWAITING, Verdict.FRACTURE)
    make.signed(make.reader(site), study, "fracture")
    assert (study.status, len(label(study).readings)) == (StudyStatus.REVIEWED, 2)
    (line,) = [row for row in agreements(make.lead(site)) if row.is_of_all and row.is_of_all_parts]
    assert (line.agreement.studies, line.agreement.agreed) == (1, 1)


# --- Readers read first from now on ------------------------------------------------------------------------------


def test_to_blind_first_what_was_settled_without_the_ai_keeps_its_label():
    site, reader = make.site(), None
    study, reader = make.study(site), make.reader(site)
    signed = make.signed(reader, study, "fracture")
    assert signed.mode == ReviewMode.BLIND
    followed(site, study, reading_mode=BLIND)
    assert (study.status, label(study).verdict) == (StudyStatus.REVIEWED, Verdict.FRACTURE)
    later = timezone.now() + timedelta(minutes=1)
    assert known_labels([study], at=later)[study.pk].verdict == Verdict.FRACTURE
    amended = reviews.amend(
        reader, signed.pk, judgement=make.judgement("no_fracture"), revision=study.revision, reason="Artefact."
    )
    study.refresh_from_db()
    assert (amended.mode, study.status) == (ReviewMode.BLIND, StudyStatus.REVIEWED)


def test_to_blind_first_a_dispute_keeps_its_readings(client):
    site = make.site(required=2)
    study, _first, _second = make.disputed(site)
    followed(site, study, reading_mode=BLIND)
    lead = make.lead(site)
    shown = page_client(lead).get(f"/studies/{study.pk}/adjudicate/").content.decode()
    assert study.status == StudyStatus.DISPUTED
    assert "in the verdict" in shown


def test_to_blind_first_a_blind_row_that_others_overtook_never_counts():
    site = make.site(mode=BLIND)
    study, left, stayed = make.study(site), make.reader(site), make.reader(site)
    make.signed(left, study, "no_fracture")
    worklist.hand_back(left, study.pk)
    for _look in range(2):
        make.signed(stayed, study, "fracture")
    assert [reading.reader for reading in label(study).readings] == [stayed.pk]


def test_undoing_a_second_look_leaves_the_blind_row_waiting(blind):
    _site, reader, study = blind
    make.signed(reader, study, "no_fracture")
    second = make.signed(reader, study, "fracture")
    reviews.undo(reader, second.pk)
    study.refresh_from_db()
    assert study.status == StudyStatus.AWAITING


def test_to_blind_first_an_assisted_reading_settles_with_fewer_readings():
    """Both changes at once: the reading that saw the AI is whole, the one that did not waits for its second look."""
    site, model = make.site(required=2), make.model()
    seen, unseen = make.study(site), make.study(site)
    make.predicted(seen, model, "positive")
    reader = make.reader(site)
    ai_of_study(reader, seen)
    for study in (seen, unseen):
        make.signed(reader, study, "fracture")
    assert followed(site, seen, unseen, reading_mode=BLIND, readings_required=1) == 1
    assert (seen.status, unseen.status) == (StudyStatus.REVIEWED, StudyStatus.AWAITING)
    assert not has_read(reader, unseen)


# --- More or fewer readings --------------------------------------------------------------------------------------


def test_with_fewer_readings_one_that_is_there_settles_and_a_dispute_stays():
    site = make.site(required=2)
    once, never = make.study(site), make.study(site)
    disputed, _first, _second = make.disputed(site)
    make.signed(make.reader(site), once, "fracture")
    assert followed(site, once, never, disputed, readings_required=1) == 1
    assert [study.status for study in (once, never, disputed)] == ["REVIEWED", "AWAITING", "DISPUTED"]
    assert (never.readings_required, disputed.readings_required) == (1, 2)
    make.signed(make.reader(site), never, "fracture")
    assert never.status == StudyStatus.REVIEWED


def test_with_more_readings_open_studies_wait_for_another_and_settled_ones_stay():
    site = make.site()
    done, waiting = make.study(site), make.study(site)
    make.signed(make.reader(site), done, "fracture")
    assert followed(site, done, waiting, readings_required=2) == 0
    assert (done.status, done.readings_required, waiting.readings_required) == (StudyStatus.REVIEWED, 1, 2)
    make.signed(make.reader(site), waiting, "fracture")
    assert waiting.status == StudyStatus.AWAITING
    make.signed(make.reader(site), waiting, "fracture")
    assert waiting.status == StudyStatus.REVIEWED


def test_with_two_of_three_readings_that_differ_fewer_readings_make_a_dispute():
    site = make.site(required=3)
    study = make.study(site)
    for verdict in ("fracture", "no_fracture"):
        make.signed(make.reader(site), study, verdict)
    lead = make.lead(site)
    assert followed(site, study, readings_required=2) == 1
    assert study.status == StudyStatus.DISPUTED
    assert Notice.objects.filter(study=study, kind=NoticeKind.DISPUTED, person=lead).exists()


def test_what_does_not_hang_on_the_change_is_not_touched():
    site = make.site(required=2)
    study = make.study(site)
    make.signed(make.reader(site), study, "fracture")
    revision = study.revision
    assert followed(site, study, triage=False) == 0
    assert (study.status, study.revision, Review.objects.count()) == (StudyStatus.AWAITING, revision, 1)
    assert len(readings_of(study)) == 1


def test_an_administrator_is_told_what_follows():
    site = make.site()
    admin = make.person(site, Role.ADMIN)
    browser = page_client(admin)
    shown = browser.get(reverse("accounts:site", args=[site.pk])).content.decode()
    assert "for studies that wait, too" in shown
    assert "still being put" not in shown
    change(site, triage=False)
    assert "still being put" in browser.get(reverse("accounts:site", args=[site.pk])).content.decode()
