"""Who changed to right and who to wrong: two rows of a reader against what others made of the study."""

from __future__ import annotations

import pytest

from bonefrac.accounts.models import ReadingMode
from studies import reviews, worklist
from studies.models import Disclosure, Review
from studies.selectors.ai import ai_of_study
from studies.selectors.second_looks import Change, changed, tallies
from studies.states import AIState, StudyStatus
from tests import factories_studies as make

pytestmark = pytest.mark.django_db


def looked_twice(reader, study, blind, assisted):
    make.signed(reader, study, blind)
    ai_of_study(reader, study)
    make.signed(reader, study, assisted)


def counts_of(site):
    return {tally.reader: {str(key): number for key, number in tally.counts.items()} for tally in tallies([site.pk])}


def test_a_reader_alone_has_changed_but_to_what_nobody_knows():
    site = make.site(mode=ReadingMode.BLIND_FIRST)
    reader, model = make.reader(site), make.model()
    for blind, assisted in [("fracture", "fracture"), ("no_fracture", "fracture")]:
        study = make.study(site)
        make.predicted(study, model, "positive")
        looked_twice(reader, study, blind, assisted)
    assert counts_of(site) == {reader.pk: {"kept": 1, "unjudged": 1}}


@pytest.mark.parametrize(
    ("blind", "assisted", "change"),
    [("no_fracture", "fracture", Change.TO_RIGHT), ("fracture", "fracture", Change.KEPT)],
)
def test_two_readers_who_agree_judge_each_other(blind, assisted, change):
    site = make.site(mode=ReadingMode.BLIND_FIRST, required=2)
    reader, other, study = make.reader(site), make.reader(site), make.study(site)
    make.predicted(study, make.model(), "positive")
    looked_twice(reader, study, blind, assisted)
    looked_twice(other, study, "fracture", "fracture")
    assert study.status == StudyStatus.REVIEWED
    assert counts_of(site) == {reader.pk: {str(change): 1}, other.pk: {"kept": 1}}


@pytest.mark.parametrize(
    ("blind", "assisted", "final", "change"),
    [
        ("no_fracture", "fracture", "no_fracture", Change.TO_WRONG),
        ("no_fracture", "fracture", "fracture", Change.TO_RIGHT),
        ("not_assessable", "fracture", "no_fracture", Change.OTHER),
    ],
)
def test_a_lead_settles_who_was_right(blind, assisted, final, change):
    site = make.site(mode=ReadingMode.BLIND_FIRST, required=2)
    reader, other, lead, study = make.reader(site), make.reader(site), make.lead(site), make.study(site)
    make.predicted(study, make.model(), "positive")
    looked_twice(reader, study, blind, assisted)
    looked_twice(other, study, "no_fracture", "no_fracture")
    assert counts_of(site)[reader.pk] == {"unjudged": 1}
    reviews.adjudicate(lead, study.pk, judgement=make.judgement(final), revision=study.revision)
    assert counts_of(site) == {reader.pk: {str(change): 1}, other.pk: {"kept": 1}}


def test_what_the_model_said_is_told_to_nobody_who_has_not_read_it_blind():
    site = make.site(mode=ReadingMode.BLIND_FIRST)
    reader, lead, study = make.reader(site), make.lead(site), make.study(site)
    make.predicted(study, make.model(), "positive")
    looked_twice(reader, study, "no_fracture", "fracture")
    (told,), (withheld,) = changed(reader, [site.pk]), changed(lead, [site.pk])
    assert (told.model, withheld.model) == (AIState.POSITIVE, None)
    assert (told.blind, told.assisted, told.reader) == (withheld.blind, withheld.assisted, reader.pk)
    assert not Disclosure.objects.filter(reader=lead).exists()


def test_amended_readings_count_as_amended_and_other_sites_and_rounds_do_not():
    site, elsewhere = (make.site(mode=ReadingMode.BLIND_FIRST) for _number in range(2))
    reader, study = make.reader(site), make.study(site)
    make.predicted(study, make.model(), "positive")
    looked_twice(reader, study, "no_fracture", "fracture")
    assert tallies([elsewhere.pk]) == []
    second = Review.objects.get(mode="assisted")
    reviews.amend(reader, second.pk, judgement=make.judgement("no_fracture"), revision=study.revision, reason="Looked.")
    assert counts_of(site) == {reader.pk: {"kept": 1}}
    (tally,) = tallies([site.pk], days=1)
    assert (tally.looks, tally.changed) == (1, 0)
    study.refresh_from_db()
    reviews.reopen(make.lead(site), study.pk, reason="Again.")
    assert tallies([site.pk]) == []
    worklist.claim(reader, study.pk)
