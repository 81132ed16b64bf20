"""Artifacts that want something else than to be a model: each is refused with its reason and leaves nothing behind."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import flatbuffers
import h5py
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from bonefrac.errors import Invalid
from inference import acceptance, inspection, places, registry
from inference.inspection import flatbuffers as plain_flatbuffers
from inference.models import ModelVersion
from tests import tiny
from tests.conftest import ROOT
from tests.tiny import kinds
from training import artifact
from training.artifact import ArtifactError

CASES = {}


def hostile(words):
    """Register a way to spoil an artifact's folder, and the words with which it must be refused."""

    def keep(forge):
        CASES[forge.__name__] = (forge, words)
        return forge

    return keep


def again(folder, **files):
    """Sign the artifact anew around other files: whoever forges an artifact can do that too."""
    present = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != artifact.SUMS}
    artifact.write(folder, present | files)


# The folder


@hostile("plain files of the format")
def link(folder):
    (folder / "card.md").unlink()
    (folder / "card.md").symlink_to("/etc/passwd")


@hostile("plain files of the format")
def pipe(folder):
    (folder / "card.md").unlink()
    os.mkfifo(folder / "card.md")


@hostile("plain files of the format")
def subfolder(folder):
    (folder / "card.md").unlink()
    (folder / "card.md").mkdir()


@hostile("plain files of the format")
def program(folder):
    (folder / "run.py").write_text("print('hello')")


@hostile("at most 2000000000 bytes")
def terabytes(folder):
    os.truncate(folder / "card.md", 10**12)


@hostile("model.tflite: expected sha256")
def changed(folder):
    (folder / "model.tflite").write_bytes(b"something else")


@hostile("model.tflite: expected sha256")
def missing(folder):
    (folder / "model.tflite").unlink()


@hostile("SHA256SUMS: expected the files")
def escape(folder):
    sums = (folder / "SHA256SUMS").read_text()
    (folder / "SHA256SUMS").write_text(sums.replace("card.md", "../card.md"))


@hostile("SHA256SUMS: expected the files")
def absolute_path(folder):
    sums = (folder / "SHA256SUMS").read_text()
    (folder / "SHA256SUMS").write_text(sums.replace("card.md", "/etc/passwd"))


# Its texts


def config(folder, **changes):
    again(folder, **{"config.json": json.dumps(json.loads((folder / "config.json").read_text()) | changes).encode()})


@hostile("Expected one of the tasks")
def other_task(folder):
    config(folder, task="weather")


@hostile("Expected a temperature")
def temperature_in_words(folder):
    config(folder, temperature="1.0; DROP TABLE")


@hostile("NaN, which is no number")
def not_a_number(folder):
    config(folder, temperature=float("nan"))


@hostile("at most 1000000 bytes")
def endless_config(folder):
    config(folder, note="x" * 2_000_000)


@hostile("expected JSON")
def deep_report(folder):
    again(folder, **{"report.json": b'{"x":' + b"[" * 100_000})


@hostile("a NUL")
def nul_in_a_table(folder):
    again(folder, **{"seen.csv": b"item,group,role\na\0,b,train\n"})


# Its arrays


@hostile("expected numbers in kernel.npy. Received: object")
def pickle(folder):
    again(folder, **{"head.npz": tiny.arrays(kernel=np.array([print], dtype=object), bias=0.0)})


@hostile("256000000 bytes together")
def bomb(folder):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("kernel.npy", bytes(300_000_000))
    again(folder, **{"head.npz": content.getvalue()})


@hostile("plain names")
def array_elsewhere(folder):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("../../kernel.npy", b"")
    again(folder, **{"golden.npz": content.getvalue()})


# model.keras


def keras_with(folder, change, duplicates=()):
    content = io.BytesIO()
    with zipfile.ZipFile(folder / "model.keras") as source, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as to:
        members = {name: source.read(name) for name in source.namelist()}
        change(members)
        for name, data in [*members.items(), *duplicates]:
            to.writestr(name, data)
    again(folder, **{"model.keras": content.getvalue()})


