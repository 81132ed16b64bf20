"""Cohen's kappa of readers: to the last digits of scikit-learn, per pair, site and part, and nameless to leads."""

from __future__ import annotations

import random
from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone
from sklearn.metrics import cohen_kappa_score

from bonefrac.accounts import people
from bonefrac.accounts.models import ReadingMode, Role
from bonefrac.db import new_id
from bonefrac.errors import Forbidden
from studies.agreement import agreement, kappa_of, standard_error
from studies.models import Review, Study
from studies.selectors.agreement import agreements, overview
from studies.states import Verdict
from tests import factories_studies as make

VERDICTS = list(Verdict)
#: How a scripted reader reads what is there: rows are the truth, columns what they say.
CAREFUL = [[0.90, 0.08, 0.02], [0.05, 0.93, 0.02], [0.05, 0.10, 0.85]]
HASTY = [[0.70, 0.28, 0.02], [0.15, 0.80, 0.05], [0.20, 0.40, 0.40]]
RANDOM = [[0.4, 0.5, 0.1]] * 3


def said(truths, matrix, seed):
    chance = random.Random(seed)
    return [chance.choices(VERDICTS, matrix[VERDICTS.index(truth)])[0] for truth in truths]


def counted(ones, others):
    return {(one, other): sum(pair == (one, other) for pair in zip(ones, others, strict=True))
            for one in VERDICTS for other in VERDICTS}  # fmt: skip


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("one", "other"), [(CAREFUL, HASTY), (CAREFUL, CAREFUL), (HASTY, RANDOM)])
def test_kappa_is_scikit_learns(one, other, seed):
    truths = random.Random(seed).choices(VERDICTS, [0.3, 0.6, 0.1], k=20 + 37 * seed)
    ones, others = said(truths, one, seed + 1), said(truths, other, seed + 2)
    expected = cohen_kappa_score(ones, others, labels=VERDICTS)
    assert kappa_of(counted(ones, others)) == pytest.approx(expected, abs=1e-6)
    assert kappa_of(counted(others, ones)) == pytest.approx(expected, abs=1e-6)


def test_the_interval_is_the_published_one():
    """Fleiss, Cohen and Everitt (1969), table 1: kappa 0.429, and the variance of their equation 13 without weights."""
    shares = [[0.53, 0.05, 0.02], [0.11, 0.14, 0.05], [0.01, 0.06, 0.03]]
    counts = {(VERDICTS[i], VERDICTS[j]): round(200 * shares[i][j]) for i in range(3) for j in range(3)}
    assert kappa_of(counts) == pytest.approx(0.429, abs=5e-4)
    assert standard_error(counts) ** 2 == pytest.approx(0.002885, abs=1e-6)
    found = agreement(counts)
    assert (found.low, found.high) == pytest.approx((0.429 - 1.96 * 0.0537, 0.429 + 1.96 * 0.0537), abs=1e-3)


def test_the_interval_holds_the_truth_in_95_of_100_draws():
    generator = np.random.default_rng(11)
    shares = np.array([0.30, 0.06, 0.02, 0.05, 0.45, 0.03, 0.01, 0.03, 0.05])
    table = shares.reshape(3, 3)
    expected = (table.sum(0) * table.sum(1)).sum()
    truth = (np.trace(table) - expected) / (1 - expected)
    held = 0
    for drawn in generator.multinomial(300, shares, size=400):
        counts = {(VERDICTS[i], VERDICTS[j]): int(drawn[3 * i + j]) for i in range(3) for j in range(3)}
        found = agreement(counts)
        held += found.low <= truth <= found.high
    assert 0.92 <= held / 400 <= 0.98


@pytest.mark.parametrize(
    ("counts", "too_few"),
    [({}, True), ({(VERDICTS[0], VERDICTS[0]): 19}, True), ({(VERDICTS[0], VERDICTS[0]): 40}, False)],
)
def test_what_cannot_be_said_is_not_said(counts, too_few):
    found = agreement(counts)
    assert (found.kappa, found.low, found.high, found.is_too_few) == (None, None, None, too_few)


def test_perfect_and_opposite_readers():
    one, other = Verdict.FRACTURE, Verdict.NO_FRACTURE
    assert agreement({(one, one): 15, (other, other): 15}).kappa == 1
    opposite = agreement({(one, other): 15, (other, one): 15})
    assert (opposite.kappa, opposite.low) == (-1, -1)


