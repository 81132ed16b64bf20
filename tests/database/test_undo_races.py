"""Races of real threads around a signature: a second Enter, undo against whoever else acts on the study."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bonefrac.accounts.models import Role
from bonefrac.errors import Invalid
from studies import datasets, drafts, reviews, worklist
from studies.datasets import Criteria
from studies.models import Draft, Review, Study
from studies.selectors.readings import current_reviews
from studies.states import StudyStatus
from studies.terms import DraftPurpose
from tests import factories_studies as make
from tests.database.test_studies_races import together

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_double_enter_signs_once_and_both_lead_to_the_same_study():
    site = make.site()
    study, reader = make.study(site, waited=9), make.reader(site)
    waiting = {make.study(site).pk for _ in range(3)}
    worklist.claim(reader, study.pk)
    sent = {"verdict": "fracture", "revision": 1, "findings": "[]", "shown": make.shown(study)}
    pages = [Client() for _ in range(3)]
    for page in pages:
        page.force_login(reader, backend="bonefrac.accounts.backends.PlatformBackend")
    address = reverse("studies:sign", args=[study.pk])
    answers = together([lambda page=page: page.post(address, sent, headers={"X-In-Place": "1"}) for page in pages])
    assert [answer.status_code for answer in answers] == [200] * 3
    (came,) = {answer.headers["X-Address"] for answer in answers}
    assert came in {reverse("studies:read", args=[key]) for key in waiting}
    assert Review.objects.count() == 1
    assert Study.objects.filter(claimed_by=reader).count() == 1


def test_undo_twice_withdraws_once():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    review = make.signed(reader, study)
    undo = lambda: reviews.undo(reader, review.pk).is_withdrawal  # noqa: E731
    assert sorted(map(str, together([undo, undo, undo]))) == ["True", "withdrawn", "withdrawn"]
    assert Review.objects.count() == 2


def test_undo_against_another_readers_signature_leaves_exactly_that_one():
    site = make.site(required=2)
    study, first, second = make.study(site), make.reader(site), make.reader(site)
    mine = make.signed(first, study)
    worklist.claim(second, study.pk)
    sign = lambda: reviews.sign(second, study.pk, judgement=make.judgement(), revision=study.revision).verdict  # noqa: E731
    undo = lambda: str(reviews.undo(first, mine.pk).is_withdrawal)  # noqa: E731
    assert sorted(together([undo, sign])) == ["True", "fracture"]
    study.refresh_from_db()
    assert study.status == StudyStatus.AWAITING
    assert [row.reader for row in current_reviews([study])] == [second]


def test_undo_or_adjudication_wins():
    site = make.site(required=2)
    study, _first, second = make.disputed(site)
    lead, mine = make.lead(site), Review.objects.get(reader=second)
    undo = lambda: str(reviews.undo(second, mine.pk).is_withdrawal)  # noqa: E731
    settle = lambda: reviews.adjudicate(lead, study.pk, judgement=make.judgement(), revision=study.revision).kind  # noqa: E731
    came = sorted(together([undo, settle]))
    study.refresh_from_db()
    if "adjudication" in came:
        assert (came, study.status) == (["adjudicated", "adjudication"], StudyStatus.REVIEWED)
    else:
        assert came in (["True", "stale"], ["True", "wrong_state"])
        assert study.status == StudyStatus.AWAITING


def test_undo_or_reopening_wins():
    site = make.site()
    study, reader, lead = make.study(site), make.reader(site), make.lead(site)
    mine = make.signed(reader, study)
    undo = lambda: str(reviews.undo(reader, mine.pk).is_withdrawal)  # noqa: E731
    reopen = lambda: f"round {reviews.reopen(lead, study.pk, reason='why').round}"  # noqa: E731
    came = sorted(together([undo, reopen]))
    assert came in (["True", "wrong_state"], ["earlier_round", "round 2"])
    study.refresh_from_db()
    assert (study.status, study.round) == (StudyStatus.AWAITING, 2 if "round 2" in came else 1)


def test_a_freeze_waits_for_whoever_is_undoing(settings):
    site = make.site()
    study, reader, admin = make.study(site), make.reader(site), make.person(site, Role.ADMIN)
    mine = make.signed(reader, study)
    settled = make.study(site)
    make.signed(reader, settled)

    def undo():
        with transaction.atomic():
            reviews.undo(reader, mine.pk)
            settings.UNDO_SECONDS = 0  # the time to undo ends while the undoing has not
            begun.set()
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.5)")
        return "undone"

    def freeze():
        begun.wait(20)
        return datasets.freeze(admin, site=site, name="Now", criteria=Criteria()).items.count()

    begun = threading.Event()
    assert together([undo, freeze]) == ["undone", 1]


def test_two_tabs_save_at_once_and_one_is_told():
    site = make.site()
    study, reader = make.study(site), make.reader(site)

    def keep(version):
        form = make.typed(note=f"tab of {version}")
        named = {"purpose": DraftPurpose.SIGN, "form": form, "version": version, "revision": 1}
        return str(drafts.keep(reader, study.pk, **named).version)

    assert sorted(together([lambda: keep(0)] * 4)) == ["1", *["draft_conflict"] * 3]
    assert sorted(together([lambda: keep(1)] * 4)) == ["2", *["draft_conflict"] * 3]
    assert Draft.objects.get().version == 2


def test_a_tab_that_saves_while_another_signs_leaves_no_draft_behind():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    worklist.claim(reader, study.pk)
    begun = threading.Event()

    def sign():
        with transaction.atomic():
            review = reviews.sign(reader, study.pk, judgement=make.judgement(), revision=1)
            begun.set()
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.3)")
        return review.verdict

    def keep():
        begun.wait(20)
        form = make.typed(note="late")
        return drafts.keep(reader, study.pk, purpose=DraftPurpose.SIGN, form=form, version=0, revision=1).version

    assert together([sign, keep]) == ["fracture", "already_read"]
    assert not Draft.objects.exists()


def test_a_claim_that_lapses_while_it_is_signed_loses_nothing():
    site = make.site()
    study, reader = make.study(site), make.reader(site)
    worklist.claim(reader, study.pk)
    Study.objects.filter(pk=study.pk).update(claimed_until=timezone.now() - timedelta(seconds=1))
    sign = lambda: reviews.sign(reader, study.pk, judgement=make.judgement(), revision=1).verdict  # noqa: E731
    came = together([sign, lambda: str(worklist.release_lapsed_claims())])
    assert came[0] in {"fracture", "not_held"}
    assert Review.objects.exists() == (came[0] == "fracture")


def test_nothing_is_frozen_of_a_reading_of_this_moment():
    site = make.site()
    make.signed(make.reader(site), make.study(site))
    with pytest.raises(Invalid):
        datasets.freeze(make.person(site, Role.ADMIN), site=site, name="Now", criteria=Criteria())
