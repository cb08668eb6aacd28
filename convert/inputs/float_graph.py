"""A float .tflite made ready for calibration: one picture at a time, float pixels in, and a range for each activation.

What is computed stays the same to the bit, which tests/convert/inputs/test_float_file.py holds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.tflite.graph import Graph

_SHAPING = frozenset({"RESHAPE", "EXPAND_DIMS", "SQUEEZE"})
"""Operations that change shapes only, for numbers of any type."""

_FLOAT_TYPES = frozenset({"FLOAT32", "INT32", "INT64", "BOOL"})
_CONVERSIONS = frozenset({"QUANTIZE", "DEQUANTIZE", "FAKE_QUANT"})


def first_integer(graph: Graph) -> str | None:
    """What shows that a graph is quantised already, or stores half precision: a tensor's name and type, or None.

    Bytes are allowed on the way from the input to the CAST that makes floats of them.
    """
    for operation in graph.operations:
        if operation.name in _CONVERSIONS:
            return f"operation {operation.number} is {operation.name}"
    on_the_way = {tensor.name for tensor in graph.inputs if tensor.type == "UINT8"}
    for operation in graph.operations:
        first = operation.inputs[0] if operation.inputs else None
        if operation.name in _SHAPING and first is not None and first.name in on_the_way:
            on_the_way |= {tensor.name for tensor in operation.outputs}
    for tensor in graph.tensors:
        if tensor.type not in _FLOAT_TYPES and tensor.name not in on_the_way:
            return f"the tensor {tensor.name} is {tensor.type}"
    return None


def kernel_weights(graph: Graph) -> int:
    """Number of constant floats in tensors of two or more dimensions."""
    kernels = {
        tensor.buffer: len(tensor.constant) // 4
        for tensor in graph.tensors
        if tensor.constant is not None and tensor.type == "FLOAT32" and len(tensor.shape) > 1
    }
    return sum(kernels.values())


def prepared(flatbuffer: bytes) -> bytes:
    """The float model with a batch of one, float pixels as input, and a range, to be filled in, of each activation.

    Bytes that a CAST makes floats of, as first thing, become float pixels 0..255. What an open batch has left in the
    file (SHAPE, STRIDED_SLICE and PACK before a RESHAPE) goes away. Expects a graph that is float and whose open
    dimensions are batches; raises ValueError where bytes go elsewhere than into a CAST.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(bytearray(flatbuffer), 0)
    graph = model.subgraphs[0]
    for tensor in graph.tensors:
        tensor.shapeSignature = None
    _fix_reshapes(model, graph, schema)
    _drop_unused(graph)
    _take_floats(model, graph, schema)
    _drop_unused(graph)
    # Of the float model: the converted one gets its own, and signatures number tensors that have other numbers now.
    model.metadata = model.metadataBuffer = model.signatureDefs = None
    for tensor in graph.tensors:
        if tensor.type == schema.TensorType.FLOAT32 and not _is_constant(model, tensor):
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.min, tensor.quantization.max = [0.0], [1.0]
    builder = flatbuffers.Builder(len(flatbuffer) + 4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _fix_reshapes(model: Any, graph: Any, schema: Any) -> None:
    """Give each RESHAPE its result's shape as a constant, where it was computed from the size of the batch."""
    for operator in graph.operators:
        if _kind(model, operator) != schema.BuiltinOperator.RESHAPE or len(operator.inputs) < 2:
            continue
        wanted = graph.tensors[operator.inputs[1]]
        if _is_constant(model, wanted):
            continue
        shape = np.asarray(graph.tensors[operator.outputs[0]].shape, np.int32)
        content, constant = schema.BufferT(), schema.TensorT()
        content.data = np.frombuffer(shape.tobytes(), np.uint8)
        constant.name = b"%s/fixed" % wanted.name
        constant.type, constant.shape, constant.buffer = schema.TensorType.INT32, [len(shape)], len(model.buffers)
        model.buffers.append(content)
        operator.inputs = [operator.inputs[0], len(graph.tensors)]
        graph.tensors.append(constant)


def _take_floats(model: Any, graph: Any, schema: Any) -> None:
    """Let the input be float where it is bytes that a CAST makes floats of: the same numbers, without the CAST."""
    number = graph.inputs[0]
    while graph.tensors[number].type == schema.TensorType.UINT8:
        graph.tensors[number].type = schema.TensorType.FLOAT32
        takers = [one for one in graph.operators if number in one.inputs]
        kinds = {_kind(model, one) for one in takers}
        if len(takers) != 1 or not kinds <= {getattr(schema.BuiltinOperator, name) for name in (*_SHAPING, "CAST")}:
            raise ValueError("its bytes are not made floats of by a CAST, as the first thing")
        (operator,) = takers
        result = operator.outputs[0]
        if kinds == {schema.BuiltinOperator.CAST}:
            for other in graph.operators:
                other.inputs = [number if given == result else given for given in other.inputs]
            return
        number = result


def _drop_unused(graph: Any) -> None:
    """Drop operations of whose results nothing is made, and the tensors that belong to no operation then."""
    while True:
        used = {number for operator in graph.operators for number in operator.inputs} | set(graph.outputs)
        kept = [one for one in graph.operators if used.intersection(one.outputs)]
        if len(kept) == len(graph.operators):
            break
        graph.operators = kept
    linked = {number for one in graph.operators for number in (*one.inputs, *one.outputs) if number >= 0}
    places = sorted(linked.union(graph.inputs, graph.outputs))
    new = {old: number for number, old in enumerate(places)} | {-1: -1}  # -1: an optional input that is left out
    graph.tensors = [graph.tensors[old] for old in places]
    for operator in graph.operators:
        operator.inputs = [new[number] for number in operator.inputs]
        operator.outputs = [new[number] for number in operator.outputs]
    graph.inputs, graph.outputs = ([new[number] for number in ends] for ends in (graph.inputs, graph.outputs))


def _kind(model: Any, operator: Any) -> int:
    code = model.operatorCodes[operator.opcodeIndex]
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def _is_constant(model: Any, tensor: Any) -> bool:
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0