def studied(at, number, **values):
    uploader, now = make.person(at, Role.UPLOADER), timezone.now()
    return Study.objects.bulk_create(
        Study(id=new_id(), site=at, uploader=uploader, study_uid=f"2.25.{new_id().int}",
              readings_required=at.readings_required, received_at=now, ready_at=now, status="REVIEWED", **values)
        for _ in range(number)
    )  # fmt: skip


def read(studies, reader, verdicts, *, mode="assisted", supersedes=None, **values):
    reasons = {Verdict.NOT_ASSESSABLE: "quality"}
    earlier = supersedes or [None] * len(studies)
    return Review.objects.bulk_create(
        Review(id=new_id(), study=study, reader=reader, kind="reading", mode=mode, round=study.round, verdict=verdict,
               not_assessable_reason=reasons.get(verdict, ""), opened_at=timezone.now(), supersedes=before, **values)
        for study, verdict, before in zip(studies, verdicts, earlier, strict=True)
    )  # fmt: skip


@pytest.fixture
def world(db):
    """Two sites with scripted readers; at the first three readers of two parts, one of whom hardly reads."""
    one, other = make.site(required=3), make.site(required=2)
    readers = [make.reader(one) for _ in range(3)]
    scripts = {}
    for part, number in (("hand", 80), ("leg", 60)):
        studies = studied(one, number, body_part=part)
        truths = random.Random(number).choices(VERDICTS, [0.4, 0.5, 0.1], k=number)
        for seed, (reader, matrix) in enumerate(zip(readers[:2], (CAREFUL, HASTY), strict=True)):
            scripts[part, reader.pk] = said(truths, matrix, seed)
            read(studies, reader, scripts[part, reader.pk])
        scripts[part, readers[2].pk] = said(truths[:9], RANDOM, 3)
        read(studies[:9], readers[2], scripts[part, readers[2].pk])
    elsewhere = [make.reader(other) for _ in range(2)]
    for reader in elsewhere:
        read(studied(other, 30), reader, [Verdict.FRACTURE] * 30)  # not the same studies
    return one, other, readers, scripts


def by_key(lines):
    return {(line.part, frozenset({line.first, line.second})): line for line in lines}


def test_scripted_readers_reproduce_kappa_of_scikit_learn_on_the_page_of_an_administrator(world):
    one, _other, readers, scripts = world
    lines = by_key(agreements(make.person(one, Role.ADMIN)))
    first, second, third = (str(reader) for reader in readers)
    for part, word in (("hand", "hand, wrist, forearm"), ("leg", "leg, knee, ankle, foot")):
        ones, others = (scripts[part, reader.pk] for reader in readers[:2])
        found = lines[word, frozenset({first, second})].agreement
        assert found.kappa == pytest.approx(cohen_kappa_score(ones, others), abs=1e-6)
        assert found.studies == len(ones)
        assert found.low < found.kappa < found.high
        few = lines[word, frozenset({first, third})].agreement
        assert (few.studies, few.kappa, few.is_too_few) == (9, None, True)
    both = [scripts["hand", reader.pk] + scripts["leg", reader.pk] for reader in readers[:2]]
    assert lines["", frozenset({first, second})].agreement.kappa == pytest.approx(cohen_kappa_score(*both), abs=1e-6)
    assert lines["", frozenset({""})].agreement.studies == 140 + 2 * 18
    assert len(lines) == 12


def test_it_is_counted_in_one_query_however_many_studies(world, django_assert_max_num_queries):
    admin = make.person(world[0], Role.ADMIN)
    with django_assert_max_num_queries(9):
        assert agreements(admin)


def test_a_site_is_a_wall_and_readers_and_uploaders_see_nothing(world):
    one, other, readers, _scripts = world
    assert agreements(make.person(other, Role.ADMIN)) == []
    for person in (readers[0], make.person(one, Role.UPLOADER), make.person(engineer=True)):
        with pytest.raises(Forbidden):
            agreements(person)


