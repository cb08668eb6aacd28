"""Read a SavedModel, run its serving signature by TensorFlow as the reference, and check what it classifies.

A SavedModel is a program: unlike a Keras file in safe mode it may hold any operation of TensorFlow, those that read and
write files too (github.com/tensorflow/tensorflow/blob/master/SECURITY.md). Convert only those that you trust.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convert.inputs import float_graph
from convert.inputs.inference_graph import check_independent, for_inference
from convert.inputs.shapes import check_labels, check_picture, takes_pictures
from convert.inputs.signature_interpreter import SignatureInterpreter, call
from convert.inputs.source import INPUT_NAME, Export
from convert.inputs.tensorflow_converter import float_flatbuffer
from convert.settings import Format
from edge.errors import FloatModelUnreadable

GRAPH_NAME = "saved_model.pb"
SERVING = "serving_default"
_HINT = "expected the folder that model.export('DIR') or tf.saved_model.save writes"


@dataclass(frozen=True, slots=True, eq=False)
class SavedModel:
    """A Source read from a SavedModel; the flatbuffer is there where the input is bytes."""

    path: Path
    sha256: str
    size_bytes: int
    input_shape: tuple[int, ...]
    kernel_weights: int
    interpreter: SignatureInterpreter
    takes_bytes: bool
    export: Export
    flatbuffer: bytes | None
    record: None = None
    image: None = None
    format: Format = Format.SAVED_MODEL
    notes: tuple[str, ...] = ()


def inspect(path: Path) -> None:
    """Check that a folder holds a SavedModel's graph and weights. Raises FloatModelUnreadable."""
    if not (path / GRAPH_NAME).is_file():
        raise FloatModelUnreadable(f"{path} is a folder without {GRAPH_NAME}: no SavedModel", _HINT)


def load(folder: Path, labels: tuple[str, ...], known_as: Path | None = None) -> SavedModel:
    """Load a SavedModel and check its signature: one picture in, a score for each of `labels` out, finite weights.

    Errors name it as `known_as`, if it was made of something else.
    Raises FloatModelUnreadable, or ConversionRefused where bytes go in and TFLite has not all operations.
    """
    inspect(folder)
    import tensorflow as tf

    path = known_as or folder
    try:
        loaded = tf.saved_model.load(str(folder))
        signatures = dict(loaded.signatures)
    # TensorFlow lets protobuf's, its own and Python's errors come through: there is no narrower class.
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise FloatModelUnreadable(
            f"{path}: TensorFlow cannot load it: {type(error).__name__}: {reason}",
            f"was it copied completely? {GRAPH_NAME} and the folder variables belong together",
        ) from error
    signature = _choose(path, signatures)
    given = _only(path, "input", list(signature.structured_input_signature[1].values()))
    _only(path, "output", list(signature.structured_outputs.values()))
    _check_finite(path, signature)
    fits = takes_pictures(_sizes(given)[1:])  # of another shape it is refused below
    function, notes = for_inference(path, signature) if fits else (signature, ())
    given = function.inputs[0]
    check_picture(path, _sizes(given), given.dtype.name)
    check_labels(path, _sizes(function.outputs[0]), labels)
    if given.shape[0] is None:
        check_independent(path, function)
    export = _exporter(loaded, function, given)
    takes_bytes = given.dtype == tf.uint8
    files = _files(folder)
    return SavedModel(
        path=path,
        sha256=_sha256(folder, files),
        size_bytes=sum(file.stat().st_size for file in files),
        input_shape=tuple(given.shape[1:]),
        kernel_weights=sum(int(np.prod(weight.shape)) for weight in signature.variables if len(weight.shape) > 1),
        interpreter=SignatureInterpreter(function, given, int(function.outputs[0].shape[1])),
        takes_bytes=takes_bytes,
        export=export,
        flatbuffer=_take_floats(path, export) if takes_bytes else None,
        notes=notes,
    )


def _take_floats(path: Path, export: Export) -> bytes:
    flatbuffer = float_flatbuffer(export)
    try:
        return float_graph.prepared(flatbuffer)
    except ValueError as error:
        raise FloatModelUnreadable(f"{path}: {error}", "let the signature take float32 pixels") from error


def _choose(path: Path, signatures: dict[str, Any]) -> Any:
    if SERVING in signatures:
        return signatures[SERVING]
    if len(signatures) == 1:
        return next(iter(signatures.values()))
    there = f"its signatures are {', '.join(sorted(signatures))}" if signatures else "it has no signature"
    raise FloatModelUnreadable(
        f"{path}: {there}, expected {SERVING}",
        "write it with model.export('DIR'), or with tf.saved_model.save(model, 'DIR', signatures=FUNCTION)",
    )


def _only(path: Path, what: str, specs: list[Any]) -> Any:
    if len(specs) != 1:
        names = ", ".join(str(spec.name) for spec in specs)
        raise FloatModelUnreadable(
            f"{path}: expected one {what}, its signature has {len(specs)}: {names}"[:300],
            "export a signature that takes a picture and gives its scores",
        )
    return specs[0]


def _sizes(spec: Any) -> tuple[int | None, ...]:
    """A TensorSpec's shape; () where not even the number of dimensions is known."""
    return () if spec.shape.rank is None else tuple(spec.shape)


def _exporter(loaded: Any, function: Any, given: Any) -> Export:
    """The same function for exactly one picture: an open batch would stay in the .tflite file."""
    import tensorflow as tf

    def write(folder: Path) -> None:
        module = tf.Module()
        module.network = loaded  # which holds the weights

        @tf.function(input_signature=[tf.TensorSpec((1, *given.shape[1:]), given.dtype, INPUT_NAME)])  # type: ignore[untyped-decorator]
        def serve(pixels: Any) -> Any:
            return call(function, pixels)

        tf.saved_model.save(module, str(folder), signatures=serve)

    return write


def _check_finite(path: Path, signature: Any) -> None:
    for weight in signature.variables:
        if weight.dtype.is_floating and not np.isfinite(np.asarray(weight).astype(np.float32)).all():
            raise FloatModelUnreadable(
                f"{path}: the weights of {weight.name} hold NaN or infinity",
                "its training diverged: train again with a smaller learning rate",
            )


def _files(path: Path) -> list[Path]:
    """What TensorFlow reads: the graph, variables and assets, in an order that is the same on every machine."""
    inside = [file for part in ("variables", "assets") for file in (path / part).rglob("*") if file.is_file()]
    return [path / GRAPH_NAME, *sorted(inside, key=lambda file: file.relative_to(path).as_posix())]


def _sha256(path: Path, files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(path).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()
