"""Signing, amending, adjudicating, and everything that is refused beside it."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from bonefrac.accounts import people
from bonefrac.accounts.models import ReadingMode, Role
from bonefrac.audit.events import history_of
from bonefrac.audit.models import Verb
from bonefrac.errors import Conflict, Forbidden, Invalid, NotFound
from studies import reviews, worklist
from studies.models import Disclosure, Finding, ImageReading, Review, Study
from studies.selectors import ai_of_study
from studies.states import ReviewMode, StudyStatus
from tests import factories_studies as make

pytestmark = pytest.mark.django_db


def code_of(verb, *arguments, **named):
    with pytest.raises((Conflict, Invalid, Forbidden)) as refused:
        verb(*arguments, **named)
    return refused.value.code


def test_one_reading_reviews_a_study_with_its_images_and_boxes():
    site = make.site()
    study, reader = make.study(site, images=2), make.reader(site)
    first, second = study.images.all()
    review = make.signed(
        reader, study, "fracture", confidence="probable", note="distal radius",
        boxes=[make.box(first, 2, 3, 10, 8, bone="radius", confidence="definite")],
        image_readings={second.pk: "not_visible_here"},
    )  # fmt: skip
    assert (study.status, study.revision, study.claimed_by) == (StudyStatus.REVIEWED, 2, None)
    assert (review.mode, review.round, review.note) == (ReviewMode.BLIND, 1, "distal radius")
    marks = dict(ImageReading.objects.values_list("study_image", "verdict"))
    assert marks == {first.pk: "fracture_visible", second.pk: "not_visible_here"}
    box = Finding.objects.get()
    assert (box.x, box.y, box.width, box.height, box.bone, box.confidence) == (2, 3, 10, 8, "radius", "definite")
    event = history_of("study", study.pk).last()
    assert (event.verb, event.actor, event.data["revision"]) == (Verb.REVIEW_SIGNED, reader, 2)
    assert "distal" not in str(event.data)


def test_two_required_readings_agree_or_dispute():
    site = make.site(required=2)
    agreed = make.study(site)
    make.signed(make.reader(site), agreed)
    assert agreed.status == StudyStatus.AWAITING
    make.signed(make.reader(site), agreed)
    assert agreed.status == StudyStatus.REVIEWED
    differing, _first, _second = make.disputed(site)
    assert differing.status == StudyStatus.DISPUTED


def test_nobody_signs_twice_or_without_the_claim():
    site = make.site(required=2)
    study, reader, other = make.study(site), make.reader(site), make.reader(site)
    judged = {"judgement": make.judgement(), "revision": 1}
    assert code_of(reviews.sign, reader, study.pk, **judged) == "not_held"
    worklist.claim(other, study.pk)
    assert code_of(reviews.sign, reader, study.pk, **judged) == "not_held"
    worklist.hand_back(other, study.pk)
    make.signed(reader, study)
    assert code_of(reviews.sign, reader, study.pk, judgement=make.judgement(), revision=2) == "already_read"
    assert Review.objects.count() == 1


def test_who_may_sign():
    site = make.site()
    study = make.study(site)
    for role in (Role.ADMIN, Role.AUDITOR):
        actor = make.person(site, role)
        assert code_of(reviews.sign, actor, study.pk, judgement=make.judgement(), revision=1) == "forbidden"
    with pytest.raises(NotFound):
        reviews.sign(make.reader(make.site()), study.pk, judgement=make.judgement(), revision=1)
    assert make.signed(make.lead(site), study)


def test_a_stale_form_is_refused_by_what_changed():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    worklist.claim(reader, study.pk)
    make.image(study, 1)
    reviews.add_image(study.pk)
    with pytest.raises(Conflict) as refused:
        reviews.sign(reader, study.pk, judgement=make.judgement(), revision=1)
    assert refused.value.code == "stale"
    assert "an image was added" in refused.value.sentence
    assert Review.objects.count() == 0
    assert reviews.sign(reader, study.pk, judgement=make.judgement(), revision=2)


def test_what_another_reader_signs_amends_or_takes_back_makes_no_form_stale():
    site = make.site(required=3)
    study, reader, other, third = make.study(site), make.reader(site), make.reader(site), make.reader(site)
    mine = make.signed(other, study)
    worklist.claim(reader, study.pk)
    seen = study.revision
    amended = reviews.amend(other, mine.pk, judgement=make.judgement("no_fracture"), revision=seen)
    reviews.undo(other, amended.pk)
    review = reviews.sign(reader, study.pk, judgement=make.judgement(), revision=seen)
    assert review.verdict == "fracture"
    worklist.claim(third, study.pk)
    study.refresh_from_db()
    seen = study.revision
    reviews.undo(reader, review.pk)
    make.image(study, 1)
    reviews.add_image(study.pk)
    worklist.claim(third, study.pk)
    with pytest.raises(Conflict, match="an image was added"):
        reviews.sign(third, study.pk, judgement=make.judgement(), revision=seen)
    for unknown in (0, -1, seen + 9):
        assert code_of(reviews.sign, third, study.pk, judgement=make.judgement(), revision=unknown) == "stale"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"verdict": ""}, "verdict"),
        ({"verdict": "normal"}, "verdict"),
        ({"verdict": "not_assessable", "not_assessable_reason": ""}, "not_assessable_reason"),
        ({"verdict": "fracture", "not_assessable_reason": "quality"}, "not_assessable_reason"),
        ({"verdict": "fracture", "confidence": "sure"}, "confidence"),
        ({"verdict": "fracture", "note": "x" * 2001}, "note"),
        ({"verdict": "fracture", "image_readings": {uuid.UUID(int=1): "no_fracture"}}, "images"),
    ],
)
def test_a_judgement_that_is_not_whole_is_refused(values, field):
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    worklist.claim(reader, study.pk)
    with pytest.raises(Invalid) as refused:
        reviews.sign(reader, study.pk, judgement=reviews.Judgement(**values), revision=1)
    assert field in refused.value.fields
    assert Review.objects.count() == 0
    assert reviews.sign(reader, study.pk, judgement=make.judgement("not_assessable"), revision=1)


@pytest.mark.parametrize(
    "place",
    [
        {"x": -1}, {"y": -0.5}, {"x": 23}, {"y": 17}, {"width": 0}, {"height": -1}, {"width": float("nan")},
        {"x": float("inf")}, {"confidence": "sure"}, {"side": "up"}, {"bone": "x" * 65},
    ],
)  # fmt: skip
def test_a_box_lies_within_its_radiograph(place):
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    image = study.images.get()
    worklist.claim(reader, study.pk)
    wrong = make.judgement(boxes=[make.box(image, **place)])
    with pytest.raises(Invalid) as refused:
        reviews.sign(reader, study.pk, judgement=wrong, revision=1)
    assert "findings" in refused.value.fields
    edge = make.judgement(boxes=[make.box(image, 0, 0, make.COLUMNS, make.ROWS)])
    assert reviews.sign(reader, study.pk, judgement=edge, revision=1)


def test_a_box_and_no_fracture_do_not_stand_together():
    site = make.site()
    study, other, reader = make.study(site), make.study(site), make.reader(site)
    image = study.images.get()
    worklist.claim(reader, study.pk)
    refused = [
        make.judgement("no_fracture", boxes=[make.box(image)]),
        make.judgement("not_assessable", boxes=[make.box(image)]),
        make.judgement("fracture", boxes=[make.box(image)], image_readings={image.pk: "no_fracture"}),
        make.judgement("no_fracture", image_readings={image.pk: "fracture_visible"}),
        make.judgement("fracture", boxes=[make.box(other.images.get())]),
    ]
    for judgement in refused:
        assert code_of(reviews.sign, reader, study.pk, judgement=judgement, revision=1) == "judgement"
    assert reviews.sign(reader, study.pk, judgement=make.judgement("fracture"), revision=1)


def test_the_mode_is_what_the_reader_was_shown():
    site, model = make.site(), make.model()
    blind, assisted, reader = make.study(site), make.study(site), make.reader(site)
    make.predicted(blind, model, "positive")
    make.predicted(assisted, model, "positive")
    ai_of_study(reader, assisted)
    ai_of_study(make.reader(site), blind)  # what somebody else saw says nothing of this reader
    assert make.signed(reader, blind).mode == ReviewMode.BLIND
    assert make.signed(reader, assisted).mode == ReviewMode.ASSISTED


def test_blind_first_counts_after_the_second_look():
    site = make.site(mode=ReadingMode.BLIND_FIRST)
    study, reader = make.study(site), make.reader(site)
    make.predicted(study, make.model(), "positive")
    assert ai_of_study(reader, study).is_withheld
    first = make.signed(reader, study, "no_fracture")
    assert (first.mode, study.status, study.claimed_by) == (ReviewMode.BLIND, StudyStatus.AWAITING, reader)
    assert ai_of_study(reader, study).sentence == "fracture suspected"
    second = make.signed(reader, study, "fracture")
    assert (second.mode, study.status, study.claimed_by) == (ReviewMode.ASSISTED, StudyStatus.REVIEWED, None)


def test_a_blind_reading_is_final_once_the_ai_was_shown():
    site = make.site(mode=ReadingMode.BLIND_FIRST)
    study, reader = make.study(site), make.reader(site)
    make.predicted(study, make.model(), "positive")
    blind = make.signed(reader, study, "no_fracture")
    undone = reviews.amend(reader, blind.pk, judgement=make.judgement("fracture"), revision=study.revision)
    assert undone.mode == ReviewMode.BLIND
    study.refresh_from_db()
    ai_of_study(reader, study)
    again = {"judgement": make.judgement("no_fracture"), "revision": study.revision, "reason": "looked again"}
    assert code_of(reviews.amend, reader, undone.pk, **again) == "blind_is_final"


def test_an_amendment_supersedes_and_the_state_is_computed_again():
    study, first, second = make.disputed(make.site(required=2))
    mine = Review.objects.get(reader=second)
    agreeing = {"judgement": make.judgement("fracture"), "revision": study.revision, "reason": "saw it"}
    amended = reviews.amend(second, mine.pk, **agreeing)
    study.refresh_from_db()
    assert (amended.supersedes, amended.reason, study.status) == (mine, "saw it", StudyStatus.REVIEWED)
    back = reviews.amend(
        first, Review.objects.get(reader=first).pk, judgement=make.judgement("no_fracture"), revision=study.revision
    )
    study.refresh_from_db()
    assert back.reason == ""  # within 15 s of signing
    assert study.status == StudyStatus.DISPUTED
    again = {"judgement": make.judgement(), "revision": study.revision, "reason": "once more"}
    assert code_of(reviews.amend, second, mine.pk, **again) == "superseded"


def test_after_fifteen_seconds_an_amendment_needs_a_reason(settings):
    settings.UNDO_SECONDS = 0
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    review = make.signed(reader, study)
    named = {"judgement": make.judgement("no_fracture"), "revision": study.revision}
    assert code_of(reviews.amend, reader, review.pk, **named) == "reason_missing"
    assert code_of(reviews.amend, reader, review.pk, reason="x" * 501, **named) == "reason_long"
    assert code_of(reviews.amend, make.reader(site), review.pk, reason="no", **named) == "forbidden"
    stale = named | {"revision": 1}
    assert code_of(reviews.amend, reader, review.pk, reason="why", **stale) == "stale"
    assert reviews.amend(reader, review.pk, reason="why", **named)
    with pytest.raises(NotFound):
        reviews.amend(make.reader(make.site()), review.pk, reason="why", **named)


def test_a_lead_who_is_no_reader_of_it_adjudicates():
    site = make.site(required=2)
    study, first, _second = make.disputed(site)
    named = {"judgement": make.judgement("no_fracture"), "revision": study.revision}
    assert code_of(reviews.adjudicate, make.reader(site), study.pk, **named) == "forbidden"
    people.grant(None, person=first, site=site, role=Role.LEAD)
    assert code_of(reviews.adjudicate, first, study.pk, **named) == "forbidden"
    lead = make.lead(site)
    assert code_of(reviews.adjudicate, lead, study.pk, judgement=make.judgement(), revision=1) == "stale"
    review = reviews.adjudicate(lead, study.pk, **named)
    study.refresh_from_db()
    assert (review.kind, study.status) == ("adjudication", StudyStatus.REVIEWED)
    named["revision"] = study.revision
    assert code_of(reviews.adjudicate, make.lead(site), study.pk, **named) == "wrong_state"


def test_reopening_begins_a_round_in_which_earlier_readings_do_not_count():
    site = make.site()
    study, reader, lead = make.study(site), make.reader(site), make.lead(site)
    first = make.signed(reader, study)
    assert code_of(reviews.reopen, reader, study.pk, reason="why") == "forbidden"
    assert code_of(reviews.reopen, lead, study.pk, reason="  ") == "reason_missing"
    reopened = reviews.reopen(lead, study.pk, reason="new views exist")
    assert (reopened.status, reopened.round) == (StudyStatus.AWAITING, 2)
    assert reopened.decisions.get().reason == "new views exist"
    assert code_of(reviews.reopen, lead, study.pk, reason="again") == "wrong_state"
    old = {"judgement": make.judgement(), "revision": reopened.revision, "reason": "late"}
    assert code_of(reviews.amend, reader, first.pk, **old) == "earlier_round"
    second = make.signed(reader, study, "no_fracture")
    assert (second.round, study.status) == (2, StudyStatus.REVIEWED)


def test_void_and_restore():
    site = make.site()
    study, lead = make.study(site), make.lead(site)
    make.signed(make.reader(site), study)
    assert code_of(reviews.void, make.reader(site), study.pk, reason="why") == "forbidden"
    assert code_of(reviews.restore, lead, study.pk) == "wrong_state"
    assert reviews.void(lead, study.pk, reason="wrong patient").status == StudyStatus.VOID
    assert code_of(reviews.void, lead, study.pk, reason="twice") == "wrong_state"
    assert code_of(reviews.report_problem, lead, study.pk, sentence="late") == "wrong_state"
    assert reviews.restore(lead, study.pk).status == StudyStatus.REVIEWED


def test_a_problem_takes_a_study_out_of_the_pool_until_a_lead_settles_it():
    site = make.site()
    study, reader, lead = make.study(site), make.reader(site), make.lead(site)
    worklist.claim(reader, study.pk)
    assert code_of(reviews.report_problem, make.person(site, Role.ADMIN), study.pk, sentence="?") == "forbidden"
    problem = reviews.report_problem(reader, study.pk, sentence="wrong side")
    second = reviews.report_problem(lead, study.pk, sentence="and a missing view")
    study.refresh_from_db()
    assert (study.has_problem, study.claimed_by, study.revision) == (True, None, 1)
    assert code_of(reviews.settle_problem, reader, problem.pk, settlement="no") == "forbidden"
    reviews.settle_problem(lead, problem.pk, settlement="side corrected")
    assert code_of(reviews.settle_problem, lead, problem.pk, settlement="again") == "settled"
    study.refresh_from_db()
    assert study.has_problem
    reviews.settle_problem(lead, second.pk, settlement="view came")
    study.refresh_from_db()
    assert not study.has_problem


@pytest.mark.parametrize("state", ["AWAITING", "DISPUTED", "REVIEWED", "VOID"])
def test_a_late_image(state):
    site = make.site(required=2 if state == "DISPUTED" else 1)
    study = make.disputed(site)[0] if state == "DISPUTED" else make.study(site)
    if state in {"REVIEWED", "VOID"}:
        make.signed(make.reader(site), study)
    if state == "VOID":
        reviews.void(make.lead(site), study.pk, reason="twice")
        assert code_of(reviews.add_image, study.pk) == "wrong_state"
        return
    before = study.revision
    after = reviews.add_image(study.pk)
    assert (after.status, after.round) == (StudyStatus.AWAITING, 1 if state == "AWAITING" else 2)
    assert after.revision == before + 1


def test_a_reader_counts_anew_after_a_late_image():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    make.signed(reader, study)
    reviews.add_image(study.pk)
    assert make.signed(reader, study, "no_fracture").round == 2


def test_what_is_shown_is_disclosed_once_and_by_round():
    site = make.site()
    study, reader = make.study(site, images=2), make.reader(site)
    make.predicted(study, make.model(), "positive", "negative")
    for _ in range(2):
        ai_of_study(reader, study)
    assert Disclosure.objects.count() == 2
    assert history_of("study", study.pk).filter(verb=Verb.AI_DISCLOSED).count() == 1
    make.signed(reader, study)
    reviews.reopen(make.lead(site), study.pk, reason="again")
    study.refresh_from_db()
    assert make.signed(reader, study).mode == ReviewMode.BLIND
    ai_of_study(reader, study)
    assert Disclosure.objects.count() == 4


def test_a_signed_study_says_when_it_was_opened():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    worklist.claim(reader, study.pk)
    opened = timezone.now() - timedelta(minutes=3)
    review = reviews.sign(reader, study.pk, judgement=make.judgement(), revision=1, opened_at=opened)
    assert review.opened_at == opened
    assert Study.objects.get().status == StudyStatus.REVIEWED
