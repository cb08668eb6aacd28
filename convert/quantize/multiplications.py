"""Operations that have no int8 form but are a multiplication: NEG and SQUARE, in layer and other normalisations."""

from __future__ import annotations

from typing import Any

import numpy as np


def with_multiplications(graph: bytes) -> bytes:
    """The same float model with x * -1 for each NEG and x * x for each SQUARE of floats; the same bytes without any."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(bytearray(graph), 0)
    subgraph = model.subgraphs[0]
    kinds = {schema.BuiltinOperator.NEG, schema.BuiltinOperator.SQUARE}
    found = [
        operator
        for operator in subgraph.operators
        if _kind(model, operator) in kinds and subgraph.tensors[operator.inputs[0]].type == schema.TensorType.FLOAT32
    ]
    if not found:
        return graph
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.MUL
    code.version = 1
    model.operatorCodes.append(code)
    for operator in found:
        (given,) = operator.inputs
        is_square = _kind(model, operator) == schema.BuiltinOperator.SQUARE
        operator.inputs = [given, given if is_square else _minus_one(model, schema)]
        operator.opcodeIndex = len(model.operatorCodes) - 1
        operator.builtinOptionsType = schema.BuiltinOptions.MulOptions
        operator.builtinOptions = schema.MulOptionsT()
    builder = flatbuffers.Builder(len(graph) + 4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _kind(model: Any, operator: Any) -> int:
    code = model.operatorCodes[operator.opcodeIndex]
    return int(max(code.builtinCode, code.deprecatedBuiltinCode))


def _minus_one(model: Any, schema: Any) -> int:
    """Add a constant tensor, float32 (1,); its number."""
    tensors = model.subgraphs[0].tensors
    buffer, tensor = schema.BufferT(), schema.TensorT()
    buffer.data = np.frombuffer(np.array([-1], np.float32).tobytes(), np.uint8)
    tensor.name = b"minus_one/%d" % len(tensors)
    tensor.type, tensor.shape, tensor.buffer = schema.TensorType.FLOAT32, [1], len(model.buffers)
    model.buffers.append(buffer)
    tensors.append(tensor)
    return len(tensors) - 1
