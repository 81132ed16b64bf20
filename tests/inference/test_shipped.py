"""The model in the box: the first start takes it into service and its page can be read."""

from __future__ import annotations

import pytest
from django.urls import reverse

from inference import places, registry
from inference.models import Prediction
from inference.selectors import active_model
from inference.states import Task
from tests.factories_inference import grey_radiograph, predicted, store
from training import synthetic


@pytest.fixture
def shipped(db):
    if not places.shipped():
        pytest.skip("no shipped artifact is in the tree")
    return registry.register_shipped()


def test_the_first_start_serves_the_model_in_the_box(shipped, client, reader):
    serving = active_model()
    assert serving in shipped
    client.force_login(reader, backend="bonefrac.accounts.backends.PlatformBackend")
    page = client.get(reverse("inference:model", args=[serving.pk])).content.decode()
    for words in ("What it is not for", "FracAtlas", "CC BY 4.0", "Without looking at a pixel"):
        assert words in page
    assert "not reported" not in page
    assert "style=" not in page


def test_the_model_in_the_box_speaks(shipped):
    drawn = synthetic.radiograph(3, fractured=True, part="hand").pixels
    radiograph, _ = store(drawn, facts={"body_part": "hand"})
    predicted(radiograph, active_model())
    row = Prediction.objects.get(radiograph=radiograph)
    assert row.state in {"positive", "doubt", "negative"}
    assert row.heat_map


def test_the_model_in_the_box_does_not_speak_of_what_is_no_radiograph(shipped):
    radiograph = grey_radiograph(rows=300, columns=200, facts={"body_part": "hand"})
    predicted(radiograph, active_model())
    row = Prediction.objects.get(radiograph=radiograph)
    assert (row.state, row.reason_code, row.heat_map) == ("not_assessed", "unlike", "")


def test_the_body_part_model_in_the_box_names_what_it_sees(shipped):
    drawn = synthetic.radiograph(5, fractured=False, part="leg").pixels
    radiograph, _ = store(drawn)
    predicted(radiograph, active_model(Task.BODY_PART))
    row = Prediction.objects.get(radiograph=radiograph)
    assert row.state == "classified"
    assert row.label == row.probabilities[0][0]
    assert sum(share for _, share in row.probabilities) == pytest.approx(1, abs=1e-3)


def test_the_model_in_the_box_knows_its_bounds(shipped):
    radiograph = grey_radiograph(facts={"body_part": "chest"})
    predicted(radiograph, active_model())
    assert Prediction.objects.get(radiograph=radiograph).state == "not_assessed"
