"""What follows from a signature: who is told of a verdict and of its change, after it can no more be undone."""

from __future__ import annotations

import pytest

from bonefrac.accounts import people
from bonefrac.accounts.models import ReadingMode, Role
from studies import notices, reviews
from studies.models import Divergence, Notice
from studies.selectors import open_study
from studies.selectors.decided import known_labels
from studies.selectors.uploader import open_as_uploader
from studies.states import StudyStatus, Verdict
from tests import factories_studies as make
from tests.outcomes.passing import let_pass

pytestmark = pytest.mark.django_db


def told(person):
    return [(notice.kind, notice.study_id) for notice in notices.page_of(person).rows]


def amended(reader, study, review, verdict, **values):
    study.refresh_from_db()
    made = reviews.amend(
        reader, review.pk, judgement=make.judgement(verdict, **values), revision=study.revision, reason="Looked again."
    )
    study.refresh_from_db()
    return made


@pytest.fixture
def read():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    return study, reader, make.signed(reader, study, "fracture")


def test_the_uploader_is_told_once_it_can_no_more_be_undone(read):
    study, reader, _review = read
    uploader = study.uploader
    assert (told(uploader), notices.unseen_count(uploader)) == ([], "")
    assert (open_as_uploader(uploader, study).verdict, open_as_uploader(uploader, study).state) == ("", "AWAITING")
    let_pass(study, seconds=16)
    assert told(uploader) == [("verdict_signed", study.pk)]
    assert notices.unseen_count(uploader) == "1"
    story = open_as_uploader(uploader, study)
    assert (story.verdict, story.state) == ("fracture (acute)", "REVIEWED")
    assert told(reader) == []
    assert "fracture" not in Notice.objects.get().sentence


def test_nobody_is_ever_told_of_what_was_undone(read):
    study, reader, review = read
    reviews.undo(reader, review.pk)
    let_pass(study, seconds=60)
    assert told(study.uploader) == []
    study.refresh_from_db()
    assert open_as_uploader(study.uploader, study).verdict == ""
    make.signed(reader, study, "no_fracture")
    let_pass(study, seconds=60)
    assert told(study.uploader) == [("verdict_signed", study.pk)]
    assert open_as_uploader(study.uploader, study).verdict == "no acute fracture"


def test_everyone_who_saw_the_former_verdict_is_told_of_its_change(read):
    study, reader, review = read
    lead, other = make.lead(study.site), make.reader(study.site)
    let_pass(study, minutes=5)
    open_as_uploader(study.uploader, study)
    open_study(lead, study)
    amended(reader, study, review, "no_fracture")
    assert [kind for kind, _ in told(study.uploader)] == ["verdict_signed"]
    assert open_as_uploader(study.uploader, study).verdict == "fracture (acute)"
    let_pass(study, seconds=16)
    for person in (study.uploader, lead):
        assert "verdict_changed" in [kind for kind, _ in told(person)]
    assert told(other) == told(reader) == []
    story = open_as_uploader(study.uploader, study)
    assert story.verdict == "no acute fracture"
    (change,) = story.amendments
    assert [(one.name, one.before, one.after) for one in change.changes] == [
        ("verdict", "fracture (acute)", "no acute fracture")
    ]
    assert change.reason == "Looked again."


def test_an_amendment_that_keeps_the_verdict_is_told_to_the_uploader_alone(read):
    study, reader, review = read
    lead = make.lead(study.site)
    let_pass(study, minutes=5)
    open_study(lead, study)
    amended(reader, study, review, "fracture", note="distal radius")
    let_pass(study, seconds=16)
    assert [kind for kind, _ in told(study.uploader)] == ["verdict_changed", "verdict_signed"]
    assert told(lead) == []
    (change,) = open_as_uploader(study.uploader, study).amendments
    assert [(one.name, one.before, one.after) for one in change.changes] == [("note", "", "distal radius")]


def test_an_undone_amendment_tells_nobody_and_the_former_verdict_stays(read):
    study, reader, review = read
    let_pass(study, minutes=5)
    made = amended(reader, study, review, "no_fracture")
    reviews.undo(reader, made.pk)
    study.refresh_from_db()
    let_pass(study, seconds=16)
    assert [kind for kind, _ in told(study.uploader)] == ["verdict_signed"]
    story = open_as_uploader(study.uploader, study)
    assert (story.verdict, story.amendments) == ("fracture (acute)", ())


def test_an_amendment_within_the_time_of_undoing_was_never_a_change(read):
    study, reader, review = read
    amended(reader, study, review, "no_fracture")
    let_pass(study, seconds=16)
    assert [kind for kind, _ in told(study.uploader)] == ["verdict_signed"]
    story = open_as_uploader(study.uploader, study)
    assert (story.verdict, story.amendments) == ("no acute fracture", ())


