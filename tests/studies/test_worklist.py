"""Ranks, claims and handing out the next study."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from bonefrac.accounts.models import ReadingMode, Role
from bonefrac.audit.events import history_of
from bonefrac.audit.models import AuditEvent, Verb
from bonefrac.errors import Conflict, Forbidden, Invalid, NotFound
from inference.models import PredictionJob
from studies import ranking, reviews, worklist
from studies.models import Review, Skip, Study
from studies.states import Rank
from tests import factories_studies as make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("states", "rank"),
    [
        (["positive", "negative"], Rank.POSITIVE),
        (["doubt", "negative"], Rank.UNCERTAIN),
        (["not_assessed", "negative"], Rank.UNCERTAIN),
        (["negative", "negative"], Rank.NEGATIVE),
    ],
)
def test_a_study_ranks_by_what_the_ai_says_of_its_images(states, rank):
    study = make.study(make.site(), images=2)
    assert ranking.rank(study) == Rank.UNCERTAIN  # no model is in service
    make.predicted(study, make.model(), *states)
    assert ranking.rank(study) == rank
    assert Study.objects.get().rank == rank
    assert Study.objects.get().revision == 1


def test_urgent_goes_first_whatever_the_ai_says():
    study = make.study(make.site(), urgent=True)
    make.predicted(study, make.model(), "negative")
    assert ranking.rank(study) == Rank.URGENT


def test_a_waiting_or_failed_prediction_does_not_push_a_study_down():
    study, model = make.study(make.site(), images=2), make.model()
    make.predict(study.images.first().radiograph, model, "negative")
    assert ranking.rank(study) == Rank.UNCERTAIN


def test_a_site_that_reads_blind_first_ranks_without_the_ai():
    site = make.site(mode=ReadingMode.BLIND_FIRST)
    study, urgent = make.study(site), make.study(site, urgent=True)
    model = make.model()
    make.predicted(study, model, "positive")
    make.predicted(urgent, model, "negative")
    assert ranking.rank(study) == Rank.UNCERTAIN
    assert ranking.rank(urgent) == Rank.URGENT


def test_a_radiograph_ranks_its_open_studies_alone():
    site, model = make.site(), make.model()
    open_one, reviewed = make.study(site), make.study(site)
    make.signed(make.reader(site), reviewed)
    for study in (open_one, reviewed):
        make.predicted(study, model, "positive")
        ranking.rank_of_radiograph(study.images.get().radiograph_id)
    open_one.refresh_from_db()
    reviewed.refresh_from_db()
    assert (open_one.rank, reviewed.rank) == (Rank.POSITIVE, Rank.UNCERTAIN)


def test_the_sweep_ranks_what_a_lost_ring_left_behind():
    site, model = make.site(), make.model()
    study, silent = make.study(site), make.study(site, rank=Rank.NEGATIVE)
    make.predicted(study, model, "positive")
    ranking.rank_open()
    study.refresh_from_db()
    silent.refresh_from_db()
    assert study.rank == Rank.POSITIVE
    assert silent.rank == Rank.NEGATIVE  # nobody has spoken of it: it is not asked about again at every sweep


def test_a_promoted_model_is_asked_about_unread_studies_alone():
    site = make.site()
    unread, read = make.study(site, images=2), make.study(site)
    make.signed(make.reader(site), read)
    model = make.model()
    ranking.request_predictions(model.pk)
    ranking.request_predictions(model.pk)
    asked = set(PredictionJob.objects.values_list("radiograph_id", flat=True))
    assert asked == set(unread.images.values_list("radiograph_id", flat=True))
    assert PredictionJob.objects.count() == 2


def test_a_claim_is_a_lease_that_is_extended_and_handed_back():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    claimed = worklist.claim(reader, study.pk)
    assert claimed.claimed_by == reader
    assert timedelta(minutes=14) < claimed.claimed_until - timezone.now() <= timedelta(minutes=15)
    Study.objects.update(claimed_until=timezone.now() + timedelta(minutes=1))
    assert worklist.extend(reader, study.pk).claimed_until > timezone.now() + timedelta(minutes=14)
    assert worklist.hand_back(reader, study.pk).claimed_by is None
    verbs = [event.verb for event in history_of("study", study.pk)]
    assert verbs == [Verb.STUDY_CLAIMED, Verb.STUDY_HANDED_BACK]
    with pytest.raises(Conflict, match="You do not hold"):
        worklist.hand_back(reader, study.pk)
    with pytest.raises(Conflict) as refused:
        worklist.extend(reader, study.pk)
    assert refused.value.code == "not_held"


def test_a_study_is_held_by_one_reader_until_the_lease_is_over():
    site = make.site()
    study, first, second = make.study(site), make.reader(site), make.reader(site)
    worklist.claim(first, study.pk)
    with pytest.raises(Conflict) as refused:
        worklist.claim(second, study.pk)
    assert refused.value.code == "held"
    Study.objects.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert worklist.claim(second, study.pk).claimed_by == second


def test_the_sweep_releases_what_lapsed_and_says_so():
    site = make.site()
    lapsed, held, reader = make.study(site), make.study(site), make.reader(site)
    worklist.claim(reader, lapsed.pk)
    worklist.claim(reader, held.pk)
    Study.objects.filter(pk=lapsed.pk).update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert worklist.release_lapsed_claims() == 1
    assert worklist.release_lapsed_claims() == 0
    lapsed.refresh_from_db()
    held.refresh_from_db()
    assert lapsed.claimed_by is None
    assert held.claimed_by == reader
    event = history_of("study", lapsed.pk).last()
    assert (event.verb, event.actor, event.data) == (Verb.CLAIM_LAPSED, None, {"holder": str(reader.pk)})


def test_who_may_claim():
    site = make.site()
    study = make.study(site)
    assert worklist.claim(make.lead(site), study.pk)
    Study.objects.update(claimed_by=None, claimed_until=None)
    for role in (Role.ADMIN, Role.AUDITOR):
        with pytest.raises(Forbidden):
            worklist.claim(make.person(site, role), study.pk)
    with pytest.raises(Forbidden):
        worklist.claim(study.uploader, study.pk)
    for stranger in (make.reader(make.site()), make.person(site, Role.UPLOADER), make.person(engineer=True)):
        with pytest.raises(NotFound):
            worklist.claim(stranger, study.pk)


def test_what_cannot_be_claimed_says_why():
    site = make.site(required=2)
    reader, other = make.reader(site), make.reader(site)
    read, troubled, early = make.study(site), make.study(site), make.study(site)
    make.signed(reader, read)
    reviews.report_problem(other, troubled.pk, sentence="wrong side")
    Study.objects.filter(pk=early.pk).update(ready_at=timezone.now() + timedelta(seconds=30))
    for study, code in ((read, "already_read"), (troubled, "problem"), (early, "not_ready")):
        with pytest.raises(Conflict) as refused:
            worklist.claim(reader, study.pk)
        assert refused.value.code == code
    assert worklist.claim(other, read.pk)
    reviews.void(make.lead(site), read.pk, reason="twice")
    with pytest.raises(Conflict) as refused:
        worklist.claim(other, read.pk)
    assert refused.value.code == "wrong_state"


def test_the_next_is_the_one_over_the_ceiling_then_by_rank_then_by_age():
    site = make.site(ceiling=60)
    negative_old = make.study(site, waited=61, rank=Rank.NEGATIVE)
    negative = make.study(site, waited=50, rank=Rank.NEGATIVE)
    positive_young = make.study(site, waited=1, rank=Rank.POSITIVE)
    positive = make.study(site, waited=5, rank=Rank.POSITIVE)
    urgent = make.study(site, waited=0, rank=Rank.URGENT, urgent=True)
    expected = [negative_old, urgent, positive, positive_young, negative]
    taken = [worklist.next_for(make.reader(site), site) for _ in expected]
    assert taken == expected
    assert worklist.next_for(make.reader(site), site) is None


def test_the_next_passes_over_what_the_reader_has_read():
    site = make.site(required=2)
    reader = make.reader(site)
    read, unread = make.study(site, waited=10), make.study(site, waited=1)
    make.signed(reader, read)
    assert worklist.next_for(reader, site) == unread
    with pytest.raises(Forbidden):
        worklist.next_for(make.person(site, Role.ADMIN), site)


def test_what_was_skipped_is_not_handed_out_again_in_that_round_and_stays_open_for_others():
    site = make.site()
    reader, other, lead = make.reader(site), make.reader(site), make.lead(site)
    first, second = make.study(site, waited=10), make.study(site, waited=1)
    assert worklist.next_for(reader, site) == first
    worklist.skip(reader, first.pk, reason=" Needs a second opinion ")
    worklist.skip(reader, first.pk, reason="twice is once")
    first.refresh_from_db()
    assert (first.claimed_by, first.status) == (None, "AWAITING")
    assert Skip.objects.get().reason == "Needs a second opinion"
    assert worklist.next_for(reader, site) == second
    worklist.hand_back(reader, second.pk)
    assert worklist.next_for(other, site) == first
    worklist.hand_back(other, first.pk)
    assert worklist.claim(reader, first.pk)  # by name it may still be taken
    worklist.hand_back(reader, first.pk)
    event = history_of("study", first.pk).filter(verb=Verb.STUDY_SKIPPED).get()
    assert (event.actor, event.data) == (reader, {"round": 1})
    make.signed(other, first)
    reviews.reopen(lead, first.pk, reason="again")
    assert worklist.next_for(reader, site) == first


def test_asking_twice_gathers_no_second_study():
    site = make.site()
    reader = make.reader(site)
    held = make.study(site, rank=Rank.NEGATIVE)
    assert worklist.next_for(reader, site) == held
    better = make.study(site, rank=Rank.URGENT, urgent=True)
    assert worklist.next_for(reader, site) == held
    assert worklist.upcoming(reader, held.pk) == better
    Study.objects.filter(pk=held.pk).update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert worklist.next_for(reader, site) == better  # a lease that is over holds nothing


def test_what_cannot_be_skipped_says_why():
    site = make.site()
    reader, study = make.reader(site), make.study(site)
    for reason in ("", "  ", "x" * 501):
        with pytest.raises(Invalid):
            worklist.skip(reader, study.pk, reason=reason)
    with pytest.raises(Forbidden):
        worklist.skip(make.person(site, Role.ADMIN), study.pk, reason="no reader")
    with pytest.raises(NotFound):
        worklist.skip(make.reader(make.site()), study.pk, reason="elsewhere")
    make.signed(reader, study)
    with pytest.raises(Conflict) as refused:
        worklist.skip(reader, study.pk, reason="too late")
    assert refused.value.code == "wrong_state"


def test_skipping_what_somebody_else_holds_takes_nothing_from_them():
    site = make.site()
    reader, other, study = make.reader(site), make.reader(site), make.study(site)
    worklist.claim(other, study.pk)
    worklist.skip(reader, study.pk, reason="not my field")
    study.refresh_from_db()
    assert study.claimed_by == other


def test_a_lead_is_handed_a_dispute_to_settle_but_never_one_they_read():
    site = make.site(required=2, ceiling=60)
    lead, second_lead = make.lead(site), make.lead(site)
    urgent = make.study(site, urgent=True, rank=Rank.URGENT)
    over = make.study(site, waited=61, rank=Rank.NEGATIVE)
    own = make.study(site)
    make.signed(lead, own)
    make.signed(make.reader(site), own, "no_fracture")
    disputed, reader, _other = make.disputed(site)
    expected = [over, disputed, urgent]
    assert [worklist.next_for(lead, site) for _ in range(1)] == [over]
    worklist.skip(lead, over.pk, reason="for the others")
    assert worklist.next_for(lead, site) == disputed
    assert worklist.next_for(second_lead, site) == over
    worklist.skip(second_lead, over.pk, reason="for the others")
    assert worklist.next_for(second_lead, site) == own  # the other dispute is held
    assert expected.index(urgent) == 2
    for person, code in ((reader, "wrong_state"), (lead, "already_read")):
        with pytest.raises(Conflict) as refused:
            worklist.claim(person, own.pk)
        assert refused.value.code == code
    assert worklist.next_for(reader, site) == over


def test_a_dispute_that_waits_longest_goes_before_what_is_over_the_ceiling():
    site = make.site(required=2, ceiling=60)
    lead = make.lead(site)
    make.study(site, waited=61)
    disputed, *_ = make.disputed(site)
    Study.objects.filter(pk=disputed.pk).update(received_at=timezone.now() - timedelta(minutes=90))
    assert worklist.next_for(lead, site) == disputed


def test_a_settled_dispute_is_held_by_nobody():
    site = make.site(required=2)
    disputed, *_ = make.disputed(site)
    lead = make.lead(site)
    worklist.next_for(lead, site)
    reviews.adjudicate(lead, disputed.pk, judgement=make.judgement(), revision=disputed.revision)
    disputed.refresh_from_db()
    assert (disputed.status, disputed.claimed_by) == ("REVIEWED", None)


def test_what_comes_next_is_told_without_taking_it():
    site = make.site(ceiling=60)
    reader, other = make.reader(site), make.reader(site)
    held, following = make.study(site, waited=70), make.study(site, waited=5, rank=Rank.POSITIVE)
    last = make.study(site, waited=5, rank=Rank.NEGATIVE)
    worklist.claim(reader, held.pk)
    events = AuditEvent.objects.count()
    assert worklist.upcoming(reader, held.pk) == following
    assert AuditEvent.objects.count() == events
    assert Study.objects.get(pk=following.pk).claimed_by is None
    worklist.claim(other, following.pk)
    assert worklist.upcoming(reader, held.pk) == last
    worklist.skip(reader, last.pk, reason="not my field")
    assert worklist.upcoming(reader, held.pk) is None
    with pytest.raises(Forbidden):
        worklist.upcoming(make.person(site, Role.ADMIN), held.pk)


def test_who_undid_their_reading_may_be_handed_it_again():
    site = make.site(required=2)
    reader, study = make.reader(site), make.study(site)
    review = make.signed(reader, study)
    assert worklist.next_for(reader, site) is None
    Review.objects.create(
        study=study, reader=reader, mode=review.mode, round=1, verdict=review.verdict, supersedes=review,
        is_withdrawal=True, opened_at=timezone.now(),
    )  # fmt: skip
    assert worklist.next_for(reader, site) == study


def test_the_ai_state_is_kept_beside_the_rank_and_not_where_a_site_reads_blind_first():
    model = make.model()
    for mode, state in ((ReadingMode.ASSISTED, "positive"), (ReadingMode.BLIND_FIRST, "unknown")):
        study = make.study(make.site(mode=mode), urgent=True)
        make.predicted(study, model, "positive")
        ranking.rank(study)
        study.refresh_from_db()
        assert (study.rank, study.ai_state) == (Rank.URGENT, state)
