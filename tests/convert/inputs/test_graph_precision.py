"""A SavedModel that computes in half or double precision becomes one of float32, or is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from tests.convert.inputs.saved_models import (
    OPEN,
    PICTURES,
    answers,
    attention,
    load,
    network,
    policy,
    recurrent,
    refusal,
    write,
    write_model,
)


@pytest.mark.parametrize(
    ("library", "types"),
    [
        (keras, "mixed_bfloat16"),
        (tf_keras, "mixed_float16"),
        *(
            pytest.param(library, types, marks=pytest.mark.slow)
            for library in (keras, tf_keras)
            for types in ("mixed_float16", "mixed_bfloat16", "float16", "bfloat16", "float64")
        ),
    ],
)
def test_half_and_double_precision_become_float32(tmp_path: Path, library: Any, types: str) -> None:
    with policy(library, types):
        model = network(library=library)
    if library is keras:
        model.export(str(tmp_path / "m"), verbose=False)
    else:
        model.save(str(tmp_path / "m"))
    source = load(tmp_path / "m")
    wanted = np.asarray(tf.cast(model(PICTURES, training=False), tf.float32))
    np.testing.assert_allclose(answers(source), wanted, atol=2e-3)
    assert any("cast to float32" in note for note in source.notes)


def test_half_precision_inside_attention_and_recurrent_layers(tmp_path: Path) -> None:
    with policy(keras, "mixed_float16"):
        models = attention(), keras.Sequential([keras.Input((28, 28, 1)), recurrent()])
    for number, model in enumerate(models):
        source = load(write_model(tmp_path / str(number), model, training=False))
        wanted = np.asarray(tf.cast(model(PICTURES, training=False), tf.float32))
        np.testing.assert_allclose(answers(source), wanted, atol=0.01)


def test_pixels_in_half_precision_become_float32(tmp_path: Path) -> None:
    weight = tf.Variable(np.random.default_rng(0).normal(0, 0.01, (784, 10)), dtype=tf.float16)

    def call(image: Any) -> Any:
        return tf.reshape(image, (-1, 784)) @ weight

    source = load(write(tmp_path / "m", call, weight, kind="float16"))
    assert source.interpreter.input.dtype == np.float32
    wanted = PICTURES.reshape(5, 784) @ weight.numpy().astype(np.float32)
    np.testing.assert_allclose(answers(source), wanted, rtol=1e-4, atol=1e-2)


def test_what_cannot_be_float32_is_named(tmp_path: Path) -> None:
    """The bits of a half precision number, taken as an integer."""

    def call(image: Any) -> Any:
        with tf.name_scope("odd"):
            bits = tf.bitcast(tf.cast(image, tf.float16), tf.int16)
            bits = tf.ensure_shape(bits, OPEN, name="bits")
        return tf.reshape(tf.cast(bits, tf.float32), (-1, 784))[:, :10]

    message, hint = refusal(write(tmp_path / "m", call))
    assert message == "odd/bits cannot be computed in float32"
    assert "model.export('DIR')" in hint


def test_other_answers_in_float32_are_refused(tmp_path: Path) -> None:
    """A sum that only half precision rounds to nothing."""

    def call(image: Any) -> Any:
        pixels = tf.cast(tf.reshape(image, (-1, 784))[:, :10], tf.float16) / 255
        return tf.cast(pixels + 4096 - 4096, tf.float32) * 0 + tf.cast(pixels * 1e-4 + 1 - 1, tf.float32)

    message, _ = refusal(write(tmp_path / "m", call))
    assert message == "computed in float32, it answers otherwise"
