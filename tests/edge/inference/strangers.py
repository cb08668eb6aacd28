"""Models of others, as TensorFlow's converter writes them: colour in, no manifest of ours.

Each tells whether a picture is red, green or blue: the mean of each channel, ten times apart, is its logit.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.inference.model_file import MARKER
from edge.spec import ImageSpec
from tests.edge.deployment.model_parts import with_manifest

if TYPE_CHECKING:
    from numpy.typing import NDArray

LABELS = ("red", "green", "blue")
COLOURS = {"red": (20, 30, 220), "green": (30, 210, 40), "blue": (230, 20, 25)}
"""Blue green red."""

SIDE = 32


class Head(StrEnum):
    """What the last layer gives."""

    SOFTMAX = "softmax"
    LOGITS = "logits"
    SIGMOID = "sigmoid"
    """One value: how red it is."""


def network(head: Head = Head.SOFTMAX, side: int = SIDE, classes: int = len(LABELS)) -> Any:
    """A Keras model of pixels from -1 to 1."""
    import keras

    pixels = keras.Input((side, side, 3))
    pooled = keras.layers.AveragePooling2D(side)(pixels)
    single = head is Head.SIGMOID
    last = keras.layers.Dense(1 if single else classes, activation=None if head is Head.LOGITS else head.value)
    model = keras.Model(pixels, last(keras.layers.Flatten()(pooled)))
    weights = np.zeros((3, 1 if single else classes), np.float32)
    weights[:, 0] = (5, -5, -5)
    if not single:
        weights[1, 1] = weights[2, 2] = 5
        weights[1:, 0] = 0
    last.set_weights([weights, np.full(weights.shape[1], -5 if single else 0, np.float32)])
    return model


def convert(model: Any, *, of_bytes: bool) -> bytes:
    """A .tflite: floats -1..1 in, or bytes in and out, as Teachable Machine and the Coral's tutorials do it."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if of_bytes:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
        converter.representative_dataset = lambda: _examples(model.input_shape[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow's, of its own doings
        return bytes(converter.convert())


def _examples(side: int) -> Iterator[list[NDArray[np.float32]]]:
    for level in (-1.0, 1.0):
        yield [np.full((1, side, side, 3), level, np.float32)]
    for channel in range(3):
        picture = np.full((1, side, side, 3), -0.8, np.float32)
        picture[..., channel] = 0.8
        yield [picture]


def described(flatbuffer: bytes, image: ImageSpec, labels: str | None, is_rgb: bool = True) -> bytes:
    """The file with standard metadata, and with a file of labels, that they name, in a zip at its end."""
    from convert.tflite.metadata import describe, embed

    metadata = describe("stranger", image, is_rgb).replace(b"labels.txt", b"kinds.list")
    content = embed(flatbuffer, metadata).replace(MARKER, b"?" * len(MARKER))
    if labels is None:
        return content
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("kinds.list", labels)
    return content + packed.getvalue()


def own(flatbuffer: bytes, image: ImageSpec, labels: tuple[str, ...] = LABELS, **of_manifest: Any) -> bytes:
    """The file with a manifest, as `convert` writes one for a model of one's own."""
    manifest = {"v": 2, "name": "own", "labels": labels, "image": image.as_json(), "scores": "probabilities"}
    return with_manifest(flatbuffer, manifest | of_manifest)


def coloured(name: str, height: int = 60, width: int = 80, seed: int = 0) -> NDArray[np.uint8]:
    """A frame of that colour, not quite even: uint8 (height, width, 3) blue green red."""
    uneven = np.random.default_rng(seed).integers(-15, 16, (height, width, 1))
    return np.clip(np.array(COLOURS[name]) + uneven, 0, 255).astype(np.uint8)


def write_labels(path: Path) -> Path:
    """As Teachable Machine does, with a number before each."""
    path.write_text("".join(f"{number} {label}\n" for number, label in enumerate(LABELS)), "utf-8")
    return path
