"""Leave layers out of a frozen graph that draw at random: dropout, noise and augmentation that were left switched on.

Such a layer takes a tensor and gives one of the same shape, and outside of training it gives what it takes. Its nodes
are found by their scope: TensorFlow names a node "network/layer/operation".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from convert.inputs.graph_nodes import dependent, input_of, node_name, output_of, pruned, readable, tensors_of
from convert.inputs.inference_config import TRAINING_ONLY

_RANDOM = re.compile(
    r"(Stateless)?(Random|TruncatedNormal|ParameterizedTruncatedNormal|Multinomial|Shuffle$|SampleDistortedBoundingBox)"
    r"|Stateful(Uniform|StandardNormal|TruncatedNormal|RandomBinomial)|NonDeterministicInts|Rng"
)
_NUMBERS = re.compile(r"(_\d+)+$")
_WORD = re.compile(r"(?<=.)(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])")
_INNER = re.compile(r"/stateless_dropout(_\d+)*$")
_SCOPES = frozenset({_WORD.sub("_", kind).lower() for kind in TRAINING_ONLY}) | {"stateless_dropout"}
"""What Keras calls these layers unless their author does, and TensorFlow's own dropout."""

_AUGMENTING = frozenset(
    {"ReverseV2", "ImageProjectiveTransformV2", "ImageProjectiveTransformV3", "AdjustContrastv2", "AdjustHue"}
)
"""Operations of augmentation that nothing else needs: they tell a layer whose name says nothing."""

_LEARNING = re.compile(
    r".*Conv|.*MatMul|Einsum|.*Pool|.*Relu|Elu|Selu|.*Softmax|Sigmoid|Tanh|Softplus|Erf|FusedBatchNorm|BiasAdd|While|"
    r"StatelessWhile"
)
"""Operations that do more than a layer for training only does."""


class RandomLayer(ValueError):
    """Something that draws at random and cannot be left out; the message names it."""


@dataclass(frozen=True, slots=True)
class _Ends:
    """The tensor that a layer takes, and the one that it gives."""

    given: str
    result: str


def draws(graph: Any) -> bool:
    """Whether a GraphDef or one of its functions has an operation that draws at random."""
    return any(_RANDOM.match(node.op) for node in graph.node) or bool(_random_functions(graph))


def without_random_layers(graph: Any) -> tuple[Any, tuple[str, ...]]:
    """The frozen graph without layers that draw at random, and their scopes. Raises RandomLayer."""
    left_out: list[str] = []
    while True:
        functions = _random_functions(graph)
        node = next((node for node in graph.node if _RANDOM.match(node.op) or _called(node) & functions), None)
        if node is None:
            return graph, tuple(dict.fromkeys(left_out))
        scope, ends = _layer(graph, node)
        graph = _bridged(graph, ends)
        left_out.append(_INNER.sub("", readable(scope)))


def _random_functions(graph: Any) -> set[str]:
    """Functions that draw at random, or call one that does."""
    found: set[str] = set()
    while True:
        more = {
            function.signature.name
            for function in graph.library.function
            if any(_RANDOM.match(node.op) or _called(node) & found for node in function.node_def)
        }
        if more == found:
            return found
        found = more


def _called(node: Any) -> set[str]:
    return {called.name for attribute in node.attr.values() for called in (attribute.func, *attribute.list.func)} - {""}


def _layer(graph: Any, node: Any) -> tuple[str, _Ends]:
    """The scope of the layer that a random node belongs to, and its ends. Raises RandomLayer."""
    parts = node.name.split("/")
    scopes = ["/".join(parts[:size]) for size in range(1, len(parts) + 1)]
    known = [scope for scope in scopes if _NUMBERS.sub("", scope.rsplit("/", 1)[-1]) in _SCOPES]
    for scope in known:
        ends = _ends(graph, scope)
        if ends is not None:
            return scope, ends
    for scope in reversed(scopes):
        inside = {one.op for one in graph.node if _is_inside(one.name, scope)}
        does_more = any(_LEARNING.match(kind) for kind in inside)
        if inside & _AUGMENTING and not does_more and (ends := _ends(graph, scope)) is not None:
            return scope, ends
    where = readable(known[0] if known else "/".join(parts[:-1])) or readable(node.name) or node.op
    raise RandomLayer(f"{where} draws at random, and what it gives outside of training cannot be told")


def _is_inside(name: str, scope: str) -> bool:
    return name == scope or name.startswith(f"{scope}/")


def _ends(graph: Any, scope: str) -> _Ends | None:
    """What goes into a scope and comes out of it: one tensor each, of one shape, and no weights; else None."""
    inside = {node.name for node in graph.node if _is_inside(node.name, scope)}
    edges = [(_tensor(one), node.name) for node in graph.node for one in node.input]
    given = dict.fromkeys(one for one, taker in edges if taker in inside and node_name(one) not in inside)
    result = dict.fromkeys(one for one, taker in edges if taker not in inside and node_name(one) in inside)
    names = [*given, *result]
    tensors = dict(zip(names, tensors_of(graph, names), strict=True))
    on_picture = dependent(graph)
    floats = [one for one in given if tensors[one].dtype.is_floating]
    taken = [one for one in floats if node_name(one) in on_picture]
    weights = [one for one in floats if one not in taken and tensors[one].shape.rank != 0]
    if len(taken) != 1 or weights or len(result) != 1:
        return None
    (one,), (other,) = taken, result
    before, after = tensors[one], tensors[other]
    alike = before.dtype == after.dtype and before.shape.rank is not None
    return _Ends(one, other) if alike and before.shape.is_compatible_with(after.shape) else None


def _tensor(name: str) -> str:
    return name if ":" in name else f"{name}:0"


def _bridged(graph: Any, ends: _Ends) -> Any:
    """The graph with what goes into a layer in place of what comes out of it."""
    import tensorflow as tf

    bridged = tf.compat.v1.GraphDef()
    bridged.CopyFrom(graph)
    for node in bridged.node:
        node.input[:] = [ends.given if _tensor(one) == ends.result else one for one in node.input]
    return pruned(bridged, input_of(graph).name, output_of(graph))
