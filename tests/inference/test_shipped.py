"""The model in the box: the first start takes it into service and its page can be read."""

from __future__ import annotations

import pytest
from django.urls import reverse

from inference import places, registry
from inference.models import Prediction
from inference.selectors import active_model
from tests.factories_inference import grey_radiograph, predicted


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
    radiograph = grey_radiograph(rows=300, columns=200, facts={"body_part": "hand"})
    predicted(radiograph, active_model())
    row = Prediction.objects.get(radiograph=radiograph)
    assert row.state in {"positive", "doubt", "negative"}
    assert row.heat_map


def test_the_model_in_the_box_knows_its_bounds(shipped):
    radiograph = grey_radiograph(facts={"body_part": "chest"})
    predicted(radiograph, active_model())
    assert Prediction.objects.get(radiograph=radiograph).state == "not_assessed"
