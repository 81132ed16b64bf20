"""A site changes its reading mode while studies are half read: nothing that was signed is lost, and nothing leaks."""

from __future__ import annotations

import pytest

from bonefrac.accounts.models import ReadingMode, Site
from bonefrac.errors import Conflict, NotFound
from studies import ranking, worklist
from studies.models import Review
from studies.selectors.ai import ai_of_studies, ai_of_study, map_of
from studies.selectors.readings import label
from studies.states import AIState, ReviewMode, StudyStatus
from studies.turns import has_read
from tests import factories_studies as make

pytestmark = pytest.mark.django_db


def change(site, mode, *studies):
    Site.objects.filter(pk=site.pk).update(reading_mode=mode)
    ranking.rank_site(site.pk)
    for study in studies:
        study.refresh_from_db()


@pytest.fixture
def half_read():
    """A site of two readings, two readers, and a study with a prediction."""
    site = make.site(mode=ReadingMode.ASSISTED, required=2)
    study = make.study(site)
    make.predicted(study, make.model(), "positive")
    return site, make.reader(site), make.reader(site), study


def test_to_blind_first_an_assisted_reading_stays_and_the_other_reader_is_blind(half_read):
    site, first, second, study = half_read
    ai_of_study(first, study)
    make.signed(first, study, "fracture")
    change(site, ReadingMode.BLIND_FIRST, study)
    assert has_read(first, study)
    assert ai_of_study(second, study).is_withheld
    assert ai_of_studies(second, [study], in_list=True)[study.pk].is_withheld
    with pytest.raises(NotFound):
        map_of(second, study.images.select_related("radiograph", "study__site").get())
    assert study.ai_state == AIState.UNKNOWN
    make.signed(second, study, "no_fracture")
    assert study.status == StudyStatus.AWAITING
    assert ai_of_study(second, study).state == AIState.POSITIVE
    make.signed(second, study, "fracture")
    assert study.status == StudyStatus.REVIEWED
    modes = Review.objects.order_by("signed_at").values_list("reader", "mode")
    assert list(modes) == [(first.pk, "assisted"), (second.pk, "blind"), (second.pk, "assisted")]


def test_to_blind_first_whoever_saw_the_ai_already_signs_no_blind_reading(half_read):
    """What was shown cannot be unseen: the reading says so, and counts at once."""
    site, first, _second, study = half_read
    ai_of_study(first, study)
    change(site, ReadingMode.BLIND_FIRST, study)
    assert ai_of_study(first, study).is_withheld
    assert make.signed(first, study, "fracture").mode == ReviewMode.ASSISTED
    assert has_read(first, study)


def test_to_blind_first_a_reading_without_the_ai_becomes_the_blind_one(half_read):
    site, first, _second, study = half_read
    assert make.signed(first, study, "fracture").mode == ReviewMode.BLIND
    change(site, ReadingMode.BLIND_FIRST, study)
    assert not has_read(first, study)
    assert ai_of_study(first, study).state == AIState.POSITIVE
    make.signed(first, study, "fracture")
    assert has_read(first, study)


def test_to_assisted_a_blind_answer_counts_and_its_reader_is_not_asked_again(half_read):
    site, first, second, study = half_read
    change(site, ReadingMode.BLIND_FIRST, study)
    make.signed(first, study, "fracture")
    change(site, ReadingMode.ASSISTED, study)
    assert has_read(first, study)
    with pytest.raises(Conflict, match="already"):
        worklist.claim(first, study.pk)
    assert study.ai_state == AIState.POSITIVE
    worklist.hand_back(first, study.pk)
    make.signed(second, study, "fracture")
    assert study.status == StudyStatus.REVIEWED
    assert {reading.reader for reading in label(study).readings} == {first.pk, second.pk}
