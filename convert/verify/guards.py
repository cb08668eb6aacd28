"""Refuse wrong results that the converter calls a success: lost weights, another scheme than asked for, open shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from convert.settings import CALIBRATED, Scheme
from edge.errors import ConversionRefused

IDENTIFIER = b"TFL3"
KEPT_SHARE = 0.5
"""A file with fewer constants of the scheme's type than this share of the model's kernel weights has lost some."""

_VARIABLES = ("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE")
_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE", "FAKE_QUANT")
_HINT_INT8 = "build the model from layers with an int8 version: Dense, Conv2D, pooling, ReLU, softmax"


@dataclass(frozen=True, slots=True)
class _Expected:
    """What a scheme's files hold: the type of input and output, those of all else, and bytes of a weight."""

    ends: str
    tensors: frozenset[str]
    weights: str
    weight_bytes: int


_INTEGERS = frozenset({"INT8", "INT16"})
_FLOATS = frozenset({"FLOAT32"})
_EXPECTED = {
    Scheme.INT8: _Expected("INT8", frozenset({"INT8"}), "INT8", 1),
    Scheme.INT16X8: _Expected("INT16", _INTEGERS, "INT8", 1),
    Scheme.FLOAT16: _Expected("FLOAT32", _FLOATS | {"FLOAT16"}, "FLOAT16", 2),
    Scheme.DYNAMIC: _Expected("FLOAT32", _FLOATS | {"INT8"}, "INT8", 1),
    Scheme.FLOAT32: _Expected("FLOAT32", _FLOATS, "FLOAT32", 4),
}


def check(flatbuffer: bytes, kernel_weights: int, scheme: Scheme = Scheme.INT8) -> None:
    """Check a converted model: one graph of builtin operations in the scheme's types, batch 1, all weights there.

    `kernel_weights` is the number of weights in the Keras model's kernels. Raises ConversionRefused.
    """
    from ai_edge_litert import schema_py_generated as schema

    if flatbuffer[4:8] != IDENTIFIER:
        raise ConversionRefused("the converter's result is not a TFLite model", "is the disk full?")
    model = schema.ModelT.InitFromPackedBuf(bytearray(flatbuffer), 0)
    if len(model.subgraphs) != 1:
        raise ConversionRefused(
            f"the {scheme} model has {len(model.subgraphs)} graphs, expected one",
            "conditions and loops cannot be used",
        )
    graph, expected = model.subgraphs[0], _EXPECTED[scheme]
    _check_operators(model, graph, _names(schema.BuiltinOperator), scheme, schema.TensorType)
    _check_ends(graph, schema, expected)
    _check_tensors(model, graph, schema, scheme)
    _check_weights(model, graph, schema, kernel_weights, scheme)


def _check_operators(model: Any, graph: Any, names: dict[int, str], scheme: Scheme, types: Any) -> None:
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
        raise ConversionRefused(f"the {scheme} model needs operations outside TFLite: {custom_ones[0]}", _HINT_INT8)
    if scheme in CALIBRATED:
        _check_integers(graph, used, scheme, types)


def _check_integers(graph: Any, used: list[str], scheme: Scheme, types: Any) -> None:
    """Refuse what gives floats or truth values, and conversions between types, in a scheme of integers alone."""
    converting = [name for name in used if name in _CONVERSIONS]
    # All in float, without a conversion, is another scheme: what the ends are says that better.
    refused = (types.FLOAT32, types.BOOL) if converting else (types.BOOL,)
    without = {
        number: name
        for number, (name, operator) in enumerate(zip(used, graph.operators, strict=True))
        if name not in _CONVERSIONS and any(graph.tensors[one].type in refused for one in operator.outputs)
    }
    if without:
        layers = dict.fromkeys(
            layer for number in without for layer in _layer(graph.tensors[graph.operators[number].outputs[0]])
        )
        where = f" in {', '.join(layers)}" if layers else ""
        raise ConversionRefused(
            f"no {scheme} form for {', '.join(dict.fromkeys(without.values()))}{where}: "
            "the converter leaves these operations in other types",
            _HINT_INT8,
        )
    if converting:
        raise ConversionRefused(f"the {scheme} model still converts between types: {', '.join(converting)}", _HINT_INT8)


def _layer(tensor: Any) -> list[str]:
    """The layer that computed a tensor, by the tensor's name: of "network/layer/operation;..." the second last."""
    scopes = (tensor.name or b"").decode("utf-8", "replace").split(";")[0].split("/")
    return scopes[-2:-1]


def _check_ends(graph: Any, schema: Any, expected: _Expected) -> None:
    types = _names(schema.TensorType)
    for what, numbers in (("input", graph.inputs), ("output", graph.outputs)):
        if len(numbers) != 1:
            raise ConversionRefused(f"the model has {len(numbers)} {what}s, expected one")
        tensor = graph.tensors[numbers[0]]
        if types[tensor.type] != expected.ends:
            raise ConversionRefused(f"the model's {what} is {types[tensor.type]}, expected {expected.ends}", _HINT_INT8)
        if tensor.shape is None or len(tensor.shape) < 2 or tensor.shape[0] != 1:
            raise ConversionRefused(f"the model's {what} has shape {_shape(tensor)}, expected a batch of one")


def _check_tensors(model: Any, graph: Any, schema: Any, scheme: Scheme) -> None:
    types = _names(schema.TensorType)
    for tensor in graph.tensors:
        name = (tensor.name or b"?").decode("utf-8", "replace")
        if tensor.shapeSignature is not None and any(size < 0 for size in tensor.shapeSignature):
            raise ConversionRefused(
                f"the tensor {name} has an open dimension: {[int(size) for size in tensor.shapeSignature]}",
                "an Edge TPU and fast kernels need fixed shapes",
            )
        kind = types[tensor.type]
        if kind in _EXPECTED[scheme].tensors:
            continue
        # Integers of 32 and 64 bit hold biases and shapes, which are constants; computed ones mean SHAPE and PACK.
        wide = {"INT32"} if scheme is Scheme.INT8 else {"INT32", "INT64"}
        if kind in wide and _constant(model, tensor) is not None:
            continue
        raise ConversionRefused(f"the tensor {name} is {kind}: not all is {scheme}", _HINT_INT8)


def _check_weights(model: Any, graph: Any, schema: Any, kernel_weights: int, scheme: Scheme) -> None:
    expected = _EXPECTED[scheme]
    kind = getattr(schema.TensorType, expected.weights)
    buffers = {tensor.buffer for tensor in graph.tensors if tensor.type == kind}
    size = sum(len(data) for data in (model.buffers[number].data for number in buffers) if data is not None)
    there = size // expected.weight_bytes
    if there < KEPT_SHARE * kernel_weights:
        raise ConversionRefused(
            f"the {scheme} model holds {there:,} weights of {expected.weights}, the Keras model {kernel_weights:,}: "
            "the converter lost some, or left them as they were",
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
