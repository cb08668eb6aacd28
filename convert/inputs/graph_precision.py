"""Compute a frozen graph in float32 where it computes in half or double precision."""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.inputs.graph_nodes import nodes_of


def other_floats(graph: Any) -> tuple[str, ...]:
    """The floating point types of a GraphDef but for float32, sorted by name: bfloat16, float16, float64."""
    import tensorflow as tf

    others = {one.as_datatype_enum: one.name for one in (tf.float16, tf.bfloat16, tf.float64)}
    found = {kind for node in nodes_of(graph) for attribute in node.attr.values() for kind in _types(attribute)}
    return tuple(sorted(others[kind] for kind in found if kind in others))


def widened(graph: Any) -> Any:
    """The GraphDef with float32 in place of all other floating point types: weights, results, input and output.

    Casts from float32 to float32 stay: the converter folds them away.
    """
    import tensorflow as tf

    wide = tf.compat.v1.GraphDef()
    wide.CopyFrom(graph)
    others = {one.as_datatype_enum for one in (tf.float16, tf.bfloat16, tf.float64)}
    single = tf.float32.as_datatype_enum
    for node in nodes_of(wide):
        if node.op == "Const" and node.attr["dtype"].type in others:
            values = np.asarray(tf.make_ndarray(node.attr["value"].tensor)).astype(np.float32)
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(values))
        for attribute in node.attr.values():
            if attribute.type in others:
                attribute.type = single
            kinds = [single if kind in others else kind for kind in attribute.list.type]
            if kinds:
                attribute.list.type[:] = kinds
    for function in wide.library.function:
        for argument in (*function.signature.input_arg, *function.signature.output_arg):
            if argument.type in others:
                argument.type = single
    return wide


def _types(attribute: Any) -> list[int]:
    return [attribute.type, *attribute.list.type]
