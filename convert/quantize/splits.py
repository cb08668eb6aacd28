"""Splits of which a part is unused, as in the first step of a recurrent layer: the quantiser leaves them in float."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np


def without_unused_parts(graph: bytes) -> bytes:
    """The same float model with a SLICE for each part that is used of such a SPLIT; the same bytes if there is none.

    Expects fixed shapes; a split over a computed axis stays.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(bytearray(graph), 0)
    subgraph = model.subgraphs[0]
    used = {number for operator in subgraph.operators for number in operator.inputs} | set(subgraph.outputs)
    splits = [
        operator
        for operator in subgraph.operators
        if _is_split(model, operator, schema) and not used.issuperset(operator.outputs)
    ]
    if not splits:
        return graph
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.SLICE
    code.version = 1
    model.operatorCodes.append(code)
    operators: list[Any] = []
    for operator in subgraph.operators:
        unused = any(operator is split for split in splits)
        operators.extend(_slices(model, operator, used, schema) if unused else [operator])
    subgraph.operators = operators
    builder = flatbuffers.Builder(len(graph) + 4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _is_split(model: Any, operator: Any, schema: Any) -> bool:
    code = model.operatorCodes[operator.opcodeIndex]
    kind = max(code.builtinCode, code.deprecatedBuiltinCode)
    return kind == schema.BuiltinOperator.SPLIT and _content(model, operator.inputs[0]) is not None


def _content(model: Any, number: int) -> Any:
    """The bytes of a constant tensor, None for a computed one."""
    return model.buffers[model.subgraphs[0].tensors[number].buffer].data


def _slices(model: Any, split: Any, used: set[int], schema: Any) -> Iterator[Any]:
    """An operation for each used part; an unused one loses its range, for nothing computes it any more."""
    tensors = model.subgraphs[0].tensors
    axis = int(np.frombuffer(bytes(_content(model, split.inputs[0])), np.int32)[0])
    for place, number in enumerate(split.outputs):
        if number not in used:
            tensors[number].quantization = None
            continue
        size = np.asarray(tensors[number].shape, np.int32)
        begin = np.zeros_like(size)
        begin[axis] = place * size[axis]
        operator = schema.OperatorT()
        operator.opcodeIndex = len(model.operatorCodes) - 1
        operator.inputs = [split.inputs[1], *(_constant(model, one, schema) for one in (begin, size))]
        operator.outputs = [number]
        operator.builtinOptionsType = schema.BuiltinOptions.SliceOptions
        operator.builtinOptions = schema.SliceOptionsT()
        yield operator


def _constant(model: Any, values: Any, schema: Any) -> int:
    """Add a constant tensor, int32 (D,); its number."""
    tensors = model.subgraphs[0].tensors
    buffer, tensor = schema.BufferT(), schema.TensorT()
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    tensor.name = b"slice/%d" % len(tensors)
    tensor.type, tensor.shape, tensor.buffer = schema.TensorType.INT32, [len(values)], len(model.buffers)
    model.buffers.append(buffer)
    tensors.append(tensor)
    return len(tensors) - 1