def test_reading_anew_tells_of_a_change_or_of_a_verdict(read):
    study, reader, _review = read
    lead = make.lead(study.site)
    let_pass(study, minutes=5)
    reviews.reopen(lead, study.pk, reason="Look at the scaphoid.")
    study.refresh_from_db()
    assert open_as_uploader(study.uploader, study).status == "being read again"
    make.signed(reader, study, "no_fracture")
    let_pass(study, seconds=16)
    assert [kind for kind, _ in told(study.uploader)].count("verdict_changed") == 1
    reviews.reopen(lead, study.pk, reason="Once more.")
    make.signed(reader, study, "no_fracture")
    let_pass(study, seconds=16)
    kinds = [kind for kind, _ in told(study.uploader)]
    assert (kinds.count("verdict_changed"), kinds.count("verdict_signed")) == (1, 2)


def test_a_dispute_is_told_to_leads_who_may_settle_it_and_its_settling_to_the_uploader():
    site = make.site(required=2)
    study, reader, lead, reading_lead = make.study(site), make.reader(site), make.lead(site), make.lead(site)
    make.signed(reader, study, "fracture")
    make.signed(reading_lead, study, "no_fracture")
    assert study.status == StudyStatus.DISPUTED
    let_pass(study, seconds=16)
    assert [kind for kind, _ in told(lead)] == ["disputed"]
    assert told(reading_lead) == told(study.uploader) == told(reader) == []
    assert open_as_uploader(study.uploader, study).status == "readers differ: a lead decides"
    reviews.adjudicate(lead, study.pk, judgement=make.judgement("fracture"), revision=study.revision)
    let_pass(study, seconds=16)
    assert [kind for kind, _ in told(study.uploader)] == ["verdict_signed"]


def test_a_verdict_that_falls_into_dispute_no_longer_stands():
    site = make.site(required=2)
    study, one, other = make.study(site), make.reader(site), make.reader(site)
    review = make.signed(one, study, "fracture")
    make.signed(other, study, "fracture")
    let_pass(study, minutes=5)
    amended(one, study, review, "no_fracture")
    let_pass(study, seconds=16)
    assert [kind for kind, _ in told(study.uploader)] == ["verdict_changed", "verdict_signed"]
    assert open_as_uploader(study.uploader, study).verdict == ""


def test_a_study_that_was_read_by_one_of_two_has_no_verdict_to_tell():
    site = make.site(required=2)
    study = make.study(site)
    make.signed(make.reader(site), study, "fracture")
    let_pass(study, minutes=5)
    assert (told(study.uploader), known_labels([study])) == ([], {})


def test_in_blind_first_the_verdict_follows_the_second_look():
    site = make.site(mode=ReadingMode.BLIND_FIRST)
    study, reader = make.study(site), make.reader(site)
    make.signed(reader, study, "no_fracture")
    let_pass(study, seconds=16)
    assert told(study.uploader) == []
    make.signed(reader, study, "fracture")
    let_pass(study, seconds=16)
    assert [kind for kind, _ in told(study.uploader)] == ["verdict_signed"]
    assert known_labels([study])[study.pk].verdict == Verdict.FRACTURE


@pytest.mark.parametrize(
    ("mode", "allows", "signs", "sees"),
    [
        ("assisted", True, False, True), ("assisted", False, True, False),
        ("blind_first", True, False, False), ("blind_first", True, True, True),
    ],
)  # fmt: skip
def test_an_uploader_sees_the_ai_where_the_site_allows_and_nobody_is_to_read_blind(mode, allows, signs, sees):
    site = make.site(mode=ReadingMode(mode))
    site.uploaders_see_ai = allows
    site.save()
    study, reader = make.study(site), make.reader(site)
    make.predicted(study, make.model(), "positive")
    if signs:
        make.signed(reader, study, "fracture")
        make.signed(reader, study, "fracture") if mode == "blind_first" else None
        let_pass(study, seconds=16)
    story = open_as_uploader(study.uploader, study)
    assert (story.ai is not None) == sees
    assert study.disclosures.filter(reader=study.uploader).exists() == sees


def test_who_may_not_see_the_study_any_more_is_not_told(read):
    study, _reader, _review = read
    let_pass(study, seconds=16)
    people.revoke(None, person=study.uploader, site=study.site, role=Role.UPLOADER)
    assert told(study.uploader) == []


def test_differences_are_found_when_a_study_is_settled():
    site = make.site(required=2)
    study, one, other, lead = make.study(site), make.reader(site), make.reader(site), make.lead(site)
    make.predicted(study, make.model(), "negative")
    make.signed(one, study, "fracture")
    make.signed(other, study, "no_fracture")
    assert not Divergence.objects.exists()
    reviews.adjudicate(lead, study.pk, judgement=make.judgement("fracture"), revision=study.revision)
    assert set(Divergence.objects.values_list("kind", flat=True)) == {"model_against_final", "first_against_second"}
