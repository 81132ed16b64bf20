"""Undo: within seconds, without a reason, by a row that supersedes; afterwards all is as it was."""

from __future__ import annotations

import pytest

from bonefrac.accounts.models import ReadingMode, Role
from bonefrac.audit.events import history_of
from bonefrac.audit.models import Verb
from bonefrac.errors import Conflict, Forbidden, NotFound
from studies import drafts, reviews, worklist
from studies.models import Finding, Review
from studies.reviews import judgement_of
from studies.selectors import ai_of_study
from studies.selectors.readings import current_reviews, label
from studies.states import StudyStatus
from studies.terms import DraftPurpose
from studies.turns import has_read, is_reader_of_round
from tests import factories_studies as make

pytestmark = pytest.mark.django_db


def code_of(verb, *arguments, **named):
    with pytest.raises((Conflict, Forbidden)) as refused:
        verb(*arguments, **named)
    return refused.value.code


def undone(reader, review, study):
    row = reviews.undo(reader, review.pk)
    study.refresh_from_db()
    return row


def test_an_undone_reading_counts_nowhere_and_is_the_readers_draft_again():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    image = study.images.get()
    review = make.signed(
        reader, study, "fracture", note="distal", boxes=[make.box(image, bone="radius")], advice=("ct",)
    )
    row = undone(reader, review, study)
    assert (row.is_withdrawal, row.supersedes, row.verdict) == (True, review, "fracture")
    assert (study.status, study.claimed_by, study.revision) == (StudyStatus.AWAITING, reader, 3)
    assert not list(current_reviews([study]))
    assert label(study) is None
    assert not has_read(reader, study)
    assert not is_reader_of_round(reader, study)
    draft = drafts.find(reader, study, DraftPurpose.SIGN)
    assert (draft.body["verdict"], draft.body["note"], draft.body["advice"]) == ("fracture", "distal", ["ct"])
    assert draft.body["findings"][0] | {"bone": "radius", "x": 2.0} == draft.body["findings"][0]
    event = history_of("study", study.pk).last()
    assert (event.verb, event.data["supersedes"]) == (Verb.REVIEW_WITHDRAWN, str(review.pk))
    assert Finding.objects.filter(image_reading__review=row).count() == 1


def test_signing_again_supersedes_the_withdrawal():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    first = make.signed(reader, study, "fracture")
    row = undone(reader, first, study)
    second = make.signed(reader, study, "no_fracture")
    assert (second.supersedes, second.is_withdrawal, study.status) == (row, False, StudyStatus.REVIEWED)
    assert drafts.find(reader, study, DraftPurpose.SIGN) is None
    assert [review.pk for review in current_reviews([study])] == [second.pk]
    assert code_of(reviews.undo, reader, first.pk) == "withdrawn"
    assert code_of(reviews.undo, reader, row.pk) == "withdrawn"
    assert code_of(reviews.amend, reader, row.pk, judgement=make.judgement(), revision=study.revision) == "withdrawn"
    third = undone(reader, second, study)
    assert third.is_withdrawal
    assert make.signed(reader, study).supersedes == third


def test_the_model_may_have_spoken_between_signing_twice():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    row = undone(reader, make.signed(reader, study), study)
    make.predicted(study, make.model(), "positive")
    ai_of_study(reader, study)
    again = make.signed(reader, study, "fracture", agreed_with_model=True)
    assert (again.mode, again.supersedes) == ("assisted", row)


def test_who_undoes_and_when(settings):
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    review = make.signed(reader, study)
    assert code_of(reviews.undo, make.lead(site), review.pk) == "forbidden"
    for stranger in (make.reader(make.site()), make.person(site, Role.UPLOADER)):
        with pytest.raises(NotFound):
            reviews.undo(stranger, review.pk)
    settings.UNDO_SECONDS = 0
    assert code_of(reviews.undo, reader, review.pk) == "too_late"
    assert reviews.undoable(reader) is None
    settings.UNDO_SECONDS = 15
    assert reviews.undoable(reader).review == review.pk
    assert undone(reader, review, study)
    assert reviews.undoable(reader) is None


def test_of_two_readings_one_is_undone():
    study, _first, second = make.disputed(make.site(required=2))
    undone(second, Review.objects.get(reader=second), study)
    assert (study.status, study.claimed_by) == (StudyStatus.AWAITING, second)
    make.signed(second, study, "fracture")
    assert study.status == StudyStatus.REVIEWED


def test_a_claim_that_somebody_else_has_taken_stays_theirs():
    site = make.site(required=2)
    study, reader, other = make.study(site), make.reader(site), make.reader(site)
    review = make.signed(reader, study)
    worklist.claim(other, study.pk)
    undone(reader, review, study)
    assert study.claimed_by == other


