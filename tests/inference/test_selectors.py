"""The outlook of a radiograph: what is said, or why nothing is."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inference import jobs, registry
from inference.selectors import OutlookState, failed_jobs, jobs_page, predictions_of
from inference.states import PredictionState
from tests.factories_inference import grey_radiograph, predicted


def outlook(radiograph):
    return predictions_of([radiograph.pk])[radiograph.pk]


def test_without_a_model_nothing_is_assessed_and_it_is_said(radiograph, model):
    said = outlook(radiograph)
    assert (said.state, said.model_version, said.prediction) == (OutlookState.NO_MODEL, None, None)
    assert said.reason


def test_from_waiting_to_a_score_with_its_version(radiograph, active):
    assert outlook(radiograph).state == OutlookState.NOT_ASSESSED
    jobs.request(radiograph, active)
    assert outlook(radiograph).state == OutlookState.PENDING
    predicted(radiograph, active)
    said = outlook(radiograph)
    assert said.state in {"positive", "doubt", "negative"}
    assert str(said.model_version) == "tiny 1"
    assert said.probability == said.prediction.probability


def test_a_failure_is_one_until_it_is_asked_again(radiograph, active, engineer):
    job = jobs.request(radiograph, active)
    jobs.fail(jobs.start(job.pk), code="bug", detail="")
    assert outlook(radiograph).state == OutlookState.FAILED
    (listed,) = failed_jobs()
    assert listed == job
    jobs.retry(engineer, listed)
    assert outlook(radiograph).state == OutlookState.PENDING
    assert failed_jobs() == []


def test_a_silent_model_gives_its_reason(active):
    radiograph = grey_radiograph(facts={"body_part": "chest"})
    predicted(radiograph, active)
    said = outlook(radiograph)
    assert (said.state, said.reason, said.probability) == (OutlookState.NOT_ASSESSED, "chest radiograph", None)


def test_a_new_model_speaks_for_itself_and_old_words_keep_their_version(active, another):
    asked_again, left = grey_radiograph(), grey_radiograph()
    for radiograph in (asked_again, left):
        predicted(radiograph, active)
    registry.promote(None, another)
    jobs.request(asked_again, another)
    assert outlook(asked_again).state == OutlookState.PENDING
    assert str(outlook(left).model_version) == "tiny 1"
    predicted(asked_again, another)
    assert str(outlook(asked_again).model_version) == "tiny 2"
    registry.retire(None, another)
    assert outlook(left).state == OutlookState.NO_MODEL


def test_what_a_candidate_said_is_not_told(active, another):
    radiograph = grey_radiograph()
    predicted(radiograph, another)
    assert outlook(radiograph).state == OutlookState.NOT_ASSESSED


def test_many_radiographs_cost_as_many_queries_as_one(active):
    some = [grey_radiograph() for _ in range(6)]
    for radiograph in some[:3]:
        predicted(radiograph, active)
    jobs.request(some[3], active)
    with CaptureQueriesContext(connection) as queries:
        said = predictions_of([radiograph.pk for radiograph in some])
    assert len(queries) <= 4
    assert len(said) == 6
    assert predictions_of([]) == {}


def test_words_never_say_that_there_is_no_fracture():
    words = {str(label) for label in [*PredictionState.labels, *OutlookState.labels]}
    assert not any(wrong in word for word in words for wrong in ("negative", "no fracture", "normal"))


def test_jobs_page_by_status(active):
    made = [jobs.request(grey_radiograph(), active) for _ in range(3)]
    jobs.fail(jobs.start(made[0].pk), code="bug", detail="")
    assert {job.pk for job in jobs_page().rows} == {job.pk for job in made}
    assert [job.pk for job in jobs_page(status="FAILED").rows] == [made[0].pk]


@pytest.mark.parametrize("state", ["positive", "doubt", "negative", "not_assessed"])
def test_every_prediction_state_is_an_outlook(state):
    assert OutlookState(state).value == PredictionState(state).value
