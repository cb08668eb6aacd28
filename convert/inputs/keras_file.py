"""Read a Keras file without running code from it, and check that it is a classifier of pictures."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convert.inputs import legacy_keras
from convert.inputs.inference_model import for_one_picture
from convert.inputs.keras_container import inspect, is_hdf5, loadable
from convert.inputs.keras_export import exporter
from convert.inputs.keras_interpreter import KerasInterpreter
from convert.inputs.saved_model import SavedModel
from convert.inputs.shapes import EXPECTED, check_same_labels, hint_for, listed, scores, takes_pictures
from convert.inputs.source import Export
from convert.inputs.training_record import TrainingRecord, read_record
from convert.settings import Format
from edge.errors import KerasModelUnreadable
from edge.spec import ImageSpec


@dataclass(frozen=True, slots=True, eq=False)
class KerasFile:
    """A Source read from a Keras file; `record` is what this project's training wrote into it."""

    path: Path
    model: Any
    record: TrainingRecord | None
    sha256: str
    size_bytes: int
    input_shape: tuple[int, ...]
    format: Format = Format.KERAS
    takes_bytes: bool = False
    flatbuffer: None = None
    notes: tuple[str, ...] = ()

    @property
    def image(self) -> ImageSpec | None:
        """The pictures that the record names."""
        return self.record.image if self.record else None

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


def load(path: Path, labels: tuple[str, ...]) -> KerasFile | SavedModel:
    """Load a model in Keras' safe mode and check it: shapes, one output for each of `labels`, finite weights.

    What Keras 3 refuses of its forerunners' files is read by tf_keras. Raises FloatModelUnreadable or MissingExtra.
    """
    inspect(path)
    record = None if is_hdf5(path) else read_record(path)
    if record is not None:
        check_same_labels(path, record.labels, labels)
    import keras

    if legacy_keras.means_something_else(path):
        return legacy_keras.load(path, labels)
    try:
        loaded = _loaded(path)
    except KerasModelUnreadable:
        if legacy_keras.is_older(path):
            return legacy_keras.load(path, labels)
        raise
    model, notes = for_one_picture(path, loaded, keras)
    given, result = model.inputs[0], model.outputs[0]
    _check_shapes(path, given, result, labels)
    _check_finite(path, model)
    content = path.read_bytes()
    return KerasFile(
        path=path,
        model=model,
        record=record,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        input_shape=tuple(given.shape[1:]),
        notes=notes,
    )


def _loaded(path: Path) -> Any:
    """The model as Keras loads it. Raises KerasModelUnreadable."""
    import keras

    try:
        with loadable(path) as named:
            model = keras.saving.load_model(named, compile=False, safe_mode=True)
        assert list(model.inputs) and list(model.outputs), "never built"
    # Keras lets whatever its layers' constructors raise come through: there is no narrower class.
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise KerasModelUnreadable(
            f"{path}: Keras cannot load it: {type(error).__name__}: {reason}",
            f"this is Keras {keras.__version__}; a model saved by a newer one needs that version",
        ) from error
    return model


def _check_shapes(path: Path, given: Any, result: Any, labels: tuple[str, ...]) -> None:
    if given.shape[0] is not None or not takes_pictures(tuple(given.shape[1:])):
        hint = "leave the batch size open" if given.shape[0] is not None else hint_for(tuple(given.shape[1:]))
        raise KerasModelUnreadable(
            f"{path}: expected an input of one of the shapes {EXPECTED}, the model takes {tuple(given.shape)}", hint
        )
    if given.dtype != "float32":
        raise KerasModelUnreadable(
            f"{path}: expected a float32 input, the model takes {given.dtype}",
            "let the model take float32 pixels 0..255; its int8 version takes bytes in any case",
        )
    if len(result.shape) != 2 or result.shape[1] not in scores(labels):
        raise KerasModelUnreadable(
            f"{path}: expected one output for each of the {len(labels)} labels, "
            f"shape (None, {len(labels)}), the model gives {tuple(result.shape)}",
            f"the data's labels are {listed(labels)}; other data is given with --data DIR",
        )


def _check_finite(path: Path, model: Any) -> None:
    for weight in model.weights:
        values = np.asarray(weight)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise KerasModelUnreadable(
                f"{path}: the weights of {weight.path} hold NaN or infinity",
                "its training diverged: train again with a smaller learning rate",
            )