def test_to_leads_readers_have_numbers_of_their_own(world):
    one, _other, readers, _scripts = world
    lead, another = make.lead(one), make.lead(one)
    names = {str(reader) for reader in readers}
    seen = agreements(lead)
    called = {name for line in seen for name in (line.first, line.second)} - {""}
    assert called == {"reader 1", "reader 2", "reader 3"}
    assert agreements(lead) == seen
    people.grant(None, person=lead, site=one, role=Role.ADMIN)
    assert not {name for line in agreements(lead) for name in (line.first, line.second)} & names
    people.grant(None, person=readers[0], site=one, role=Role.LEAD)
    assert {line.first for line in agreements(readers[0])} <= {"", "you", "reader 1", "reader 2"}
    orders = {tuple(line.agreement.studies for line in agreements(make.lead(one))) for _ in range(8)}
    assert len(orders) > 1 or agreements(another) != seen


def test_blind_assisted_first_and_counting_rows(db):
    site = make.site(mode=ReadingMode.BLIND_FIRST, required=2)
    one, other = make.reader(site), make.reader(site)
    studies = studied(site, 40)
    truths = random.Random(5).choices(VERDICTS, [0.5, 0.5, 0], k=40)
    kept = {}
    for seed, reader in enumerate((one, other)):
        kept["blind", reader] = said(truths, HASTY, seed)
        read(studies, reader, kept["blind", reader], mode="blind")
        kept["assisted", reader] = said(truths, CAREFUL, seed + 7)
        made = read(studies, reader, kept["assisted", reader])
        kept["amended", reader] = [Verdict.FRACTURE] * 10
        read(studies[:10], reader, kept["amended", reader], supersedes=made[:10], reason="x")
    lead = make.lead(site)

    def kappa(readings):
        return agreements(lead, readings=readings)[0].agreement.kappa

    expected = {name: [kept[name, reader] for reader in (one, other)] for name in ("blind", "assisted")}
    counting = [kept["amended", reader] + kept["assisted", reader][10:] for reader in (one, other)]
    assert kappa("blind") == pytest.approx(cohen_kappa_score(*expected["blind"]), abs=1e-6)
    assert kappa("first") == pytest.approx(cohen_kappa_score(*expected["assisted"]), abs=1e-6)
    assert kappa("counting") == pytest.approx(cohen_kappa_score(*counting), abs=1e-6)
    assert kappa("assisted") == kappa("counting")
    assert kappa("anything else") == kappa("counting")


def test_second_looks_stand_beside_under_the_same_numbers(db):
    site = make.site(mode=ReadingMode.BLIND_FIRST, required=2)
    one, other, lead = make.reader(site), make.reader(site), make.lead(site)
    studies = studied(site, 25)
    for reader, blind in ((one, Verdict.FRACTURE), (other, Verdict.NO_FRACTURE)):
        read(studies, reader, [blind] * 25, mode="blind")
        read(studies, reader, [Verdict.FRACTURE] * 25)
    seen = overview(lead)
    assert {look.reader for look in seen.looks} == {"reader 1", "reader 2"}
    kept = {look.tally.reader: dict(look.counts)["kept"] for look in seen.looks}
    assert kept == {one.pk: 25, other.pk: 0}
    named = overview(make.person(site, Role.AUDITOR))
    assert {look.reader for look in named.looks} == {str(one), str(other)}


def test_what_was_taken_back_voided_or_is_of_an_earlier_round_or_time_is_not_counted(db):
    site = make.site(required=2)
    one, other, lead = make.reader(site), make.reader(site), make.lead(site)
    studies = studied(site, 25)
    read(studies, one, [Verdict.FRACTURE, Verdict.NO_FRACTURE] * 12 + [Verdict.FRACTURE])
    theirs = read(studies, other, [Verdict.FRACTURE, Verdict.NO_FRACTURE] * 12 + [Verdict.FRACTURE])
    assert agreements(lead)[0].agreement.studies == 25
    read(studies[:1], other, [Verdict.FRACTURE], supersedes=theirs[:1], is_withdrawal=True)
    for readings in ("counting", "first"):
        assert agreements(lead, readings=readings)[0].agreement.studies == 24
    Study.objects.filter(pk=studies[1].pk).update(status="VOID")
    Study.objects.filter(pk=studies[2].pk).update(round=2)
    assert agreements(lead)[0].agreement.studies == 22
    assert agreements(lead, days=90)[0].agreement.studies == 22
    old = studied(site, 5, body_part="leg")
    for reader in (one, other):
        read(old, reader, [Verdict.FRACTURE] * 5, signed_at=timezone.now() - timedelta(days=100))
    assert [agreements(lead, days=days)[0].agreement.studies for days in (0, 90, 365)] == [27, 22, 27]
