"""A shadow on live studies: held against signed labels, heard by no reader, part of no label."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from inference import registry
from inference.states import ModelStatus
from studies import ranking, selectors
from studies.datasets import labels
from studies.datasets.criteria import Criteria
from studies.selectors.shadow import against_labels
from studies.states import Agreement, AIState, Rank, Verdict
from tests import factories_studies as make
from tests.outcomes.passing import let_pass

pytestmark = pytest.mark.django_db


@pytest.fixture
def active():
    return make.model()


@pytest.fixture
def shadow(active):
    found = make.candidate()
    type(found).objects.filter(pk=found.pk).update(status=ModelStatus.SHADOW)
    found.refresh_from_db()
    return found


def judged(site, verdict, active, shadow, *said):
    """A signed study of one image about which both models have spoken."""
    study = make.study(site)
    for model, state in zip((active, shadow), said, strict=False):
        make.predicted(study, model, state)
    reader = make.reader(site)
    selectors.ai_of_study(reader, study)
    make.signed(reader, study, verdict)
    return study


def test_both_models_are_held_against_signed_labels(active, shadow):
    site = make.site()
    judged(site, "fracture", active, shadow, "positive", "positive")
    judged(site, "fracture", active, shadow, "negative", "positive")
    judged(site, "no_fracture", active, shadow, "negative", "positive")
    judged(site, "no_fracture", active, shadow, "doubt", "negative")
    judged(site, "not_assessable", active, shadow, "positive", "negative")
    judged(site, "fracture", active, shadow, "positive")
    unread = make.study(site)
    for model in (active, shadow):
        make.predicted(unread, model, "positive")
    found = against_labels(shadow)
    assert (found.shadow, found.active, found.fractures, found.others) == (shadow, active, 2, 2)
    assert found.suspected(Verdict.FRACTURE, by_shadow=False) == 1
    assert found.suspected(Verdict.FRACTURE, by_shadow=True) == 2
    assert found.suspected_alone(Verdict.FRACTURE, by_shadow=True) == 1
    assert found.suspected_alone(Verdict.FRACTURE, by_shadow=False) == 0
    assert found.suspected(Verdict.NO_FRACTURE, by_shadow=True) == 1
    assert found.assisted == 4
    assert not found.is_telling
    assert {(row.active, row.shadow) for row in found.counts if row.verdict == Verdict.NO_FRACTURE} == {
        (AIState.NEGATIVE, AIState.POSITIVE), (AIState.DOUBT, AIState.NEGATIVE),
    }  # fmt: skip


def test_a_study_counts_as_a_whole_and_once_both_have_spoken_of_each_image(active, shadow):
    site = make.site()
    study = make.study(site, images=2)
    make.predicted(study, active, "negative", "negative")
    make.predicted(study, shadow, "negative", "positive")
    make.signed(make.reader(site), study, "fracture")
    half = make.study(site, images=2)
    make.predicted(half, active, "negative", "negative")
    make.predict(half.images.first().radiograph, shadow, "positive")
    make.signed(make.reader(site), half, "fracture")
    (row,) = against_labels(shadow).counts
    assert (row.active, row.shadow, row.studies) == (AIState.NEGATIVE, AIState.POSITIVE, 1)


def test_there_is_nothing_to_compare_without_a_model_in_service(active, shadow):
    registry.retire(None, active)
    assert against_labels(shadow).active is None
    assert against_labels(active).counts == ()


def test_a_shadow_ranks_no_study_is_shown_to_no_reader_and_counts_in_no_label(active, shadow):
    site = make.site()
    study = make.study(site)
    make.predicted(study, shadow, "positive")
    ranking.rank(study)
    study.refresh_from_db()
    assert study.rank == Rank.UNCERTAIN
    reader = make.reader(site)
    assert selectors.ai_of_study(reader, study).state == AIState.UNKNOWN
    make.signed(reader, study, "fracture")
    let_pass(study, seconds=20)
    (labelled,) = labels.labelled_images(site, Criteria())
    assert (labelled.prediction, labelled.agreement) == (None, Agreement.NO_AI)


def test_comparing_costs_a_fixed_number_of_queries(active, shadow, django_assert_max_num_queries):
    site = make.site()
    for _ in range(3):
        judged(site, "fracture", active, shadow, "positive", "negative")
    with django_assert_max_num_queries(8):
        against_labels(shadow)


def test_the_command_says_what_it_rests_on(active, shadow, capsys):
    judged(make.site(), "fracture", active, shadow, "negative", "positive")
    call_command("compare_shadow", shadow.name, str(shadow.version))
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"{shadow} beside {active}: the same of 0 of 1 radiographs; 0 wait, 0 failed."
    assert f"{shadow}: suspected in 1 of 1 studies with a signed fracture (1 alone) and in 0 of 0 without." in out
    assert "Too few to tell: 300 fractures are wanted." in out
    assert f"The readers of 1 of these studies could see what {active} said." in out
    registry.retire(None, active)
    call_command("compare_shadow", shadow.name, str(shadow.version))
    assert "no model of its task is in service" in capsys.readouterr().out
    with pytest.raises(CommandError):
        call_command("compare_shadow", "none", "1")
