"""The nodes of a TensorFlow graph: by name, by what they depend on, and as a function that can be called."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

CALL = "PartitionedCall"
"""Scope of nodes that were inlined from a call."""

_EDITIONS = itertools.count(1)
_CALLS = re.compile(r"(Stateful|Stateless)?PartitionedCall(_\d+)?")


def nodes_of(graph: Any) -> Iterator[Any]:
    """All nodes of a GraphDef, those of its functions too."""
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def node_name(tensor: str) -> str:
    """The node of "node", "node:1" or "^node"."""
    return tensor.removeprefix("^").split(":")[0]


def readable(name: str) -> str:
    """A node's name or scope without the calls that it was inlined from."""
    return "/".join(part for part in name.split("/") if not _CALLS.fullmatch(part))


def pruned(graph: Any, given: str, result: str) -> Any:
    """What is needed to compute a tensor of a GraphDef from another one, without control dependencies.

    The first node is the input, the last one the output (`input_of`, `output_of`).
    """
    import tensorflow as tf

    kept = tf.compat.v1.GraphDef()
    kept.CopyFrom(graph)
    for node in kept.node:
        node.attr.pop("_output_shapes", None)
        node.input[:] = [one for one in node.input if not one.startswith("^")]
    (tensor,) = tensors_of(kept, [result])
    end = kept.node.add(name=_free_name(kept, "output"), op="Identity", input=[result])
    end.attr["T"].type = tensor.dtype.as_datatype_enum
    kept = tf.compat.v1.graph_util.extract_sub_graph(kept, [node_name(given), end.name])
    nodes = sorted(kept.node, key=lambda node: (node.name != node_name(given), node.name == end.name))
    del kept.node[:]
    kept.node.extend(nodes)
    return kept


def input_of(graph: Any) -> Any:
    """The input node of a pruned graph."""
    return graph.node[0]


def output_of(graph: Any) -> str:
    """The output tensor of a pruned graph."""
    return f"{graph.node[-1].name}:0"


def dependent(graph: Any) -> set[str]:
    """Names of a pruned graph's nodes whose results depend on its input, and of the input."""
    takers: dict[str, list[str]] = {}
    for node in graph.node:
        for one in node.input:
            takers.setdefault(node_name(one), []).append(node.name)
    found: set[str] = set()
    waiting = [input_of(graph).name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(takers.get(name, []))
    return found


def tensors_of(graph: Any, names: list[str]) -> list[Any]:
    """Tensors of a GraphDef by their names, with their types and what is known of their shapes."""
    import tensorflow as tf

    with tf.Graph().as_default():
        return list(tf.graph_util.import_graph_def(graph, return_elements=names, name=""))


def callable_of(graph: Any) -> Any:
    """A pruned graph as a concrete function of one tensor, of its input's shape and type."""
    import tensorflow as tf

    copy = tf.compat.v1.GraphDef()
    copy.CopyFrom(graph)
    rename_functions(copy)
    # tf.function would not register the bodies of loops.
    imported = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(copy, name=""), [])
    ends = [imported.graph.as_graph_element(name) for name in (f"{input_of(copy).name}:0", output_of(copy))]
    return imported.prune(*ends)


def rename_functions(graph: Any) -> None:
    """Give a GraphDef's functions names of their own. A process keeps to the first function of a name that it meets."""
    edition = next(_EDITIONS)
    names = {one.signature.name: f"{one.signature.name}_edition_{edition}" for one in graph.library.function}
    for function in graph.library.function:
        function.signature.name = names[function.signature.name]
    del graph.library.gradient[:]
    for node in nodes_of(graph):
        for attribute in node.attr.values():
            for called in (attribute.func, *attribute.list.func):
                if called.name in names:
                    called.name = names[called.name]


def _free_name(graph: Any, name: str) -> str:
    taken = {node.name for node in graph.node}
    while name in taken:
        name = f"{name}_"
    return name