def test_what_a_lead_did_since_stays():
    site = make.site(required=2)
    study, _first, second = make.disputed(site)
    reviews.adjudicate(make.lead(site), study.pk, judgement=make.judgement(), revision=study.revision)
    assert code_of(reviews.undo, second, Review.objects.get(reader=second).pk) == "adjudicated"
    single = make.study(make.site())
    reader, lead = make.reader(single.site), make.lead(single.site)
    review = make.signed(reader, single)
    reviews.reopen(lead, single.pk, reason="look again")
    assert code_of(reviews.undo, reader, review.pk) == "earlier_round"
    assert reviews.undoable(reader) is None
    voided = make.study(single.site)
    review = make.signed(reader, voided)
    reviews.void(lead, voided.pk, reason="wrong patient")
    assert code_of(reviews.undo, reader, review.pk) == "wrong_state"
    assert reviews.undoable(reader) is None


def test_an_adjudication_is_undone_to_the_dispute():
    site = make.site(required=2)
    study, _first, _second = make.disputed(site)
    lead = make.lead(site)
    settled = reviews.adjudicate(lead, study.pk, judgement=make.judgement(note="clear"), revision=study.revision)
    row = undone(lead, settled, study)
    assert (study.status, study.claimed_by) == (StudyStatus.DISPUTED, None)
    assert drafts.find(lead, study, DraftPurpose.ADJUDICATE).body["note"] == "clear"
    again = reviews.adjudicate(lead, study.pk, judgement=make.judgement(), revision=study.revision)
    assert again.supersedes == row


def test_an_undone_amendment_gives_back_what_it_had_amended():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    image = study.images.get()
    first = make.signed(reader, study, "fracture", boxes=[make.box(image)], points=[make.point(image)])
    amended = reviews.amend(reader, first.pk, judgement=make.judgement("no_fracture"), revision=study.revision)
    study.refresh_from_db()
    row = undone(reader, amended, study)
    assert (row.is_withdrawal, row.supersedes, study.status) == (False, amended, StudyStatus.REVIEWED)
    assert judgement_of(row).says_the_same(judgement_of(first))
    assert label(study).verdict == "fracture"
    assert drafts.find(reader, study, DraftPurpose.AMEND).body["verdict"] == "no_fracture"
    assert has_read(reader, study)


def test_a_blind_reading_whose_reader_saw_the_ai_is_not_undone():
    site = make.site(mode=ReadingMode.BLIND_FIRST)
    study, reader = make.study(site), make.reader(site)
    make.predicted(study, make.model(), "positive")
    blind = make.signed(reader, study, "no_fracture")
    assert reviews.undoable(reader).review == blind.pk
    ai_of_study(reader, study)
    assert reviews.undoable(reader) is None
    assert code_of(reviews.undo, reader, blind.pk) == "blind_is_final"
    assisted = make.signed(reader, study, "fracture")
    undone(reader, assisted, study)
    assert (study.status, study.claimed_by) == (StudyStatus.AWAITING, reader)
    assert code_of(reviews.undo, reader, blind.pk) == "blind_is_final"
    assert make.signed(reader, study, "no_fracture").mode == "assisted"
    assert study.status == StudyStatus.REVIEWED


def test_a_blind_reading_that_is_undone_hides_the_ai_again():
    site = make.site(mode=ReadingMode.BLIND_FIRST)
    study, reader = make.study(site), make.reader(site)
    first = make.signed(reader, study)
    undone(reader, first, study)
    make.predicted(study, make.model(), "positive")
    assert ai_of_study(reader, study).is_withheld
    assert make.signed(reader, study, "no_fracture").mode == "blind"
    assert not ai_of_study(reader, study).is_withheld


def test_both_looks_are_undone_where_there_was_nothing_to_see():
    site = make.site(mode=ReadingMode.BLIND_FIRST)
    study, reader = make.study(site), make.reader(site)
    blind, assisted = make.signed(reader, study), make.signed(reader, study)
    undone(reader, assisted, study)
    undone(reader, blind, study)
    assert [make.signed(reader, study).mode, make.signed(reader, study).mode] == ["blind", "assisted"]
    assert study.status == StudyStatus.REVIEWED
    assert len(list(current_reviews([study]))) == 2


def test_the_pool_hands_out_again_what_was_undone():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    undone(reader, make.signed(reader, study), study)
    worklist.hand_back(reader, study.pk)
    assert worklist.next_for(reader, site).pk == study.pk
    worklist.hand_back(reader, study.pk)
    assert worklist.next_for(make.reader(site), site).pk == study.pk


def test_a_late_image_after_an_undo_needs_no_new_round():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    undone(reader, make.signed(reader, study), study)
    assert reviews.add_image(study.pk).round == 1
