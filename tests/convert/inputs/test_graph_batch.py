"""A SavedModel with a fixed batch size becomes one for a single picture, or is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.convert.inputs.saved_models import (
    PICTURES,
    answers,
    attention,
    load,
    network,
    recurrent,
    refusal,
    write,
    write_model,
)


@pytest.mark.parametrize("batch", [2, 28, 32])
def test_a_fixed_batch_is_rebuilt_for_one_picture(tmp_path: Path, batch: int) -> None:
    model = network(keras.layers.Reshape((28, 28, 1)))
    source = load(write_model(tmp_path / "m", model, batch, training=False))
    assert (source.input_shape, source.interpreter.input.shape) == ((28, 28, 1), (1, 28, 28, 1))
    np.testing.assert_allclose(answers(source), np.asarray(model(PICTURES)), atol=1e-5)
    assert source.notes == (f"its batch size was fixed at {batch}: rebuilt for one picture",)


FIXED: dict[str, Callable[[], Any]] = {
    "attention": attention,
    "unrolled LSTM": lambda: keras.Sequential([keras.Input((28, 28, 1), batch_size=16), recurrent()]),
    "stateful LSTM": lambda: keras.Sequential([keras.Input((28, 28, 1), batch_size=16), recurrent(stateful=True)]),
    "Conv2DTranspose of Keras 2": lambda: network(
        tf_keras.layers.Conv2DTranspose(2, 3), library=tf_keras, batch_size=16
    ),
    "Reshape of Keras 2": lambda: network(tf_keras.layers.Reshape((14, 56, 1)), library=tf_keras, batch_size=16),
}


@pytest.mark.parametrize("kind", FIXED)
def test_layers_with_the_batch_written_out(tmp_path: Path, kind: str) -> None:
    keras.utils.set_random_seed(3)
    model = FIXED[kind]()
    source = load(write_model(tmp_path / "m", model, 16, training=False))
    wanted = np.asarray(model(np.resize(PICTURES, (16, 28, 28, 1)), training=False))[:5]
    np.testing.assert_allclose(answers(source), wanted, atol=1e-5)


def test_a_batch_written_out_by_hand(tmp_path: Path) -> None:
    """As sizes, in a tiled and a repeated value, and behind the rows."""
    weight, token = (tf.Variable(tf.random.stateless_normal(size, (1, 2)) / 9) for size in ((784, 10), (1, 1, 28)))

    def call(image: Any) -> Any:
        rows = tf.concat([tf.tile(token, (32, 1, 1)), tf.reshape(image, (32, 28, 28)) / 255], 1)
        rows = tf.reshape(tf.transpose(rows, (1, 0, 2)), (29, 32, 28)) + tf.ones((32, 28))
        flat = tf.reshape(tf.transpose(rows, (1, 0, 2))[:, :28], (32, 784))
        return flat @ weight + tf.constant(np.full((32, 10), 0.5, np.float32))

    source = load(write(tmp_path / "m", call, weight, token, shape=(32, 28, 28, 1)))
    wanted = call(np.resize(PICTURES, (32, 28, 28, 1)))[:5]
    np.testing.assert_allclose(answers(source), wanted, atol=1e-4)


def test_a_batch_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    weight = tf.Variable(np.full((784 * 4, 10), 0.01, np.float32))

    def mixed(image: Any) -> Any:
        return tf.repeat(tf.reshape(image, (1, 784 * 4), name="mixed") @ weight, 4, 0)

    def relative(image: Any) -> Any:
        scores = tf.reshape(image, (4, 784)) @ weight[:784] * tf.range(10.0)
        return scores - tf.reduce_mean(scores, 0)

    message, _ = refusal(write(tmp_path / "a", mixed, weight, shape=(4, 28, 28, 1)))
    assert message == "mixed keeps the batch size of 4, which cannot be changed to 1"
    message, hint = refusal(write(tmp_path / "b", relative, weight, shape=(4, 28, 28, 1)))
    assert message == "its batch size is fixed at 4, and rebuilt for one picture it answers otherwise"
    assert "left open" in hint


def test_answers_that_depend_on_the_other_pictures_are_refused(tmp_path: Path) -> None:
    message, hint = refusal(write_model(tmp_path / "m", network(), training=True))
    assert message.startswith("what it answers to a picture depends on the other pictures of the batch: ")
    assert "batch_normalization" in message
    assert message.endswith("normalises over them")
    assert "training=False" in hint