def layer(**changes):
    """Return a change of a Keras archive: its first layer described otherwise."""

    def change(members):
        described = json.loads(members["config.json"])
        described["config"]["layers"][0] |= changes
        members["config.json"] = json.dumps(described).encode()

    return change


def weights(make):
    """Return a change of a Keras archive: weights that lead elsewhere."""

    def change(members):
        content = io.BytesIO(members["model.weights.h5"])
        with h5py.File(content, "a") as root:
            make(root)
        members["model.weights.h5"] = content.getvalue()

    return change


@hostile("expected a Keras archive")
def no_archive(folder):
    again(folder, **{"model.keras": b"no zip"})


@hostile("expected the members")
def member_elsewhere(folder):
    keras_with(folder, lambda members: members.update({"../outside": b"x"}))


@hostile("expected the members")
@pytest.mark.filterwarnings("ignore:Duplicate name")
def member_twice(folder):
    keras_with(folder, lambda members: None, duplicates=[("config.json", b"{}")])


@hostile("at most 20000000 bytes in config.json")
def keras_bomb(folder):
    keras_with(folder, lambda members: members.update({"config.json": b" " * 30_000_000}))


@hostile("'Lambda' of 'keras.layers'")
def lambda_layer(folder):
    keras_with(folder, layer(class_name="Lambda"))


