"""A float model, whatever kind of file it is in: a Keras file, a SavedModel, or a float .tflite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from convert.inputs.training_record import TrainingRecord
from convert.settings import Format
from edge.inference.interpreters import Interpreter
from edge.spec import FASHION_MNIST_LABELS

Export = Callable[[Path], None]
"""Writes a SavedModel whose only signature takes exactly one picture, as float32."""


class Source(Protocol):
    """A loaded float model whose shapes have been checked: `input_shape` is without the batch.

    `interpreter` runs it as it is, for the reference. It is converted through `export`, or as the `flatbuffer` that is
    ready for calibration; one of them may be None. `record` is what training wrote into the file, if it was ours.
    """

    @property
    def path(self) -> Path:
        """Where it was read from: a file, or a SavedModel's folder."""
        ...

    @property
    def format(self) -> Format:
        """What it is."""
        ...

    @property
    def record(self) -> TrainingRecord | None:
        """How it was trained, None for a model of other origin."""
        ...

    @property
    def sha256(self) -> str:
        """Of the file, or of all files of the folder with their names."""
        ...

    @property
    def size_bytes(self) -> int:
        """Of the file or of all files of the folder."""
        ...

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one picture."""
        ...

    @property
    def kernel_weights(self) -> int:
        """Number of weights in kernels: all with two or more dimensions, which quantisation cannot fold away."""
        ...

    @property
    def interpreter(self) -> Interpreter:
        """The float model, in batches of any size."""
        ...

    @property
    def takes_bytes(self) -> bool:
        """Whether its input is uint8, which leaves no question of the pixel range."""
        ...

    @property
    def export(self) -> Export | None:
        """How to write it as a SavedModel."""
        ...

    @property
    def flatbuffer(self) -> bytes | None:
        """The float model as convert.inputs.float_graph prepares it."""
        ...


def format_of(path: Path) -> Format:
    """What a path looks like: a folder is a SavedModel, a name ending in .tflite a .tflite, all else a Keras file."""
    if path.is_dir():
        return Format.SAVED_MODEL
    return Format.TFLITE if path.suffix.lower() == ".tflite" else Format.KERAS


def inspect(path: Path) -> None:
    """Check what can be checked in milliseconds, without TensorFlow.

    Raises FloatModelUnreadable, ModelDamaged, ModelNotFound or ModelUnsupported.
    """
    from convert.inputs import float_file, keras_file, saved_model

    {
        Format.KERAS: keras_file.inspect,
        Format.SAVED_MODEL: saved_model.inspect,
        Format.TFLITE: float_file.inspect,
    }[format_of(path)](path)


def load(path: Path, labels: tuple[str, ...] = FASHION_MNIST_LABELS) -> Source:
    """Load a model and check it: shapes, one output for each of `labels`, finite weights.

    Raises FloatModelUnreadable, ModelDamaged, ModelNotFound or ModelUnsupported.
    """
    from convert.inputs import float_file, keras_file, saved_model

    match format_of(path):
        case Format.SAVED_MODEL:
            return saved_model.load(path, labels)
        case Format.TFLITE:
            return float_file.load(path, labels)
        case Format.KERAS:
            return keras_file.load(path, labels)
