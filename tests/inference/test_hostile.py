"""Artifacts that want something else than to be a model: each is refused with its reason and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
from ai_edge_litert import schema_py_generated as schema

from bonefrac.errors import Invalid
from inference import acceptance, inspection, places, registry
from inference.inspection import flatbuffers as plain_flatbuffers
from inference.models import ModelVersion
from tests import tiny
from tests.conftest import ROOT
from tests.inference import forging_models
from tests.tiny import kinds
from training import artifact
from training.artifact import ArtifactError


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", forging_models.CASES)
def test_a_hostile_artifact_is_refused_with_its_reason_and_leaves_nothing(db, tmp_path, name):
    forge, words = forging_models.CASES[name]
    folder = tiny.write(tmp_path / "artifact")
    forge(folder)
    with pytest.raises(Invalid) as refused:
        registry.register(None, folder)
    assert words in refused.value.sentence
    assert "was not registered" in refused.value.sentence
    assert "incoming" not in refused.value.sentence
    assert len(refused.value.sentence) < 1000
    assert not ModelVersion.objects.exists()
    assert not list(places.models_root().iterdir())


@pytest.mark.parametrize("write", [tiny.write, kinds.parts, kinds.located])
def test_sound_models_are_plain(tmp_path, write):
    sound = artifact.Artifact.load(write(tmp_path / "artifact"))
    inspection.require_plain_keras(sound.keras_file)
    inspection.require_plain_flatbuffer(sound.model_file, tiny.SIZE)


def test_the_operations_of_the_list_exist():
    assert {name for name in vars(schema.BuiltinOperator) if not name.startswith("_")} >= plain_flatbuffers.OPERATIONS


@pytest.mark.parametrize("length", [8, 40, 200, 1000])
def test_a_model_that_ends_early_is_damaged(tmp_path, length):
    whole = (tiny.FOLDER / "model.tflite").read_bytes()
    (tmp_path / "model.tflite").write_bytes(whole[:length])
    with pytest.raises(ArtifactError, match="expected"):
        inspection.require_plain_flatbuffer(tmp_path / "model.tflite", tiny.SIZE)


def test_the_judging_process_is_told_no_secret(db, tmp_path, monkeypatch):
    teller = tmp_path / "python"
    teller.write_text(f"#!/bin/sh\nenv > {tmp_path}/told\nkill -SEGV $$\n")
    teller.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(teller))
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    monkeypatch.setenv("BONEFRAC_SECRET_KEY", "secret")
    with pytest.raises(Invalid, match="exit status -11"):
        registry.register(None, tiny.write(tmp_path / "artifact"))
    assert "secret" not in (tmp_path / "told").read_text()


def test_the_judging_process_is_confined():
    code = (
        "import numpy, resource, sys, tempfile\n"
        "from inference.replay import confine\n"
        "confine('litert')\n"
        "try:\n    numpy.ones(2**31)\nexcept MemoryError:\n    print('memory')\n"
        "try:\n    with tempfile.TemporaryFile() as file:\n        file.write(bytes(2_000_000))\n"
        "except OSError:\n    print('files')\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE)[0], resource.getrlimit(resource.RLIMIT_CPU)[0])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["memory", "files", "0", "100"]


def test_a_model_that_never_answers_is_given_up(db, tmp_path, monkeypatch):
    sleeper = tmp_path / "python"
    sleeper.write_text("#!/bin/sh\nexec sleep 60\n")
    sleeper.chmod(0o700)
    monkeypatch.setattr(acceptance, "sys", SimpleNamespace(executable=str(sleeper)))
    monkeypatch.setattr(acceptance, "REPLAY_SECONDS", 0.5)
    with pytest.raises(Invalid, match="in time"):
        registry.register(None, tiny.write(tmp_path / "artifact"))
