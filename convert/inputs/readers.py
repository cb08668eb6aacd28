"""Which reader takes a path: a Keras file, a SavedModel's folder or a .tflite. Each is imported when it is needed."""

from __future__ import annotations

from pathlib import Path

from convert.inputs.source import Source
from convert.settings import Format
from edge.spec import FASHION_MNIST_LABELS


def format_of(path: Path) -> Format:
    """What a path looks like: a folder is a SavedModel, a name ending in .tflite a .tflite, all else a Keras file."""
    if path.is_dir():
        return Format.SAVED_MODEL
    return Format.TFLITE if path.suffix.lower() == ".tflite" else Format.KERAS


def inspect(path: Path) -> None:
    """Check what can be checked in milliseconds, without TensorFlow.

    Raises FloatModelUnreadable, ModelDamaged, ModelNotFound or ModelUnsupported.
    """
    from convert.inputs import float_file, keras_container, saved_model

    {
        Format.KERAS: keras_container.inspect,
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
