"""Ranks, claims and handing out the next study."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from bonefrac.accounts.models import ReadingMode, Role
from bonefrac.audit.events import history_of
from bonefrac.audit.models import Verb
from bonefrac.errors import Conflict, Forbidden, NotFound
from inference.models import PredictionJob
from studies import ranking, reviews, worklist
from studies.models import Study
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
