"""Races of real threads with real connections: ten readers, one winner."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from bonefrac.errors import Conflict
from studies import reviews, worklist
from studies.models import Review, Study
from tests import factories_studies as make

pytestmark = pytest.mark.django_db(transaction=True)


def together(deeds):
    """Do every deed at the same moment, each on a connection of its own; return what each came to."""
    barrier = threading.Barrier(len(deeds))

    def one(deed):
        try:
            connection.ensure_connection()
            barrier.wait(timeout=20)
            return deed()
        except Conflict as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(one, deeds))


def test_ten_readers_claim_one_study_and_one_wins():
    site = make.site()
    study = make.study(site)
    readers = [make.reader(site) for _ in range(10)]
    came = together([lambda reader=reader: worklist.claim(reader, study.pk).claimed_by_id for reader in readers])
    winners = [outcome for outcome in came if outcome != "held"]
    assert len(winners) == 1
    assert came.count("held") == 9
    assert Study.objects.get().claimed_by_id == winners[0]


def test_five_readers_ask_for_the_next_and_each_gets_another():
    site = make.site()
    studies = {make.study(site).pk for _ in range(5)}
    readers = [make.reader(site) for _ in range(5)]
    taken = together([lambda reader=reader: worklist.next_for(reader, site).pk for reader in readers])
    assert set(taken) == studies


def test_a_double_click_signs_once():
    site = make.site(required=2)
    study, reader = make.study(site), make.reader(site)
    worklist.claim(reader, study.pk)
    sign = lambda: reviews.sign(reader, study.pk, judgement=make.judgement(), revision=1).verdict  # noqa: E731
    came = together([sign, sign, sign])
    assert sorted(came) == ["already_read", "already_read", "fracture"]
    assert Review.objects.count() == 1


def test_two_leads_adjudicate_and_one_is_told():
    site = make.site(required=2)
    study, _first, _second = make.disputed(site)
    leads = [make.lead(site), make.lead(site)]
    deeds = [
        lambda lead=lead: reviews.adjudicate(lead, study.pk, judgement=make.judgement(), revision=study.revision).kind
        for lead in leads
    ]
    assert sorted(together(deeds)) == ["adjudication", "wrong_state"]
