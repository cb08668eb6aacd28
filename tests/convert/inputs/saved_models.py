"""SavedModels that tests write: networks of both Kerases and functions of TensorFlow, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from convert.inputs import saved_model
from convert.inputs.saved_model import SavedModel
from convert.inputs.tensorflow_converter import float_flatbuffer
from convert.tflite.graph import read_graphs
from edge.errors import FloatModelUnreadable
from edge.inference.model_file import parse_model
from edge.spec import FASHION_MNIST_LABELS

PICTURES = np.random.default_rng(1).uniform(0, 255, (5, 28, 28, 1)).astype(np.float32)
OPEN = (None, 28, 28, 1)

Layers = Any
"""keras.layers or tf_keras.layers."""


@contextmanager
def policy(library: Any, name: str) -> Iterator[None]:
    """Layers are built with a policy of their types, as mixed_float16."""
    set_policy = keras.config.set_dtype_policy if library is keras else tf_keras.mixed_precision.set_global_policy
    set_policy(name)
    try:
        yield
    finally:
        set_policy("float32")


def network(*inner: Any, library: Any = keras, batch_size: int | None = None) -> Any:
    """A small classifier with layers of one's own behind its scaling."""
    layers = library.layers
    library.utils.set_random_seed(1)
    return library.Sequential(
        [
            library.Input((28, 28, 1), batch_size=batch_size),
            layers.Rescaling(1 / 255),
            *inner,
            layers.Conv2D(4, 3, strides=2, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def recurrent(layers: Layers = keras.layers, **options: Any) -> Any:
    """Layers that read a picture in four steps."""
    return keras.Sequential([layers.Reshape((4, 196)), layers.LSTM(6, unroll=True, **options), layers.Dense(10)])


def attention() -> Any:
    layers = keras.layers
    given = keras.Input((28, 28, 1))
    rows = layers.Dense(8)(layers.Reshape((28, 28))(layers.Rescaling(1 / 255)(given)))
    rows = layers.LayerNormalization()(layers.MultiHeadAttention(2, 4, dropout=0.3)(rows, rows))
    return keras.Model(given, layers.Dense(10)(layers.GlobalAveragePooling1D()(rows)))


def write(folder: Path, call: Callable[[Any], Any], *tracked: Any, shape: Any = OPEN, kind: str = "float32") -> Path:
    """A SavedModel of a function, for a batch of the shape."""
    module = tf.Module()
    module.tracked = [(one, getattr(one, "variables", ())) for one in tracked]
    serve = tf.function(call, input_signature=[tf.TensorSpec(shape, kind, "image")])
    tf.saved_model.save(module, str(folder), signatures=serve)
    return folder


def write_model(folder: Path, model: Any, batch: int | None = None, **options: bool) -> Path:
    """A SavedModel of a Keras model, called with options as `training`."""
    return write(folder, lambda image: model(image, **options), model, shape=(batch, 28, 28, 1))


def load(path: Path) -> SavedModel:
    """The SavedModel as it is converted: all of it float32, for one picture, nothing random."""
    source = saved_model.load(path, FASHION_MNIST_LABELS)
    (graph,) = read_graphs(parse_model(float_flatbuffer(source.export), Path("m.tflite")))
    assert {tensor.type for tensor in graph.tensors} <= {"FLOAT32", "INT32", "INT64", "BOOL"}
    assert graph.inputs[0].shape[0] == graph.outputs[0].shape[0] == 1
    assert not any("RANDOM" in operation.name for operation in graph.operations)
    return source


def answers(source: SavedModel) -> np.ndarray:
    return source.interpreter.run(PICTURES)


def refusal(path: Path) -> tuple[str, str]:
    with pytest.raises(FloatModelUnreadable) as caught:
        saved_model.load(path, FASHION_MNIST_LABELS)
    assert caught.value.exit_code == 10
    assert caught.value.hint
    return caught.value.message.removeprefix(f"{path}: "), caught.value.hint
