"""Read a float .tflite, run it by LiteRT as the reference, and check that it classifies pictures."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convert.inputs import float_graph
from convert.inputs.shapes import check_labels, check_picture, check_same_labels
from convert.inputs.training_record import TrainingRecord
from convert.settings import Format, Scheme
from convert.tflite.graph import Graph, read_graphs
from edge.choices import Backend
from edge.errors import FloatModelUnreadable
from edge.inference.interpreters import TFLiteInterpreter, open_interpreter
from edge.inference.model_file import Model, read_model
from edge.spec import ImageSpec

_PARENT_HINT = "give the float model that it was made of: a .keras file, a SavedModel or a float .tflite"


@dataclass(frozen=True, slots=True, eq=False)
class FloatFile:
    """A Source read from a .tflite; `record` and `image` are from the manifest, if `convert quantize` wrote one."""

    path: Path
    record: TrainingRecord | None
    image: ImageSpec | None
    sha256: str
    size_bytes: int
    input_shape: tuple[int, ...]
    kernel_weights: int
    interpreter: TFLiteInterpreter
    takes_bytes: bool
    flatbuffer: bytes
    format: Format = Format.TFLITE
    export: None = None
    notes: tuple[str, ...] = ()


def is_float(model: Model) -> bool:
    """Whether nothing in a model is quantised. Raises ModelDamaged or ModelUnsupported."""
    return float_graph.first_integer(read_graphs(model)[0]) is None


def inspect(path: Path) -> None:
    """Check the file without running it.

    Raises FloatModelUnreadable, ModelDamaged, ModelNotFound or ModelUnsupported.
    """
    _read(path)


def load(path: Path, labels: tuple[str, ...]) -> FloatFile:
    """Open a file in LiteRT and check it: shapes, one output for each of `labels`, finite weights.

    Raises what `inspect` raises, and FloatModelUnreadable for labels that differ from those of its manifest.
    """
    model, graph = _read(path)
    record = _record_of(model)
    if model.labels:
        check_same_labels(path, model.labels, labels)
    check_labels(path, graph.outputs[0].shape, labels)
    try:
        prepared = float_graph.prepared(model.flatbuffer)
    except ValueError as error:
        raise FloatModelUnreadable(f"{path}: {error}", "let it take float32 pixels") from error
    content = path.read_bytes()
    return FloatFile(
        path=path,
        record=record,
        image=model.image,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        input_shape=graph.inputs[0].shape[1:],
        kernel_weights=float_graph.kernel_weights(graph),
        interpreter=open_interpreter(model, Backend.LITERT, threads=len(os.sched_getaffinity(0))),
        takes_bytes=graph.inputs[0].type == "UINT8",
        flatbuffer=prepared,
    )


def _read(path: Path) -> tuple[Model, Graph]:
    model = read_model(str(path))
    graphs = read_graphs(model)
    if len(graphs) != 1:
        raise FloatModelUnreadable(
            f"{path}: expected one graph, it has {len(graphs)}", "conditions and loops cannot be converted"
        )
    graph = graphs[0]
    if model.compiled_for_edgetpu:
        raise FloatModelUnreadable(f"{path} is compiled for the Edge TPU", _PARENT_HINT)
    quantised = float_graph.first_integer(graph)
    if quantised is not None:
        raise FloatModelUnreadable(f"{path} is not a float model, or not any more: {quantised}", _PARENT_HINT)
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise FloatModelUnreadable(
            f"{path}: expected one input and one output, the model has {len(graph.inputs)} and {len(graph.outputs)}",
            "convert the part that classifies as a model of its own",
        )
    given = graph.inputs[0]
    check_picture(path, given.shape, given.type)
    _check_open(path, model)
    _check_finite(path, graph)
    return model, graph


def _check_open(path: Path, model: Model) -> None:
    """Refuse open dimensions other than the batch: the sizes in the file are guesses."""
    from ai_edge_litert import schema_py_generated as schema

    for tensor in schema.ModelT.InitFromPackedBuf(bytearray(model.flatbuffer), 0).subgraphs[0].tensors:
        signature = tensor.shapeSignature
        if signature is not None and len(signature) > 1 and (np.asarray(signature[1:]) < 0).any():
            raise FloatModelUnreadable(
                f"{path}: the tensor {tensor.name.decode('utf-8', 'replace')} has open dimensions beside the batch: "
                f"{[int(size) for size in signature]}",
                "convert it with an input shape without open dimensions, such as (1, 28, 28)",
            )


def _check_finite(path: Path, graph: Graph) -> None:
    for tensor in graph.tensors:
        if tensor.constant is None or tensor.type != "FLOAT32":
            continue
        if not np.isfinite(tensor.constant.view("<f4")).all():
            raise FloatModelUnreadable(
                f"{path}: the constant {tensor.name} holds NaN or infinity",
                "its training diverged: train again with a smaller learning rate",
            )


def _record_of(model: Model) -> TrainingRecord | None:
    """What the manifest of a `--scheme float32` file knows of the training; None without a manifest of ours."""
    if model.manifest is None or model.image is None or model.manifest.get("scheme") != Scheme.FLOAT32:
        return None
    provenance: Mapping[str, Any] = model.manifest.get("provenance", {})
    held_out = provenance.get("calibration", {}).get("held_out_of")
    if not provenance.get("recipe") or not isinstance(held_out, int):
        return None
    accuracy = model.manifest.get("accuracy", {}).get("float")
    return TrainingRecord(model.labels, model.image, held_out, accuracy, model.score_calibration, provenance)
