"""A shadow predicts beside the active model: it is asked, it is compared, and no reader hears of it."""

from __future__ import annotations

import pytest

from bonefrac.audit.models import AuditEvent, Verb
from bonefrac.errors import Conflict, Forbidden
from inference import jobs, prediction, registry, selectors
from inference.models import Prediction, PredictionJob
from inference.states import JobStatus, ModelStatus
from tests import tiny
from tests.factories_inference import grey_radiograph


@pytest.fixture
def shadow(active, tmp_path):
    """A candidate of other operating points that predicts silently beside the active model: it is sure of nothing."""
    candidate = registry.register(None, tiny.write(tmp_path / "shadow", name="unsure", lower=0.0, upper=1.0))
    return registry.shadow(None, candidate)


def spoken(radiograph):
    """Let every model that is asked of a new radiograph speak."""
    for job in jobs.request_all(radiograph):
        prediction.work_on(job.pk)
    return dict(Prediction.objects.filter(radiograph=radiograph).values_list("model_version__name", "state"))


def test_a_shadow_is_asked_about_new_radiographs_and_shown_to_nobody(shadow, active):
    radiograph = grey_radiograph()
    said = spoken(radiograph)
    assert said["unsure"] == "doubt"
    assert said["tiny"] != "doubt"
    outlook = selectors.predictions_of([radiograph.pk])[radiograph.pk]
    assert (outlook.model_version, outlook.state) == (active, said["tiny"])


def test_without_an_active_model_a_shadow_is_not_shown_either(shadow, active):
    radiograph = grey_radiograph()
    spoken(radiograph)
    registry.retire(None, active)
    assert selectors.predictions_of([radiograph.pk])[radiograph.pk].state == "no_model"
    assert selectors.classes_of([radiograph.pk]) == {}


def test_a_shadow_that_becomes_a_candidate_again_is_asked_no_more(shadow, engineer, reader):
    waiting = jobs.request(grey_radiograph(), shadow)
    with pytest.raises(Forbidden):
        registry.end_shadow(reader, shadow)
    assert registry.end_shadow(engineer, shadow).status == ModelStatus.CANDIDATE
    waiting.refresh_from_db()
    assert waiting.status == JobStatus.CANCELLED
    assert [job.model_version.name for job in jobs.request_all(grey_radiograph())] == ["tiny"]
    assert AuditEvent.objects.get(verb=Verb.MODEL_SHADOWED).data["task"] == "fracture"
    assert AuditEvent.objects.get(verb=Verb.MODEL_SHADOW_ENDED).data["cancelled_jobs"] == 1
    with pytest.raises(Conflict):
        registry.end_shadow(engineer, shadow)


def test_a_shadow_that_goes_into_service_keeps_what_it_said(shadow):
    radiograph = grey_radiograph()
    spoken(radiograph)
    registry.promote(None, shadow, override_reason="Wanted unsure of everything, for this test.")
    outlook = selectors.predictions_of([radiograph.pk])[radiograph.pk]
    assert (outlook.model_version, outlook.state) == (shadow, "doubt")


def test_the_two_are_compared_on_what_both_have_seen(shadow, active):
    for bright in (0.05, 0.95):
        spoken(grey_radiograph(bright))
    jobs.request(grey_radiograph(), active)
    alone = jobs.request(grey_radiograph(), shadow)
    failing = jobs.start(jobs.request(grey_radiograph(), shadow).pk)
    jobs.fail(failing, code="bug", detail="")
    found = selectors.shadow_comparison(shadow)
    assert (found.shadow, found.active) == (shadow, active)
    assert (found.radiographs, found.agreements) == (2, 0)
    assert {(cell.active, cell.shadow) for cell in found.cells} == {
        ("nothing suspected", "unsure"), ("fracture suspected", "unsure"),
    }  # fmt: skip
    assert all(not cell.is_same for cell in found.cells)
    assert (found.waiting, found.failed) == (1, 1)
    assert PredictionJob.objects.get(pk=alone.pk).status == JobStatus.QUEUED


def test_a_shadow_without_a_model_in_service_has_nothing_beside_it(shadow, active):
    spoken(grey_radiograph())
    registry.retire(None, active)
    found = selectors.shadow_comparison(shadow)
    assert (found.active, found.radiographs, found.cells) == (None, 0, ())


def test_comparing_costs_a_fixed_number_of_queries(shadow, django_assert_max_num_queries):
    for _ in range(3):
        spoken(grey_radiograph())
    with django_assert_max_num_queries(4):
        selectors.shadow_comparison(shadow)
