"""What the database itself refuses in the tables of inference, whatever the code does: one test per constraint."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from bonefrac.db import violated
from inference import jobs, registry
from inference.answers import Answer
from inference.models import ModelVersion, Prediction, PredictionJob, Radiograph, Rendition
from inference.states import JobStatus, PredictionState
from tests import tiny
from tests.factories_inference import grey_radiograph

ANSWER = Answer(PredictionState.POSITIVE, milliseconds=1.0, logit=2.0, probability=0.9, heat_map="0" * 64)


@pytest.fixture
def active(db, tmp_path):
    return registry.promote(None, registry.register(None, tiny.write(tmp_path / "artifact")))


@pytest.fixture
def job(active):
    return jobs.request(grey_radiograph(), active)


def refused(change):
    """Return the name of the constraint that refuses a change."""
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        change()
    return violated(error.value)


def test_constraints_of_jobs(job):
    rows = PredictionJob.objects.filter(pk=job.pk)
    running = {"status": JobStatus.RUNNING, "lease_until": timezone.now()}
    assert refused(lambda: rows.update(status=JobStatus.RUNNING)) == "lease_iff_running"
    assert refused(lambda: rows.update(lease_until=timezone.now())) == "lease_iff_running"
    assert refused(lambda: rows.update(status=JobStatus.FAILED)) == "error_iff_failed"
    assert refused(lambda: rows.update(error_code="bug")) == "error_iff_failed"
    assert refused(lambda: rows.update(status="DONE")) == "prediction_job_status"
    again = PredictionJob(radiograph=job.radiograph, model_version=job.model_version)
    assert refused(again.save) == "one_live_job"
    assert rows.update(**running) == 1
    assert refused(again.save) == "one_live_job"
    assert rows.update(status=JobStatus.FAILED, lease_until=None, error_code="bug") == 1
    again.save()


def test_constraints_of_predictions(job):
    made = jobs.succeed(jobs.start(job.pk), ANSWER)
    other = jobs.request(grey_radiograph(), job.model_version)

    def insert(**changes):
        given = ANSWER.as_fields() | {
            "radiograph": other.radiograph, "model_version": other.model_version, "job": other, **changes
        }  # fmt: skip
        return refused(lambda: Prediction.objects.create(**given))

    assert insert(radiograph=made.radiograph) == "prediction_once"
    assert insert(job=job) == "inference_prediction_job_id_key"
    assert insert(state="normal") in {"prediction_state", "prediction_speaks_or_gives_reason"}
    speaks = "prediction_speaks_or_gives_reason"
    assert insert(probability=None) == speaks
    assert insert(reason_code="body_part") == speaks
    silent = {"state": PredictionState.NOT_ASSESSED, "probability": None, "heat_map": ""}
    assert insert(**silent) == speaks
    assert insert(**silent | {"reason_code": "body_part", "probability": 0.5}) == speaks
    assert insert(**silent | {"reason_code": "body_part", "heat_map": "0" * 64}) == speaks
    Prediction.objects.create(
        **ANSWER.as_fields() | silent | {"reason_code": "body_part"},
        radiograph=other.radiograph,
        model_version=other.model_version,
        job=other,
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE inference_prediction SET probability = 0.1",
        "DELETE FROM inference_prediction",
        "UPDATE inference_radiograph SET frame = repeat('0', 64)",
        "DELETE FROM inference_radiograph",
    ],
)
def test_evidence_is_only_ever_added(job, statement):
    jobs.succeed(jobs.start(job.pk), ANSWER)

    def run():
        with connection.cursor() as cursor:
            cursor.execute(statement)

    assert refused(run).endswith("_append_only")


def test_erasing_may_blank_a_map_and_nothing_else(job):
    made = jobs.succeed(jobs.start(job.pk), ANSWER)

    def erase(assignment):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL bonefrac.erasing = 'on'")
            cursor.execute(f"UPDATE inference_prediction SET {assignment}")

    assert refused(lambda: erase("heat_map = '', probability = 0.1")).endswith("_append_only")
    erase("heat_map = ''")
    made.refresh_from_db()
    assert (made.heat_map, made.probability) == ("", 0.9)


def test_constraints_of_radiographs(db):
    radiograph = grey_radiograph()
    fields = {
        field.attname: getattr(radiograph, field.attname)
        for field in Radiograph._meta.fields
        if field.attname not in {"id", "created_at"}
    }

    def insert(**changes):
        return refused(lambda: Radiograph.objects.create(**fields | {"pixel_key": "1" * 64} | changes))

    assert insert(pixel_key=radiograph.pixel_key) == "inference_radiograph_pixel_key_key"
    assert insert(rows=0) == "radiograph_has_pixels"
    assert insert(photometric_interpretation="RGB") == "radiograph_photometric_interpretation"
    row = radiograph.renditions.first()
    twin = Rendition(radiograph=radiograph, preprocessing_digest=row.preprocessing_digest, file=row.file)
    assert refused(twin.save) == "rendition_once"


def test_constraints_of_models(active, tmp_path):
    second = registry.register(None, tiny.write(tmp_path / "second", card="# Second"))
    rows = ModelVersion.objects.filter(pk=second.pk)
    assert refused(lambda: rows.update(status="ACTIVE")) == "one_active_per_task"
    assert refused(lambda: rows.update(version=1)) == "model_version_name"
    assert refused(lambda: rows.update(status="GOOD")) == "model_version_status"
    assert refused(lambda: rows.update(task="weather")) == "model_version_task"
    digest = "inference_modelversion_artifact_sha256_key"
    assert refused(lambda: rows.update(artifact_sha256=active.artifact_sha256)) == digest
