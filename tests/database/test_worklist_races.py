"""Many readers at one pool, as real threads with real connections: no study is handed to two, and none is lost."""

from __future__ import annotations

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.utils import timezone

from bonefrac.accounts.models import Role
from studies import reviews, worklist
from studies.models import Review, Skip, Study
from studies.states import Rank, StudyStatus
from tests import factories_studies as make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]


class Room:
    """A pool at which everybody reads at once; it notes who held what, and whether ever two did."""

    def __init__(self, site, readers, *, seed=0):
        self.site, self.readers, self.seed = site, readers, seed
        self.held: dict = {}
        self.twice: list = []
        self.deeds: Counter = Counter()
        self._lock = threading.Lock()
        self._barrier = threading.Barrier(len(readers))

    def run(self):
        with ThreadPoolExecutor(len(self.readers)) as pool:
            list(pool.map(self._reader, enumerate(self.readers)))

    def _reader(self, numbered):
        number, reader = numbered
        dice = random.Random(self.seed * 1000 + number)
        try:
            connection.ensure_connection()
            self._barrier.wait(timeout=60)
            while (study := worklist.next_for(reader, self.site)) is not None:
                self._takes(reader, study)
                self._does(dice.random(), reader, study)
        finally:
            connection.close()

    def _takes(self, reader, study):
        with self._lock:
            if study.pk in self.held:
                self.twice.append((study.pk, self.held[study.pk], reader.pk))
            self.held[study.pk] = reader.pk

    def _lets_go(self, study, deed):
        with self._lock:
            del self.held[study.pk]
            self.deeds[deed] += 1

    def _does(self, chance, reader, study):
        if chance < 0.1:
            self._lets_go(study, "skip")
            worklist.skip(reader, study.pk, reason="Not my field")
        elif chance < 0.15:
            self._lets_go(study, "hand back")
            worklist.hand_back(reader, study.pk)
        else:
            self._lets_go(study, "sign")
            judged = make.judgement("no_fracture")
            reviews.sign(reader, study.pk, judgement=judged, revision=Study.objects.get(pk=study.pk).revision)


def pool(site, number):
    now = timezone.now()
    uploader = make.person(site, Role.UPLOADER)
    Study.objects.bulk_create(
        Study(
            site=site, uploader=uploader, study_uid=f"2.25.{count}", received_at=now, ready_at=now,
            rank=list(Rank)[count % 4], readings_required=site.readings_required,
        )
        for count in range(number)
    )  # fmt: skip


def read_by(readers, studies, required):
    site = make.site(required=required)
    room = Room(site, [make.reader(site) for _ in range(readers)])
    pool(site, studies)
    room.run()
    assert room.twice == []
    assert room.held == {}
    read = Counter(Review.objects.values_list("study", flat=True))
    assert Review.objects.values("study", "reader").distinct().count() == room.deeds["sign"] == sum(read.values())
    left = Study.objects.filter(status=StudyStatus.AWAITING)
    for study in left:  # none is lost: whoever has not read it has passed it over
        gone = {*study.reviews.values_list("reader", flat=True), *study.skips.values_list("reader", flat=True)}
        assert gone == {reader.pk for reader in room.readers}, study
    assert Study.objects.filter(claimed_by__isnull=False).count() == 0
    assert Skip.objects.count() == room.deeds["skip"]
    assert all(read[key] == required for key in Study.objects.filter(status="REVIEWED").values_list("pk", flat=True))
    return room, left.count()


@pytest.mark.parametrize("required", [1, 2])
def test_readers_at_one_pool_get_every_study_once_and_none_twice(required):
    room, left = read_by(6, 40, required)
    assert room.deeds["sign"] >= (40 - left) * required
    assert left <= 4  # all six would have to pass it over


@pytest.mark.long
def test_fifty_readers_over_a_thousand_studies_none_twice_none_lost():
    room, left = read_by(50, 1000, 1)
    assert (room.deeds["sign"], left) == (1000, 0)
