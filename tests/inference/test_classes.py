"""Several tasks at once: models that name classes, models with a map of their own, and a job for each in service."""

from __future__ import annotations

import io

import numpy as np
import pytest
from django.db import IntegrityError, transaction
from PIL import Image

from inference import heatmaps, jobs, prediction, radiographs, registry
from inference.models import ModelVersion, Prediction
from inference.selectors import active_models, classes_of, predictions_of
from inference.states import JobStatus, ModelStatus, Task
from tests.factories_inference import grey_radiograph, predicted
from tests.tiny import kinds
from training.calibrate import class_probabilities
from training.explanation import located


def in_service(version):
    """Put a model into service as a promotion leaves it: the gate has tests of its own."""
    ModelVersion.objects.filter(pk=version.pk).update(status=ModelStatus.ACTIVE, activated_at=version.registered_at)
    version.refresh_from_db()
    return version


@pytest.fixture
def parts(db, tmp_path):
    return in_service(registry.register(None, kinds.parts(tmp_path / "parts", temperature=2.0)))


@pytest.fixture
def drawing(db, tmp_path):
    return in_service(registry.register(None, kinds.located(tmp_path / "located")))


@pytest.mark.parametrize(("share", "label"), [(0.1, "hand"), (0.9, "shoulder")])
def test_a_model_of_classes_names_one_with_the_probability_of_each(parts, share, label):
    radiograph = grey_radiograph(share, rows=100, columns=100)
    assert predicted(radiograph, parts).status == JobStatus.SUCCEEDED
    row = Prediction.objects.get(radiograph=radiograph)
    assert (row.state, row.label, row.heat_map, row.regions) == ("classified", label, "", [])
    shares = [value for _label, value in row.probabilities]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1)
    assert row.probabilities[0] == [label, pytest.approx(row.probability)]
    assert {name for name, _value in row.probabilities} == {"hand", "hip", "leg", "shoulder"}


def test_its_probabilities_are_those_of_its_temperature(parts):
    radiograph = grey_radiograph(0.6, rows=100, columns=100)
    predicted(radiograph, parts)
    loaded = prediction.load(parts)
    rendition = radiographs.rendition(radiograph, loaded.artifact.preprocessing)
    logits = loaded.engine.predict(loaded.artifact.preprocessing.model_input(rendition)).logits
    expected = dict(zip(loaded.artifact.classes, class_probabilities(logits, 2.0), strict=True))
    assert dict(Prediction.objects.get().probabilities) == pytest.approx(expected)


def test_it_has_no_operating_points_and_stays_silent_out_of_scope(parts):
    assert parts.operating_points is None
    radiograph = grey_radiograph(facts={"modality": "CT"})
    predicted(radiograph, parts)
    row = Prediction.objects.get()
    assert (row.state, row.label, row.probabilities, row.probability) == ("not_assessed", "", [], None)


def test_a_map_of_its_own_keeps_the_scale_of_probabilities(drawing):
    radiograph = grey_radiograph(0.5, rows=100, columns=100)
    predicted(radiograph, drawing)
    row = Prediction.objects.get()
    loaded = prediction.load(drawing)
    rendition = radiographs.rendition(radiograph, loaded.artifact.preprocessing)
    output = loaded.engine.predict(loaded.artifact.preprocessing.model_input(rendition))
    with Image.open(io.BytesIO(heatmaps.read(row))) as stored:
        shown = np.asarray(stored, np.float32) / 255
    assert np.abs(shown - located(output.map)).max() <= 0.5 / 255 + 1e-6
    assert drawing.map_kind == "head"
    assert row.regions


def test_where_nothing_is_suspected_its_map_stays_dark(drawing):
    predicted(grey_radiograph(0.05, rows=100, columns=100), drawing)
    row = Prediction.objects.get()
    with Image.open(io.BytesIO(heatmaps.read(row))) as stored:
        assert np.asarray(stored)[2:].max() < 40
    assert (row.state, row.regions) == ("negative", [])


def test_regions_are_kept_only_of_a_map_that_earned_them(db, tmp_path):
    drawing = in_service(registry.register(None, kinds.located(tmp_path / "unproven", shows_regions=False)))
    predicted(grey_radiograph(0.9, rows=100, columns=100), drawing)
    row = Prediction.objects.get()
    assert (row.state, row.regions) == ("positive", [])
    assert row.heat_map


def test_every_model_in_service_is_asked(parts, drawing):
    radiograph = grey_radiograph()
    asked = jobs.request_all(radiograph)
    assert {job.model_version_id for job in asked} == {parts.pk, drawing.pk}
    assert [version.task for version in active_models()] == ["fracture", "body_part"]
    assert len(radiographs.preprocessings()) == 1
    prediction.warm_up()
    assert classes_of([radiograph.pk])[Task.BODY_PART][radiograph.pk].state == "pending"
    for job in asked:
        prediction.work_on(job.pk)
    fracture = predictions_of([radiograph.pk])[radiograph.pk]
    part = classes_of([radiograph.pk])[Task.BODY_PART][radiograph.pk]
    assert (fracture.model_version, part.model_version) == (drawing, parts)
    assert fracture.state in {"positive", "doubt", "negative"}
    assert part.prediction.label in {"hand", "hip", "leg", "shoulder"}


def test_without_a_model_of_classes_nothing_is_said_of_them(drawing):
    assert classes_of([grey_radiograph().pk]) == {}


def test_the_database_keeps_labels_and_verdicts_apart(parts):
    predicted(grey_radiograph(), parts)
    row = Prediction.objects.get()
    fields = {"radiograph": grey_radiograph(), "model_version": parts, "milliseconds": 1, "probability": 0.5}
    for wrong in (
        {"state": "classified", "label": "", "probabilities": row.probabilities},
        {"state": "classified", "label": "hand", "probabilities": []},
        {"state": "positive", "label": "hand"},
    ):
        waiting = jobs.request(fields["radiograph"], parts)
        with pytest.raises(IntegrityError, match="prediction_label_iff_classified"), transaction.atomic():
            Prediction.objects.create(job=waiting, **fields, **wrong)
