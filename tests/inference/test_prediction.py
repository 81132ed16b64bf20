"""Doing a job: what the model says is what is stored, and the type of an error decides what becomes of the job."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from bonefrac.errors import NotFound
from bonefrac.stores import FRAMES, MAPS, RENDITIONS
from inference import assessment, heatmaps, jobs, places, prediction, radiographs
from inference.models import Prediction, PredictionJob
from inference.renditions import PREVIEW
from inference.states import JobStatus
from tests.factories_inference import grey_radiograph, predicted, store
from tests.factories_inference import picture as drawn
from training.artifact import Artifact
from training.calibrate import OperatingPoints, probability, state_of
from training.explanation import activation_map, encode_map


@pytest.mark.parametrize(("share", "state"), [(0.05, "negative"), (0.35, "doubt"), (0.9, "positive")])
def test_the_state_follows_from_the_model_and_its_operating_points(active, share, state):
    # A square picture, so that nothing of the rendition is letterbox.
    radiograph = grey_radiograph(share, rows=100, columns=100)
    assert predicted(radiograph, active).status == JobStatus.SUCCEEDED
    row = Prediction.objects.get(radiograph=radiograph)
    assert row.state == state
    assert row.probability == pytest.approx(probability(row.logit, active.temperature))
    assert state_of(row.probability, OperatingPoints(**active.operating_points)) == state
    assert row.milliseconds > 0


def test_the_stored_answer_is_the_models(active):
    radiograph = grey_radiograph()
    predicted(radiograph, active)
    row = Prediction.objects.get(radiograph=radiograph)
    artifact = Artifact.load(places.artifact_folder(active))
    rendition = radiographs.rendition(radiograph, artifact.preprocessing)
    output = prediction.load(active).engine.predict(artifact.preprocessing.model_input(rendition))
    assert row.logit == output.logits[0]
    assert heatmaps.read(row) == encode_map(activation_map(output.features, artifact.head))
    assert row.content_box == list(artifact.preprocessing.content_box(radiograph.rows, radiograph.columns))
    with Image.open(io.BytesIO(heatmaps.read(row))) as heat_map:
        assert heat_map.size == (8, 8)


def test_regions_lie_where_the_model_looked(active):
    radiograph = grey_radiograph(0.9, rows=100, columns=100)
    predicted(radiograph, active)
    (x0, y0, x1, y1), *_ = Prediction.objects.get(radiograph=radiograph).regions
    assert (x0, y0, x1) == (0.0, 0.0, 1.0)
    assert 0.7 < y1 <= 1


def test_nothing_suspected_has_no_region(active):
    radiograph = grey_radiograph(0.05, rows=100, columns=100)
    predicted(radiograph, active)
    assert Prediction.objects.get(radiograph=radiograph).regions == []


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"body_part": "chest"}, "body_part"),
        ({"modality": "CT"}, "modality"),
        ({"age_band": "0-4"}, "age"),
        ({"is_colour_photo": True}, "colour_photo"),
    ],
)
def test_out_of_scope_is_not_assessed_with_a_reason(active, facts, code):
    radiograph = grey_radiograph(facts=facts)
    FRAMES.remove(radiograph.frame)  # the pixels are not even looked at
    assert predicted(radiograph, active).status == JobStatus.SUCCEEDED
    row = Prediction.objects.get(radiograph=radiograph)
    assert (row.state, row.reason_code, row.probability, row.heat_map) == ("not_assessed", code, None, "")
    assert row.reason
    assert not row.reason.startswith("not assessed")
    with pytest.raises(NotFound):
        heatmaps.read(row)


@pytest.mark.parametrize(
    "facts", [{}, {"body_part": "unknown", "age_band": "", "modality": None}, {"body_part": "hand"}]
)
def test_what_nobody_stated_is_no_reason_to_be_silent(active, facts):
    radiograph = grey_radiograph(facts=facts)
    predicted(radiograph, active)
    assert Prediction.objects.get(radiograph=radiograph).probability is not None


def test_one_message_serves_all_that_wait_for_the_model(active, another):
    asked = [jobs.request(grey_radiograph(), active) for _ in range(3)]
    elsewhere = jobs.request(grey_radiograph(), another)
    assert prediction.work_on(asked[1].pk) == 3
    assert Prediction.objects.filter(model_version=active).count() == 3
    elsewhere.refresh_from_db()
    assert elsewhere.status == JobStatus.QUEUED
    assert prediction.work_on(asked[0].pk) == 0


def test_a_round_ends_and_hands_on(active, monkeypatch, django_capture_on_commit_callbacks):
    first, second = (jobs.request(grey_radiograph(), active) for _ in range(2))
    monkeypatch.setattr(prediction, "ROUND_SECONDS", 0)
    with django_capture_on_commit_callbacks() as rings:
        assert prediction.work_on(first.pk) == 1
    second.refresh_from_db()
    assert second.status == JobStatus.QUEUED
    assert len(rings) == 2  # rank the radiograph, and the next job


def test_a_store_that_is_away_puts_the_job_back(active, settings):
    radiograph, _ = store(drawn(), with_renditions=False)
    settings.STORES_ROOT.rename(settings.STORES_ROOT.with_name("away"))
    job = predicted(radiograph, active)
    assert (job.status, job.attempt) == (JobStatus.QUEUED, 1)
    assert "No such file" in job.error_detail


def test_a_frame_that_cannot_be_decoded_fails_with_its_code(active):
    radiograph, _ = store(drawn(), with_renditions=False)
    FRAMES.path(radiograph.frame).write_bytes(b"\xff\xd8 not a frame")
    job = predicted(radiograph, active)
    assert job.status == JobStatus.FAILED
    assert job.error_code in {"truncated", "damaged"}


def test_an_artifact_that_changed_is_never_run(active):
    radiograph = grey_radiograph()
    (places.artifact_folder(active) / "card.md").write_text("# Something else")
    assessment._loaded.cache_clear()
    job = predicted(radiograph, active)
    assert (job.status, job.error_code) == (JobStatus.FAILED, "artifact_changed")
    assert not Prediction.objects.exists()


def test_a_bug_fails_the_job_and_is_raised(active):
    radiograph = grey_radiograph()
    row = radiograph.renditions.get(preprocessing_digest=active.preprocessing_digest)
    preview = radiograph.renditions.get(preprocessing_digest=PREVIEW)
    RENDITIONS.path(row.file).write_bytes(RENDITIONS.read(preview.file))  # a picture of another size
    with pytest.raises(ValueError, match="rendition"):
        predicted(radiograph, active)
    assert PredictionJob.objects.get().error_code == "bug"


def test_the_map_is_small(active):
    radiograph = grey_radiograph()
    predicted(radiograph, active)
    assert len(MAPS.read(Prediction.objects.get().heat_map)) < 400


def test_warm_up_without_a_model_is_no_error(db):
    prediction.warm_up()


def test_warm_up_runs_the_active_model(active):
    before = assessment._loaded.cache_info().currsize
    prediction.warm_up()
    assert assessment._loaded.cache_info().currsize >= max(1, before)


def test_the_picture_is_read_as_the_model_was_taught(active):
    radiograph = grey_radiograph(0.5, rows=100, columns=100)
    preprocessing = Artifact.load(places.artifact_folder(active)).preprocessing
    shown = radiographs.frame_of(radiograph).grey()
    assert np.array_equal(radiographs.rendition(radiograph, preprocessing), preprocessing.rendition(shown))
