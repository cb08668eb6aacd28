"""Rewrite a SavedModel's signature for inference: float32, any batch size, nothing that draws at random.

A SavedModel is a graph, not a list of layers. So each change is checked by what the graph answers before and after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.inputs import graph_batch, graph_precision, graph_random
from convert.inputs.graph_freezing import frozen
from convert.inputs.graph_nodes import callable_of, readable
from convert.inputs.probe_answers import PICTURES, SAME, SIMILAR, agree, one_by_one, probe_pictures
from convert.inputs.signature_interpreter import answers
from convert.inputs.tensorflow_converter import HINT_LOOP
from edge.errors import FloatModelUnreadable

_HINT = "export it as it is at inference, in float32 and with the batch size left open: model.export('DIR')"
_HINT_TRAINING = "export it as it is at inference, with training=False"
_HINT_BATCH = "export it with the batch size left open: model.export('DIR')"
_NODE = re.compile(r"\{\{(?:function_)?node ([^}]+)\}\}|[Nn]ode:? '([^']+)'")


def for_inference(path: Path, signature: Any) -> tuple[Any, tuple[str, ...]]:
    """A function of one tensor with the answers of a signature, and notes of what is different.

    The signature has one input and one output. It comes back itself, without notes, where nothing has to change.
    Raises FloatModelUnreadable, which names the layer or operation that cannot be changed.
    """
    graph = signature.graph.as_graph_def()
    given = signature.inputs[0]
    batch = given.shape[0] if given.shape.rank and (given.shape[0] or 0) > 1 else None
    if batch is None and not graph_precision.other_floats(graph) and not graph_random.draws(graph):
        return signature, ()
    try:
        flat = frozen(signature)
    except ValueError as error:
        raise FloatModelUnreadable(f"{path}: its graph cannot be frozen: {error}", _HINT) from error
    types, random = graph_precision.other_floats(flat), graph_random.draws(flat)
    if batch is None and not types and not random:
        return signature, ()
    pictures = probe_pictures(tuple(given.shape[1:]), given.dtype.as_numpy_dtype, batch or PICTURES)
    before = None if random else answers(signature, pictures)
    notes = []
    if types:
        flat = _widened(path, flat, pictures, before)
        notes.append(f"computed in {', '.join(types)}: cast to float32, which is what is converted")
    if random:
        flat, left_out = _deterministic(path, flat, pictures)
        notes.append(f"drew at random, left out: {', '.join(left_out)}")
    if batch is not None:
        flat = _for_one(path, flat, batch, pictures)
        notes.append(f"its batch size was fixed at {batch}: rebuilt for one picture")
    return callable_of(flat), tuple(notes)


def check_independent(path: Path, function: Any) -> None:
    """Check that a picture is answered alike alone and among others. Raises FloatModelUnreadable.

    `function` takes any number of pictures.
    """
    given = function.inputs[0]
    pictures = probe_pictures(tuple(given.shape[1:]), given.dtype.as_numpy_dtype)
    alone = one_by_one(lambda part: answers(function, part), pictures)
    together = answers(function, pictures)
    if np.isfinite(alone).all(axis=1).any() and not agree(alone, together):
        raise FloatModelUnreadable(
            f"{path}: what it answers to a picture depends on the other pictures of the batch{_normalising(function)}",
            _HINT_TRAINING,
        )


def _widened(path: Path, flat: Any, pictures: NDArray[Any], before: NDArray[Any] | None) -> Any:
    with _naming(path, "cannot be computed in float32"):
        wide = graph_precision.widened(flat)
        after = answers(callable_of(wide), pictures)
    if before is not None and not agree(before, after, SIMILAR):
        raise FloatModelUnreadable(f"{path}: computed in float32, it answers otherwise", _HINT)
    return wide


def _deterministic(path: Path, flat: Any, pictures: NDArray[Any]) -> tuple[Any, tuple[str, ...]]:
    try:
        rest, left_out = graph_random.without_random_layers(flat)
    except graph_random.RandomLayer as error:
        raise FloatModelUnreadable(f"{path}: {error}", _HINT_TRAINING) from error
    with _naming(path, "cannot be left out"):
        function = callable_of(rest)
        one, other = (answers(function, pictures) for _ in range(2))
    if not np.array_equal(one, other, equal_nan=True):
        raise FloatModelUnreadable(f"{path}: it answers otherwise each time, to the same picture", _HINT)
    return rest, left_out


def _for_one(path: Path, flat: Any, batch: int, pictures: NDArray[Any]) -> Any:
    before = answers(callable_of(flat), pictures)
    with _naming(path, f"keeps the batch size of {batch}, which cannot be changed to 1"):
        single = graph_batch.for_one(flat, batch)
        function = callable_of(single)
        after = one_by_one(lambda part: answers(function, part), pictures)
    if not agree(before, after, SAME):
        raise FloatModelUnreadable(
            f"{path}: its batch size is fixed at {batch}, and rebuilt for one picture it answers otherwise",
            _HINT_BATCH,
        )
    return single


@contextmanager
def _naming(path: Path, what: str) -> Iterator[None]:
    """Turn TensorFlow's refusal of a rewritten graph into an error that names the node."""
    try:
        yield
    # ValueError while the graph is built, an error of TensorFlow's own while it runs.
    except Exception as error:
        found = _NODE.search(str(error))
        where = readable(found[1] or found[2]) if found else f"{type(error).__name__}: {str(error)[:100]}"
        hint = HINT_LOOP if "/while" in where else _HINT
        raise FloatModelUnreadable(f"{path}: {where} {what}", hint) from error


def _normalising(function: Any) -> str:
    """Where a graph normalises over the batch, for a message; empty if that cannot be told."""
    try:
        flat = frozen(function)
    except ValueError:
        return ""
    constants = {node.name: node for node in flat.node if node.op == "Const"}
    for node in flat.node:
        training = node.op.startswith("FusedBatchNorm") and node.attr["is_training"].b
        axes = constants.get(node.input[1].split(":")[0]) if node.op == "Mean" else None
        if training or (axes is not None and 0 in np.atleast_1d(graph_batch.values_of(axes))):
            scope = readable(node.name).rsplit("/", 1)[0].removesuffix("/moments")
            return f": {scope} normalises over them"
    return ""