@hostile("'__lambda__'")
def marshalled_code(folder):
    keras_with(folder, layer(config={"function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}}))


@hostile("'system' of 'os'")
def foreign_module(folder):
    keras_with(folder, layer(module="os", class_name="system"))


@hostile("'function' of 'keras.utils'")
def function_that_downloads(folder):
    keras_with(
        folder, layer(module="keras.utils", class_name="function", config="get_file", registered_name="get_file")
    )


@hostile("Keras's own layers")
def registered_class(folder):
    keras_with(folder, layer(registered_name="mine>Layer"))


@hostile("'TFSMLayer' of 'keras.layers'")
def saved_model_elsewhere(folder):
    keras_with(folder, layer(class_name="TFSMLayer", config={"filepath": "/srv/model"}))


@hostile("'StringLookup' of 'keras.layers'")
def vocabulary_elsewhere(folder):
    keras_with(folder, layer(class_name="StringLookup", config={"vocabulary": "/etc/passwd"}))


@hostile("'TorchModuleWrapper' of 'keras.layers'")
def pickled_module(folder):
    keras_with(folder, layer(class_name="TorchModuleWrapper"))


@hostile("levels")
def deep_layers(folder):
    def change(members):
        members["config.json"] = (
            b'{"class_name": "Functional", "module": "keras.models", "x": ' + b"[" * 500 + b"]" * 500
        )
        members["config.json"] += b"}"

    keras_with(folder, change)


@hostile("expected weights in HDF5")
def no_weights(folder):
    keras_with(folder, lambda members: members.update({"model.weights.h5": b"no HDF5"}))


@hostile("Received: ExternalLink")
def link_to_a_file(folder):
    keras_with(folder, weights(lambda root: root.__setitem__("layers/x", h5py.ExternalLink("/etc/passwd", "/"))))


@hostile("Received: SoftLink")
def link_within(folder):
    keras_with(folder, weights(lambda root: root.__setitem__("layers/x", h5py.SoftLink("/nowhere"))))


@hostile("external storage")
def stored_elsewhere(folder):
    def make(root):
        root.create_dataset("x", (4,), "f4", external=[("/etc/passwd", 0, 16)])

    keras_with(folder, weights(make))


@hostile("external storage")
def virtual_weights(folder):
    def make(root):
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
        root.create_virtual_dataset("x", layout)

    keras_with(folder, weights(make))


@hostile("bytes of weights")
def endless_weights(folder):
    keras_with(folder, weights(lambda root: root.create_dataset("x", (10**6, 10**6), "f4", chunks=(10, 10))))


@hostile("expected numbers as weights")
def words_as_weights(folder):
    keras_with(folder, weights(lambda root: root.create_dataset("x", data="words")))


# model.tflite


def tflite_with(folder, change):
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs((folder / "model.tflite").read_bytes(), 0))
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    again(folder, **{"model.tflite": bytes(builder.Output())})


def operation(number, name=None):
    def change(model):
        code = model.operatorCodes[0]
        code.builtinCode, code.deprecatedBuiltinCode, code.customCode = number, min(number, 127), name

    return change


@hostile("expected a LiteRT model. Received: another file")
def no_model(folder):
    again(folder, **{"model.tflite": b"something else entirely"})


@hostile("LiteRT model")
def damaged_model(folder):
    again(folder, **{"model.tflite": b"\xff\xff\xff\x7fTFL3 but not really"})


@hostile("CUSTOM OpenTheDoor")
def custom_operation(folder):
    tflite_with(folder, operation(schema.BuiltinOperator.CUSTOM, b"OpenTheDoor"))


@hostile("CUSTOM FlexReadFile")
def operation_of_tensorflow(folder):
    tflite_with(folder, operation(schema.BuiltinOperator.CUSTOM, b"FlexReadFile"))


@hostile("expected plain operations. Received: WHILE")
def loop(folder):
    tflite_with(folder, operation(schema.BuiltinOperator.WHILE))


@hostile("expected plain operations. Received: VAR_HANDLE")
def state(folder):
    tflite_with(folder, operation(schema.BuiltinOperator.VAR_HANDLE))


@hostile("expected one graph. Received: 2")
def second_graph(folder):
    tflite_with(folder, lambda model: model.subgraphs.append(model.subgraphs[0]))


@hostile("buffers elsewhere")
def numbers_elsewhere(folder):
    def change(model):
        model.buffers[-1].offset, model.buffers[-1].size = 10**9, 10**9

    tflite_with(folder, change)


@hostile("Invalid tensor index")
def wild_tensor(folder):
    def change(model):
        model.subgraphs[0].operators[0].inputs = [2**31 - 1, 2**30]

    tflite_with(folder, change)


@hostile("out of range buffer")
def wild_buffer(folder):
    def change(model):
        for tensor in model.subgraphs[0].tensors:
            tensor.buffer = 2**31

    tflite_with(folder, change)


@hostile("invalidly specified")
def tensor_of_terabytes(folder):
    def change(model):
        entrance = model.signatureDefs[0].inputs[0].tensorIndex
        for number, tensor in enumerate(model.subgraphs[0].tensors):
            if number != entrance:
                tensor.shape = [1, 2**20, 2**20, 3]

    tflite_with(folder, change)


@hostile("expected 1 logits and features")
def other_outputs(folder):
    again(folder, **{"model.tflite": (kinds.PARTS / "model.tflite").read_bytes()})


@hostile("expected the input (1, 32, 32, 3). Received: (1, 64, 64, 3)")
def other_inputs(folder):
    with np.load(folder / "golden.npz") as golden:
        arrays = dict(golden) | {"renditions": golden["renditions"][:, :32, :32]}
    again(folder, **{"golden.npz": tiny.arrays(**arrays)})
    config(folder, preprocessing={"algorithm": 1, "size": 32, "low": 0.5, "high": 99.5})


# Golden cases


def golden(folder, **changes):
    with np.load(folder / "golden.npz") as stored:
        arrays = dict(stored)
    again(folder, **{"golden.npz": tiny.arrays(**arrays | {name: change(arrays) for name, change in changes.items()})})


@hostile("golden case 0: expected logit")
def other_answers(folder):
    golden(folder, logits=lambda arrays: arrays["logits"] + np.float32(2e-4))


@hostile("golden case 0: expected the same features")
def other_features(folder):
    golden(folder, feature_means=lambda arrays: arrays["feature_means"] * 1.1)


@hostile("1 to 64 cases")
def no_golden_case(folder):
    golden(folder, **dict.fromkeys(("renditions", "logits", "feature_means", "feature_maxima"), lambda arrays: []))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", CASES)
def test_a_hostile_artifact_is_refused_with_its_reason_and_leaves_nothing(db, tmp_path, name):
    forge, words = CASES[name]
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
