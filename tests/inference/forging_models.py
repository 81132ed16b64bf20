"""Ways to spoil the models of an artifact, Keras and LiteRT, each with the words with which it must be refused."""

from __future__ import annotations

import io
import json
import zipfile

import flatbuffers
import h5py
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tests import tiny
from tests.inference.forging import CASES as CASES
from tests.inference.forging import again, config, hostile
from tests.tiny import kinds

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
