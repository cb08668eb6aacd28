"""Freeze a SavedModel's signature: one flat graph with its weights as constants, without state and side effects."""

from __future__ import annotations

from typing import Any

import numpy as np

from convert.inputs.graph_nodes import CALL, node_name, nodes_of, pruned, rename_functions

_SIDE_EFFECTS = frozenset({"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"})
_GENERATOR = "RngReadAndSkip"
"""Reads the state of a tf.random.Generator and moves it on: int64 (3,) for Philox, the algorithm that Keras uses."""


def frozen(signature: Any) -> Any:
    """The pruned graph (see `pruned`) of a signature with one input and one output; its weights are constants.

    What the call assigns to variables is dropped: seeds, and the state of stateful layers. Functions are inlined but
    for the bodies of loops and conditions. Raises ValueError where a variable or another resource does not allow it.
    """
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    graph = signature.graph.as_graph_def()
    if any(node.op in _SIDE_EFFECTS or node.op == _GENERATOR for node in nodes_of(graph)):
        signature = _without_side_effects(signature, graph)
    try:
        flat = convert_variables_to_constants_v2(signature, lower_control_flow=False)
    # Errors of TensorFlow's C++ side and of Python come through: there is no narrower class.
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}") from error
    return pruned(flat.graph.as_graph_def(), flat.inputs[0].name, flat.outputs[0].name)


def _without_side_effects(signature: Any, graph: Any) -> Any:
    """The same function, assigning nothing, its generators' states replaced by zeros."""
    import tensorflow as tf

    _drop_assignments(graph)
    given, *places = signature.inputs
    captured = signature.captured_inputs

    @tf.function(input_signature=[tf.TensorSpec(given.shape, given.dtype)])  # type: ignore[untyped-decorator]
    def serve(pixels: Any) -> Any:
        for variable in signature.variables:
            variable.read_value()  # which tells the new function of it
        here = tf.compat.v1.get_default_graph()
        inputs = {place.name: here.capture(tensor) for place, tensor in zip(places, captured, strict=True)}
        (result,) = tf.graph_util.import_graph_def(
            graph,
            input_map={given.name: pixels, **inputs},
            return_elements=[signature.outputs[0].name],
            name=CALL,
        )
        return result

    return serve.get_concrete_function()


def _drop_assignments(graph: Any) -> None:
    """Edit a GraphDef: no assignments, and generators that are constants."""
    for nodes in (graph.node, *(function.node_def for function in graph.library.function)):
        _drop_in(nodes)
    for function in graph.library.function:
        _keep_control_results(function)
        for key, value in function.ret.items():
            function.ret[key] = value.replace(":value:", ":output:") if _is_constant(function, value) else value
    rename_functions(graph)


def _keep_control_results(function: Any) -> None:
    """Drop the control results of nodes that are gone. Without the others TensorFlow would not inline the function."""
    there = {node.name for node in function.node_def}
    kept = {key: name for key, name in function.control_ret.items() if name in there}
    function.control_ret.clear()
    function.control_ret.update(kept)
    function.signature.control_output[:] = [key for key in function.signature.control_output if key in kept]


def _is_constant(function: Any, tensor: str) -> bool:
    return any(node.name == node_name(tensor) and node.op == "Const" for node in function.node_def)


def _drop_in(nodes: Any) -> None:
    import tensorflow as tf

    dropped = {node.name for node in nodes if node.op in _SIDE_EFFECTS}
    generators = {node.name for node in nodes if node.op == _GENERATOR}
    kept = []
    for node in nodes:
        if node.name in dropped:
            continue
        # Inside functions an edge names the result: that of a constant is called output.
        inputs = [
            one.replace(":value:", ":output:") if node_name(one) in generators else one
            for one in node.input
            if not (one.startswith("^") and node_name(one) in dropped)
        ]
        copy = tf.compat.v1.NodeDef()
        copy.CopyFrom(node)
        del copy.input[:]
        copy.input.extend(inputs)
        if node.name in generators:
            copy.Clear()
            copy.name, copy.op = node.name, "Const"
            copy.attr["dtype"].type = tf.int64.as_datatype_enum
            copy.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(np.zeros(3, np.int64)))
        kept.append(copy)
    del nodes[:]
    nodes.extend(kept)
