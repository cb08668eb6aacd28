"""Refuse what the converter calls a success and a device cannot use: lost weights, float operations, open shapes."""

from __future__ import annotations

from typing import Any

from edge.errors import ConversionRefused

IDENTIFIER = b"TFL3"
KEPT_SHARE = 0.5
"""A file with fewer int8 constants than this share of the model's kernel weights has lost some."""

_VARIABLES = ("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE")
_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE", "FAKE_QUANT")
_HINT_INT8 = "build the model from layers with an int8 version: Dense, Conv2D, pooling, ReLU, softmax"


def check(flatbuffer: bytes, kernel_weights: int) -> None:
    """Check a converted model: one graph of int8 builtin operations, batch 1, all weights there.

    `kernel_weights` is the number of weights in the Keras model's kernels. Raises ConversionRefused.
    """
    from ai_edge_litert import schema_py_generated as schema

    if flatbuffer[4:8] != IDENTIFIER:
        raise ConversionRefused("the converter's result is not a TFLite model", "is the disk full?")
    model = schema.ModelT.InitFromPackedBuf(bytearray(flatbuffer), 0)
    if len(model.subgraphs) != 1:
        raise ConversionRefused(
            f"the int8 model has {len(model.subgraphs)} graphs, expected one", "conditions and loops cannot be used"
        )
    graph = model.subgraphs[0]
    _check_operators(model, graph, _names(schema.BuiltinOperator))
    _check_ends(graph, schema)
    _check_tensors(model, graph, schema)
    _check_weights(model, graph, schema, kernel_weights)


def _check_operators(model: Any, graph: Any, names: dict[int, str]) -> None:
    used = []
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        # Operators above 126 do not fit the older, one-byte field (schema.fbs, table OperatorCode).
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        custom = code.customCode
        used.append(f"CUSTOM {custom.decode()}" if custom else names.get(number, str(number)))
    lost = [name for name in used if name in _VARIABLES]
    if lost:
        raise ConversionRefused(
            f"the converter left variables in the model ({lost[0]}): its weights are lost",
            "this comes of converting in another way than through a SavedModel; please report it",
        )
    custom_ones = [name for name in used if name.startswith("CUSTOM")]
    if custom_ones:
        raise ConversionRefused(f"the int8 model needs operations outside TFLite: {custom_ones[0]}", _HINT_INT8)
    converting = [name for name in used if name in _CONVERSIONS]
    if converting:
        raise ConversionRefused(f"the int8 model still converts between types: {', '.join(converting)}", _HINT_INT8)


def _check_ends(graph: Any, schema: Any) -> None:
    types = _names(schema.TensorType)
    for what, numbers in (("input", graph.inputs), ("output", graph.outputs)):
        if len(numbers) != 1:
            raise ConversionRefused(f"the int8 model has {len(numbers)} {what}s, expected one")
        tensor = graph.tensors[numbers[0]]
        if tensor.type != schema.TensorType.INT8:
            raise ConversionRefused(f"the model's {what} is {types[tensor.type]}, expected INT8", _HINT_INT8)
        if tensor.shape is None or len(tensor.shape) < 2 or tensor.shape[0] != 1:
            raise ConversionRefused(f"the model's {what} has shape {_shape(tensor)}, expected a batch of one")


def _check_tensors(model: Any, graph: Any, schema: Any) -> None:
    types = _names(schema.TensorType)
    for tensor in graph.tensors:
        name = (tensor.name or b"?").decode("utf-8", "replace")
        if tensor.shapeSignature is not None and any(size < 0 for size in tensor.shapeSignature):
            raise ConversionRefused(
                f"the tensor {name} has an open dimension: {[int(size) for size in tensor.shapeSignature]}",
                "an Edge TPU and fast kernels need fixed shapes",
            )
        if tensor.type == schema.TensorType.INT8:
            continue
        # int32 holds biases and shapes, which are constants; computed int32 means SHAPE, PACK and the like.
        if tensor.type == schema.TensorType.INT32 and _constant(model, tensor) is not None:
            continue
        raise ConversionRefused(f"the tensor {name} is {types[tensor.type]}: not all is int8", _HINT_INT8)


def _check_weights(model: Any, graph: Any, schema: Any, kernel_weights: int) -> None:
    buffers = {tensor.buffer for tensor in graph.tensors if tensor.type == schema.TensorType.INT8}
    there = sum(len(data) for data in (model.buffers[number].data for number in buffers) if data is not None)
    if there < KEPT_SHARE * kernel_weights:
        raise ConversionRefused(
            f"the int8 model holds {there:,} weights, the Keras model {kernel_weights:,}: the converter lost some",
            "please report it with the versions in use",
        )


def _constant(model: Any, tensor: Any) -> Any:
    """The data of a constant tensor, None for a computed one."""
    data = model.buffers[tensor.buffer].data
    return None if data is None or len(data) == 0 else data


def _shape(tensor: Any) -> list[int] | None:
    return None if tensor.shape is None else [int(size) for size in tensor.shape]


def _names(enumeration: Any) -> dict[int, str]:
    """Number -> name of one of the schema's enumerations."""
    return {number: name for name, number in vars(enumeration).items() if not name.startswith("_")}
