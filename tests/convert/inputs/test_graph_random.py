"""Layers of a SavedModel that draw at random are left out, or named."""

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
    Layers,
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

RANDOM: dict[str, Callable[[Layers], Any]] = {
    "flip": lambda layers: layers.RandomFlip(),
    "a flip of another name": lambda layers: layers.RandomFlip("horizontal", name="mirror"),
    "rotation": lambda layers: layers.RandomRotation(0.1),
    "a rotation of another name": lambda layers: layers.RandomRotation(0.1, name="turn"),
    "zoom": lambda layers: layers.RandomZoom(0.1),
    "translation": lambda layers: layers.RandomTranslation(0.1, 0.1),
    "contrast": lambda layers: layers.RandomContrast(0.2),
    "brightness": lambda layers: layers.RandomBrightness(0.2, value_range=(0, 1)),
    "noise": lambda layers: layers.GaussianNoise(0.1),
    "dropout": lambda layers: layers.Dropout(0.4),
    "a dropout of another name": lambda layers: layers.Dropout(0.4, name="drop"),
    "dropout of channels": lambda layers: layers.SpatialDropout2D(0.4),
}


EVERYDAY = ("a flip of another name", "rotation", "noise", "a dropout of another name")


@pytest.mark.parametrize("library", [keras, tf_keras], ids=["keras", "tf_keras"])
@pytest.mark.parametrize(
    "kind", [kind if kind in EVERYDAY else pytest.param(kind, marks=pytest.mark.slow) for kind in RANDOM]
)
def test_layers_that_draw_at_random_are_left_out(tmp_path: Path, library: Any, kind: str) -> None:
    """What is left answers as the network does outside of training."""
    layers = library.layers
    given = library.Input((28, 28, 1))
    library.utils.set_random_seed(4)
    drawn = RANDOM[kind](layers)(layers.Rescaling(1 / 255)(given), training=True)
    tail = library.Sequential([layers.Conv2D(3, 3, strides=2), layers.Flatten(), layers.Dense(10)])
    model = library.Model(given, tail(drawn))
    path = write_model(tmp_path / "m", model)
    assert not np.array_equal(*(model(PICTURES) for _ in range(2)))  # the plant is a real one
    source = load(path)
    np.testing.assert_allclose(answers(source), np.asarray(tail(PICTURES / 255)), atol=1e-4)
    assert [note for note in source.notes if note.startswith("drew at random, left out: ")]


INSIDE: dict[str, Callable[[], Any]] = {
    "dropout of attention": attention,
    "dropout within an LSTM": lambda: keras.Sequential(
        [keras.Input((28, 28, 1)), recurrent(dropout=0.3, recurrent_dropout=0.3)]
    ),
}


@pytest.mark.parametrize("kind", INSIDE)
def test_random_layers_inside_others_are_left_out(tmp_path: Path, kind: str) -> None:
    keras.utils.set_random_seed(5)
    model = INSIDE[kind]()
    source = load(write_model(tmp_path / "m", model, training=True))
    np.testing.assert_allclose(answers(source), np.asarray(model(PICTURES, training=False)), atol=1e-5)


def test_all_three_at_once(tmp_path: Path) -> None:
    layers = keras.layers
    with policy(keras, "mixed_float16"):
        model = keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                layers.Rescaling(1 / 255),
                layers.RandomFlip(),
                layers.Flatten(),
                layers.Dropout(0.3),
                layers.Dense(10),
            ]
        )
    source = load(write_model(tmp_path / "m", model, 16, training=True))
    wanted = np.asarray(tf.cast(model(PICTURES, training=False), tf.float32))
    np.testing.assert_allclose(answers(source), wanted, atol=0.01)
    assert len(source.notes) == 3


def test_what_draws_at_random_and_is_no_such_layer_is_named(tmp_path: Path) -> None:
    weight = tf.Variable(np.full((784, 10), 0.01, np.float32))

    def sampling(image: Any) -> Any:
        scores = tf.reshape(image, (-1, 784)) @ weight
        with tf.name_scope("sampling"):
            return scores + tf.exp(scores / 1e6) * tf.random.normal(tf.shape(scores))

    def activated(image: Any) -> Any:
        """Flips, but clips at zero too, in one scope."""
        with tf.name_scope("block"):
            flip = tf.random.uniform(()) > 0.5
            mixed = tf.nn.relu(tf.where(flip, tf.reverse(image, [2]), image) - 9)
        return tf.reshape(mixed, (-1, 784)) @ weight

    def stretched(image: Any) -> Any:
        """Flips, but gives a wider picture than it takes."""
        with tf.name_scope("wide"):
            flip = tf.random.uniform(()) > 0.5
            twice = tf.concat([tf.where(flip, tf.reverse(image, [2]), image)] * 2, 2)
        return tf.reshape(twice[:, :, :28], (-1, 784)) @ weight

    def looping(image: Any) -> Any:
        flipped = tf.map_fn(tf.image.random_flip_left_right, image)
        return tf.reshape(flipped, (-1, 784)) @ weight

    for name, call, where in (
        ("a", sampling, "sampling/random_normal"),
        ("b", activated, "block/random_uniform"),
        ("c", stretched, "wide/random_uniform"),
        ("d", looping, "map"),
    ):
        message, hint = refusal(write(tmp_path / name, call, weight))
        assert message == f"{where} draws at random, and what it gives outside of training cannot be told"
        assert "training=False" in hint


@pytest.mark.parametrize("library", [keras, tf_keras], ids=["keras", "tf_keras"])
def test_cropping_at_random_is_named(tmp_path: Path, library: Any) -> None:
    """It crops the middle outside of training: that is not what it takes."""
    layers = library.layers
    given = library.Input((28, 28, 1))
    cropped = layers.RandomCrop(24, 24)(given, training=True)
    model = library.Model(given, layers.Dense(10)(layers.Flatten()(cropped)))
    message, _ = refusal(write_model(tmp_path / "m", model))
    assert "random_crop" in message
    assert "draws at random" in message


def test_a_random_layer_with_weights_inside_is_not_left_out(tmp_path: Path) -> None:
    """Called like one of Keras', it learns."""
    given = keras.Input((28, 28, 1))
    layers = [keras.layers.RandomZoom(0.1), keras.layers.Conv2D(1, 3, padding="same")]
    block = keras.Sequential(layers, name="random_flip")
    model = keras.Model(given, keras.layers.Dense(10)(keras.layers.Flatten()(block(given, training=True))))
    source = load(write_model(tmp_path / "m", model))
    np.testing.assert_allclose(answers(source), np.asarray(model(PICTURES, training=False)), rtol=1e-4, atol=1e-3)


def test_an_ordinary_one_stays_as_it_is(tmp_path: Path) -> None:
    model = network(keras.layers.Dropout(0.4), keras.layers.RandomFlip())
    source = load(write_model(tmp_path / "m", model, training=False))
    assert source.notes == ()
