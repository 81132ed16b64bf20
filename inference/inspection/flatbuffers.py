"""What a LiteRT model may hold: one graph of plain operations, all of its numbers in the file itself."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, Final

from training.artifact import ArtifactError

#: What feed-forward networks of images are made of. No control flow, no state, no custom or delegated operation.
_PLAIN: Final = """
ABS ADD AVERAGE_POOL_2D BATCH_MATMUL BROADCAST_TO CAST CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEQUANTIZE DIV ELU
EXP EXPAND_DIMS FULLY_CONNECTED GATHER GELU HARD_SWISH LEAKY_RELU LOG LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN
MINIMUM MIRROR_PAD MUL NEG PACK PAD PADV2 POW PRELU QUANTIZE REDUCE_MAX REDUCE_MIN RELU RELU6 RELU_0_TO_1
RELU_N1_TO_1 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR RSQRT SHAPE SLICE SOFTMAX SPLIT SPLIT_V SQRT SQUARE
SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM TANH TILE TRANSPOSE TRANSPOSE_CONV UNPACK
"""
OPERATIONS: Final = frozenset(_PLAIN.split())
_IDENTIFIER: Final = b"TFL3"
_MOST_KINDS: Final = 256
_MOST_BUFFERS: Final = 100_000


def require_plain_flatbuffer(file: Path, size: int) -> None:
    """Refuse a LiteRT model with anything but plain operations on its own numbers, or that reads other pictures.

    The runtime would fit a model to whatever picture it is given: that it reads squares of this size is asked here.

    Raises:
        ArtifactError: it is no flatbuffer of a model, or holds something else.
    """
    content = file.read_bytes()
    if content[4:8] != _IDENTIFIER:
        raise ArtifactError(f"{file}: expected a LiteRT model. Received: another file.")
    try:
        _require_plain(file, content, size)
    except (struct.error, IndexError, TypeError, ValueError, UnicodeDecodeError) as error:
        if isinstance(error, ArtifactError):
            raise
        raise ArtifactError(f"{file}: expected a LiteRT model. Received: a damaged one ({error}).") from error


def _require_plain(file: Path, content: bytes, size: int) -> None:
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAs(content, 0)
    if model.SubgraphsLength() != 1:
        raise ArtifactError(f"{file}: expected one graph. Received: {model.SubgraphsLength()}.")
    if model.OperatorCodesLength() > _MOST_KINDS or model.BuffersLength() > _MOST_BUFFERS:
        raise ArtifactError(f"{file}: expected a model of bounded size. Received: a larger one.")
    foreign = sorted(
        {_operation(schema, model.OperatorCodes(i)) for i in range(model.OperatorCodesLength())} - OPERATIONS
    )
    if foreign:
        raise ArtifactError(f"{file}: expected plain operations. Received: {', '.join(foreign)[:200]}.")
    # Offsets 0 and 1 mean that the numbers stand in the buffer itself.
    outside = any(model.Buffers(i).Offset() > 1 for i in range(model.BuffersLength()))
    if outside or model.ExternalBuffersLength() or model.ExternalBufferGroupsLength():
        raise ArtifactError(f"{file}: expected all numbers within the model. Received: buffers elsewhere.")

    _require_input(file, model, (1, size, size, 3))


def _require_input(file: Path, model: Any, expected: tuple[int, ...]) -> None:
    """Refuse a model without exactly one entrance, which takes one picture of the size that its artifact states."""
    entrances = [model.SignatureDefs(i) for i in range(model.SignatureDefsLength())]
    if len(entrances) != 1 or entrances[0].InputsLength() != 1:
        raise ArtifactError(f"{file}: expected one signature with one input. Received: {len(entrances)} signatures.")
    tensor = model.Subgraphs(0).Tensors(entrances[0].Inputs(0).TensorIndex())
    shape = tuple(tensor.Shape(i) for i in range(tensor.ShapeLength()))
    if shape != expected:
        raise ArtifactError(f"{file}: expected the input {expected}. Received: {shape}.")


def _operation(schema: Any, code: Any) -> str:
    """Return an operation's name; of a custom one also what it is called."""
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    custom = code.CustomCode()
    if custom:
        return f"CUSTOM {custom.decode()}"
    return str(names.get(number, f"operation {number}"))
