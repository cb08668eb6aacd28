"""Read a Keras file without running code from it, and check that it is a classifier of grey 28x28 pictures."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convert.inputs.keras_export import exporter
from convert.inputs.keras_interpreter import KerasInterpreter
from convert.inputs.source import Export
from convert.inputs.training_record import TrainingRecord, read_record
from convert.settings import Format
from edge.documents import parse_json
from edge.errors import KerasModelUnreadable

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.weights.h5"
SIDE = 28
INPUT_SHAPES = ((None, SIDE, SIDE), (None, SIDE, SIDE, 1), (None, SIDE * SIDE))
_LARGEST_CONFIG_BYTES = 64 << 20
_HDF5_START = b"\x89HDF\r\n\x1a\n"
_SAVE_HINT = "write it again with model.save('model.keras'), or copy it again"


@dataclass(frozen=True, slots=True, eq=False)
class KerasFile:
    """A Source read from a Keras file; `record` is what this project's training wrote into it."""

    path: Path
    model: Any
    record: TrainingRecord | None
    sha256: str
    size_bytes: int
    input_shape: tuple[int, ...]
    classes: int
    format: Format = Format.KERAS
    takes_bytes: bool = False
    flatbuffer: None = None

    @property
    def interpreter(self) -> KerasInterpreter:
        """The model behind edge's Interpreter protocol."""
        return KerasInterpreter(self.model)

    @property
    def export(self) -> Export:
        """How to write it as a SavedModel for one picture."""
        return exporter(self.model)

    @property
    def kernel_weights(self) -> int:
        """Number of weights in kernels: all with two or more dimensions, which quantisation cannot fold away."""
        return sum(int(np.prod(weight.shape)) for weight in self.model.weights if len(weight.shape) > 1)


def inspect(path: Path) -> None:
    """Check what can be checked in milliseconds, without TensorFlow: the container, and layers that run code.

    A .keras file is a zip with checksums; the older .h5 has none.

    Raises KerasModelUnreadable.
    """
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise KerasModelUnreadable(f"{path}: {what}", "expected a .keras file, as model.save('model.keras') writes")
    try:
        if _is_hdf5(path):
            _inspect_hdf5(path)
            return
        with zipfile.ZipFile(path) as archive:
            _inspect_archive(archive, path)
    except OSError as error:
        raise KerasModelUnreadable(f"{path}: {error.strerror or error}", "check the file's permissions") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _not_a_zip(path, error) from error


def load(path: Path, labels: tuple[str, ...]) -> KerasFile:
    """Load a model in Keras' safe mode and check it: shapes, one output for each of `labels`, finite weights.

    Raises KerasModelUnreadable.
    """
    inspect(path)
    record = None if _is_hdf5(path) else read_record(path)
    if record is not None and record.labels != labels:
        raise KerasModelUnreadable(
            f"{path} was trained for other labels than the data has: {', '.join(record.labels)[:80]}",
            "give the data that it was trained on with --data DIR; the proof runs on its test pictures",
        )
    import keras

    try:
        content = path.read_bytes()
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
        inputs, outputs = list(model.inputs), list(model.outputs)
    # Keras lets whatever its layers' constructors raise come through: there is no narrower class.
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise KerasModelUnreadable(
            f"{path}: Keras cannot load it: {type(error).__name__}: {reason}",
            f"this is Keras {keras.__version__}; a model saved by a newer one needs that version",
        ) from error
    if len(inputs) != 1 or len(outputs) != 1:
        raise KerasModelUnreadable(
            f"{path}: expected one input and one output, the model has {len(inputs)} and {len(outputs)}",
            "save the part that classifies as a model of its own: keras.Model(input, output).save(...)",
        )
    _check_shapes(path, inputs[0], outputs[0], labels)
    _check_finite(path, model)
    return KerasFile(
        path=path,
        model=model,
        record=record,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        input_shape=tuple(inputs[0].shape[1:]),
        classes=len(labels),
    )


