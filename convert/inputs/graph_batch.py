"""Rebuild a frozen graph for one picture where it was traced for a batch of fixed size.

Sizes that follow from the input's follow the new one. What is left are constants with the batch written out: in the
shapes that operations are given, and in values that are repeated for each picture. Whether that was all of them is for
a comparison of the answers to say.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.inputs.graph_nodes import dependent, node_name, nodes_of

_SHAPE_INPUTS = {
    "Reshape": 1,
    "BroadcastTo": 1,
    "Fill": 0,
    "Tile": 1,
    "Slice": 2,
    "StridedSlice": 2,
    "Conv2DBackpropInput": 0,
    "TensorListReserve": 0,
    "TensorListFromTensor": 1,
    "TensorListStack": 1,
}
"""Operations that are given a shape or an end, and by which of their inputs."""

_RESHAPING = frozenset({"Reshape", "Slice", "StridedSlice"})
"""Operations whose shape has the batch in it only if what they are given depends on the picture."""

_KERNEL_INPUTS = {"MatMul": 1, "Conv2D": 1, "DepthwiseConv2dNative": 1, "Conv2DBackpropInput": 1}
"""Operations whose second input is a kernel: its first size is never the batch."""


def for_one(graph: Any, batch: int) -> Any:
    """The GraphDef with a batch of one in place of `batch`, which is two or more."""
    import tensorflow as tf

    single = tf.compat.v1.GraphDef()
    single.CopyFrom(graph)
    for node in single.node:
        if node.op in {"Placeholder", "EnsureShape"}:
            _reduce_size(node.attr["shape"].shape, batch)
    for node in nodes_of(single):
        for attribute in node.attr.values():
            for shape in attribute.list.shape:
                _reduce_size(shape, batch)
    _reduce_constants(single.node, batch, dependent(single))
    for function in single.library.function:
        _reduce_constants(function.node_def, batch, {node.name for node in function.node_def})
    return single


def _reduce_size(shape: Any, batch: int) -> None:
    if shape.dim and shape.dim[0].size == batch:
        shape.dim[0].size = 1


def _reduce_constants(nodes: Any, batch: int, on_picture: set[str]) -> None:
    by_name = {node.name: node for node in nodes}
    kernels = {
        _source(by_name, node.input[number]) for node in nodes if (number := _KERNEL_INPUTS.get(node.op)) is not None
    }
    shapes = set()
    for node in nodes:
        number = _SHAPE_INPUTS.get(node.op)
        if number is not None and (node.op not in _RESHAPING or node.name in on_picture):
            shapes.add(_first_size(by_name, node.input[number]))
    for node in nodes:
        if node.op != "Const":
            continue
        values = values_of(node)
        if node.name in shapes and values.dtype.kind == "i":
            _replace(node, _reduced(values, batch))
        elif node.name not in kernels and values.ndim > 1 and len(values) == batch and (values == values[:1]).all():
            _replace(node, values[:1])


def _reduced(sizes: Any, batch: int) -> Any:
    """A shape (D,), or one of its sizes (), with the batch divided out: of the first size, or else of one like it."""
    found = sizes.copy()
    flat = found.reshape(-1)
    alike = np.flatnonzero(flat == batch)
    if len(flat) and flat[0] > 0 and flat[0] % batch == 0:
        flat[0] //= batch
    elif len(alike) and not (flat == -1).any():
        flat[alike[0]] = 1
    return found


def _source(by_name: dict[str, Any], tensor: str) -> str:
    """The node that a tensor comes from, before any identities."""
    name = node_name(tensor)
    while name in by_name and by_name[name].op == "Identity":
        name = node_name(by_name[name].input[0])
    return name


def _first_size(by_name: dict[str, Any], tensor: str) -> str:
    """The node that holds the first size of a shape, which may be put together of several or cut out of another."""
    name = _source(by_name, tensor)
    while name in by_name and (
        by_name[name].op in {"Pack", "ConcatV2", "Cast"} or _is_first_part(by_name, by_name[name])
    ):
        name = _source(by_name, by_name[name].input[0])
    return name


def _is_first_part(by_name: dict[str, Any], node: Any) -> bool:
    """Whether a node takes the beginning of a shape."""
    begin = by_name.get(_source(by_name, node.input[1])) if node.op in {"StridedSlice", "Slice"} else None
    return begin is not None and begin.op == "Const" and not values_of(begin).any()


def values_of(node: Any) -> Any:
    """What a constant holds."""
    import tensorflow as tf

    return np.asarray(tf.make_ndarray(node.attr["value"].tensor))


def _replace(node: Any, values: Any) -> None:
    import tensorflow as tf

    kind = tf.dtypes.as_dtype(node.attr["dtype"].type)
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(values, kind))
