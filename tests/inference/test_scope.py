"""What the learned scope refuses is stored with its reason and nothing else; what it warns of stands with the score."""

from __future__ import annotations

import numpy as np
import pytest

from inference import registry
from inference.models import Prediction
from inference.states import JobStatus
from tests import tiny
from tests.factories_inference import predicted, store
from training import artifact
from training.artifact import Artifact
from training.likeness import CAUTIONS, Likeness, description
from training.litert import LiteModel

SIDE = 96


def limb(number, *, has_metal=False):
    """Draw a soft limb on black, with or without a bright plate."""
    random = np.random.default_rng(number)
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    across = columns - random.normal(0, 0.04) - 0.1 * rows * random.normal()
    drawn = 170 * np.exp(-((across / random.uniform(0.12, 0.2)) ** 4)) + random.normal(0, 2, rows.shape)
    if has_metal:
        drawn[(np.abs(across) < 0.05) & (np.abs(rows) < 0.3)] = 255
    return np.clip(drawn, 0, 255).astype(np.uint8)


def noise(number):
    return np.random.default_rng(number).integers(0, 256, (SIDE, SIDE)).astype(np.uint8)


@pytest.fixture
def silent(db, tmp_path):
    """A model in service that learned what limbs look like, one in three with metal."""
    base = Artifact.load(tiny.write(tmp_path / "base"))
    model, shows = LiteModel(base.model_file, threads=1), [number % 3 == 0 for number in range(220)]
    rows = []
    for number, has_metal in enumerate(shows):
        rendition = base.preprocessing.rendition(limb(number, has_metal=has_metal))
        rows.append(description(model(base.preprocessing.model_input(rendition)).features, rendition))
    learned = Likeness.fit(np.stack(rows), ["hand"] * len(rows), traits={"hardware": shows})
    assert learned.traits == ("hardware",)
    files = {**tiny.files(), "scope.npz": tiny.arrays(**learned.arrays())}
    artifact.write(tmp_path / "silent", files)
    return registry.promote(None, registry.register(None, tmp_path / "silent"))


def said(pixels, model):
    radiograph, _ = store(pixels)
    assert predicted(radiograph, model).status == JobStatus.SUCCEEDED
    return Prediction.objects.get(radiograph=radiograph)


def test_pixels_out_of_scope_leave_a_reason_and_nothing_else(silent):
    usual = said(limb(900), silent)
    assert usual.state in {"positive", "doubt", "negative"}
    assert usual.logit is not None
    assert usual.heat_map
    for pixels, code, words in (
        (noise(1), "unlike", "it does not look like a radiograph of"),
        (np.full((SIDE, SIDE), 40, np.uint8), "blank", "the picture shows nothing"),
    ):
        row = said(pixels, silent)
        assert (row.state, row.reason_code) == ("not_assessed", code)
        assert row.reason.startswith(words)
        assert (row.logit, row.probability, row.heat_map, row.content_box) == (None, None, "", None)
        assert (row.regions, row.caution, row.label, row.probabilities) == ([], "", "", [])


def test_metal_is_told_beside_the_score_and_blocks_nothing(silent):
    plain, metal = said(limb(901), silent), said(limb(902, has_metal=True), silent)
    assert plain.caution == ""
    assert CAUTIONS["hardware"] in metal.caution
    assert metal.state in {"positive", "doubt", "negative"}