def _inspect_archive(archive: zipfile.ZipFile, path: Path) -> None:
    names = archive.namelist()
    if CONFIG_NAME not in names or WEIGHTS_NAME not in names:
        raise KerasModelUnreadable(f"{path} is a zip, but not a Keras model: its parts are missing", _SAVE_HINT)
    if archive.getinfo(CONFIG_NAME).file_size > _LARGEST_CONFIG_BYTES:
        raise KerasModelUnreadable(f"{path}: its {CONFIG_NAME} is implausibly large", _SAVE_HINT)
    bad = archive.testzip()
    if bad is not None:
        raise KerasModelUnreadable(f"{path} is damaged: {bad} does not match its checksum", _SAVE_HINT)
    try:
        config = parse_json(archive.read(CONFIG_NAME), nan=True)
    except ValueError as error:
        raise KerasModelUnreadable(f"{path}: its {CONFIG_NAME} is not JSON: {error}", _SAVE_HINT) from error
    _check_classes(config, path)


def _is_hdf5(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_HDF5_START)) == _HDF5_START


def _inspect_hdf5(path: Path) -> None:
    import h5py

    try:
        with h5py.File(path) as file:
            text = file.attrs.get("model_config")
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise KerasModelUnreadable(f"{path} is truncated or damaged: {error}", _SAVE_HINT) from error
    if text is None:
        raise KerasModelUnreadable(
            f"{path} holds weights alone, without the network", "save the whole model: model.save('model.keras')"
        )
    try:
        config = parse_json(text, nan=True)
    except ValueError as error:
        raise KerasModelUnreadable(f"{path}: its model_config is not JSON: {error}", _SAVE_HINT) from error
    _check_classes(config, path)


def _check_classes(config: Any, path: Path) -> None:
    """Refuse a network with classes that bring code, or that need code that is not there."""
    for name, runs_code in _foreign_classes(config):
        if runs_code:
            raise KerasModelUnreadable(
                f"{path} has a {name} layer, whose Python code would run on loading",
                "build the model without it: a Rescaling, Reshape or other Keras layer can do most of what it does",
            )
        raise KerasModelUnreadable(
            f"{path} uses the custom class {name}, whose code is not in the file",
            "build the model from Keras' own layers only",
        )


def _foreign_classes(config: Any) -> Iterator[tuple[str, bool]]:
    """Classes that a config names and Keras does not own, and whether they carry code, in the order of the file.

    Only to say which layer it is: what keeps code from running is Keras' safe mode.
    """
    if isinstance(config, dict):
        name = config.get("class_name")
        if isinstance(name, str):
            if name in {"Lambda", "__lambda__"}:
                yield name, True
            # Keras writes its own classes as module "keras.layers" and custom ones as null or their author's module.
            elif "module" in config and str(config["module"]).split(".")[0] not in {"keras", "builtins"}:
                yield name, False
        # A custom loss or metric is not needed to run the model, and is not loaded.
        config = [value for key, value in config.items() if key != "compile_config"]
    if isinstance(config, list):
        for item in config:
            yield from _foreign_classes(item)


def _check_shapes(path: Path, given: Any, result: Any, labels: tuple[str, ...]) -> None:
    if tuple(given.shape) not in INPUT_SHAPES:
        expected = ", ".join(map(str, INPUT_SHAPES))
        raise KerasModelUnreadable(
            f"{path}: expected an input of one of the shapes {expected}, the model takes {tuple(given.shape)}",
            "train on grey 28x28 pictures, with the batch size left open",
        )
    if given.dtype != "float32":
        raise KerasModelUnreadable(
            f"{path}: expected a float32 input, the model takes {given.dtype}",
            "let the model take float32 pixels 0..255; its int8 version takes bytes in any case",
        )
    if tuple(result.shape) != (None, len(labels)):
        raise KerasModelUnreadable(
            f"{path}: expected one output for each of the {len(labels)} labels, "
            f"shape (None, {len(labels)}), the model gives {tuple(result.shape)}",
            f"the data's labels are {', '.join(labels)[:200]}; other data is given with --data DIR",
        )


def _check_finite(path: Path, model: Any) -> None:
    for weight in model.weights:
        values = np.asarray(weight)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise KerasModelUnreadable(
                f"{path}: the weights of {weight.path} hold NaN or infinity",
                "its training diverged: train again with a smaller learning rate",
            )


def _not_a_zip(path: Path, error: Exception) -> KerasModelUnreadable:
    with path.open("rb") as file:
        start = file.read(8)
    if start[:4] == b"PK\x03\x04":
        return KerasModelUnreadable(f"{path} is truncated or damaged: {error}", _SAVE_HINT)
    return KerasModelUnreadable(f"{path} is not a Keras file", "expected what model.save('model.keras') writes")
