"""The seam behind which models run: two engines, the same answers, and nothing heavy where LiteRT serves."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from inference import engine, registry
from inference.replay import largest_difference, main
from tests import tiny
from training.artifact import Artifact, ArtifactError


@pytest.fixture
def artifact(tmp_path):
    return Artifact.load(tiny.write(tmp_path / "artifact"))


def test_litert_answers_the_golden_cases(artifact):
    assert largest_difference(artifact, engine.load(artifact)) <= 1e-4


def test_one_input_gives_a_logit_and_the_features_it_was_pooled_from(artifact):
    loaded = engine.load(artifact)
    output = loaded.predict(artifact.preprocessing.model_input(artifact.golden.renditions[0]))
    pooled = artifact.head.logits(output.features.mean(axis=(0, 1)))[0]
    assert output.features.shape == (8, 8, 4)
    assert pooled == pytest.approx(output.logits[0], abs=1e-5)
    again = loaded.predict(artifact.preprocessing.model_input(artifact.golden.renditions[0]))
    assert again.logits.tolist() == output.logits.tolist()


def test_an_output_outlives_the_next_call(artifact):
    loaded = engine.load(artifact)
    dark, bright = (np.full((1, tiny.SIZE, tiny.SIZE, 3), value, np.float32) for value in (-1, 1))
    first = loaded.predict(dark)
    kept = first.features.copy()
    loaded.predict(bright)
    assert np.array_equal(first.features, kept)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"x" * 5000])
def test_a_file_that_is_no_model_is_refused(artifact, content):
    artifact.model_file.write_bytes(content or b"\0" * 64)
    with pytest.raises(ArtifactError):
        engine.load(artifact)


def test_litert_needs_no_tensorflow(artifact):
    code = (
        "import sys; from pathlib import Path;"
        "from inference.engine import load; from training.artifact import Artifact;"
        f"artifact = Artifact.load(Path({str(artifact.path)!r}));"
        "load(artifact).predict(artifact.preprocessing.model_input(artifact.golden.renditions[0]));"
        "print([name for name in ('tensorflow', 'keras', 'django') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_replay_says_what_is_wrong(artifact, capsys):
    assert main([str(artifact.path)]) == 2
    assert main([str(artifact.path), "onnx"]) == 2
    assert main([str(artifact.path / "none"), "litert"]) == 1
    assert main([str(artifact.path), "litert"]) == 0
    assert "largest_difference" in capsys.readouterr().out


@pytest.mark.long
@pytest.mark.timeout(300)
def test_keras_answers_the_same_and_serves_what_does_not_convert(db, tmp_path, settings):
    """In processes of their own: TensorFlow is never loaded into the one that asks."""
    version = registry.register(None, tiny.write(tmp_path / "both"), on_keras=True)
    assert set(version.report["replayed_here"]) == {"litert", "keras"}
    files = tiny.files(name="unconverted") | {"model.tflite": b""}
    from training import artifact as format_

    format_.write(tmp_path / "unconverted", files)
    unconverted = registry.register(None, tmp_path / "unconverted")
    assert set(unconverted.report["replayed_here"]) == {"keras"}
    settings.INFERENCE_ENGINE = "keras"
    only = registry.register(None, tiny.write(tmp_path / "keras", name="by-keras"))
    assert set(only.report["replayed_here"]) == {"keras"}
    assert "tensorflow" not in sys.modules
