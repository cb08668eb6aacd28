"""Read files of Keras 1 and 2 that Keras 3 refuses, by tf_keras, and go on with the SavedModel that it makes.

tf_keras is Keras 2 as it is kept alive for TensorFlow. It knows the older networks (a Sequential that is a bare list,
`batch_input_shape`, initializers with a dtype, TensorFlow's functions as layers), and what their names meant.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import re
import tempfile
from pathlib import Path
from typing import Any

from convert.inputs import saved_model
from convert.inputs.inference_model import for_one_picture
from convert.inputs.keras_container import keras_version, loadable, read_config
from convert.inputs.saved_model import SavedModel
from convert.inputs.unrolling import unrolled
from convert.settings import Format
from edge.errors import KerasModelUnreadable, MissingExtra

EXTRA = "keras2"
_MEANS_SOMETHING_ELSE = re.compile(r'"hard_sigmoid"')
"""Keras 2: clip(0.2 x + 0.5, 0, 1); Keras 3: clip(x / 6 + 0.5, 0, 1), which would answer otherwise."""


def is_older(path: Path) -> bool:
    """Whether an inspected file was written by Keras 1 or 2."""
    return keras_version(path).split(".")[0] in {"0", "1", "2"}


def means_something_else(path: Path) -> bool:
    """Whether Keras 3 reads a part of an inspected older file otherwise than Keras 2 did."""
    return is_older(path) and _MEANS_SOMETHING_ELSE.search(read_config(path)) is not None


def load(path: Path, labels: tuple[str, ...]) -> SavedModel:
    """Load an inspected file, which has no layer that brings code, and check it as a SavedModel.

    Raises MissingExtra without tf_keras, or FloatModelUnreadable.
    """
    if importlib.util.find_spec("tf_keras") is None:
        raise MissingExtra(
            f"{path} was written by Keras {keras_version(path)}; Keras 3 cannot read it, tf_keras can",
            f"pip install 'fmnist-edge[{EXTRA}]'",
        )
    model, notes = _loaded(path)
    with tempfile.TemporaryDirectory(prefix="fmnist-edge-") as folder:
        _write(model, Path(folder))
        found = saved_model.load(Path(folder), labels, known_as=path)
    content = path.read_bytes()
    return dataclasses.replace(
        found,
        path=path,
        format=Format.KERAS,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        notes=(f"written by Keras {keras_version(path)}: read with tf_keras", *notes),
    )


def _loaded(path: Path) -> tuple[Any, tuple[str, ...]]:
    import tf_keras

    try:
        with loadable(path) as named:
            model = tf_keras.models.load_model(named, compile=False, safe_mode=True)
        assert list(model.inputs) and list(model.outputs), "never built"
    # tf_keras lets whatever its layers' constructors raise come through: there is no narrower class.
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        unknown = re.search(r"Unknown layer: '?(\w+)", reason)
        if unknown is not None:
            raise KerasModelUnreadable(
                f"{path} uses the custom class {unknown[1]}, whose code is not in the file",
                "build the model from Keras' own layers only",
            ) from error
        raise KerasModelUnreadable(
            f"{path}: neither Keras 3 nor tf_keras can load it: {type(error).__name__}: {reason}",
            f"it was written by Keras {keras_version(path)}: load it there, and save it with model.export('DIR')",
        ) from error
    return for_one_picture(path, model, tf_keras)


def _write(model: Any, folder: Path) -> None:
    """Write a model of tf_keras as a SavedModel with one signature, its batch open, its recurrent layers unrolled."""
    import tensorflow as tf
    import tf_keras

    given = model.inputs[0]
    module = tf.Module()
    module.weights = list(model.variables)  # tracking the model would trace each of its layers

    @tf.function(input_signature=[tf.TensorSpec(given.shape, given.dtype, "pixels")])  # type: ignore[untyped-decorator]
    def serve(pixels: Any) -> Any:
        return model(pixels, training=False)

    with unrolled(model, tf_keras):
        tf.saved_model.save(module, str(folder), signatures=serve)
