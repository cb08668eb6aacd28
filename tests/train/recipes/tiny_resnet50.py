"""A network of ResNet50's build that trains in seconds, for tests."""

import numpy as np
import pytest

pytest.importorskip("keras")

from train.quiet import load_keras
from train.recipes import resnet50
from train.recipes.resnet50 import Resnet50Settings

load_keras()

import keras  # noqa: E402 - quietly loaded above


class Silent:
    def __getattr__(self, name):
        return lambda *_: None


def tiny_backbone(weights=None):
    assert weights is None
    return keras.Sequential(
        [
            keras.layers.Input((32, 32, 3)),
            keras.layers.Conv2D(16, 32, activation="relu", name="conv4_conv"),
            keras.layers.BatchNormalization(name="conv4_bn"),
            keras.layers.Conv2D(2048, 1, activation="relu", name="conv5_block3_3_conv"),
            keras.layers.BatchNormalization(name="conv5_bn"),
        ],
        name="resnet50",
    )


SETTINGS = Resnet50Settings(
    "resnet50",
    epochs=2,
    batch_size=16,
    learning_rate=0.01,
    seed=3,
    validation_images=20,
    weights="tiny.weights.h5",
    fine_tune=1,
    fine_tune_epochs=2,
    fine_tune_learning_rate=0.001,
)
"""Two epochs of the head, two of the last stage."""


def arrays(model):
    return [np.asarray(weight) for weight in model.weights]


def same(left, right):
    return all(np.array_equal(a, b) for a, b in zip(left, right, strict=True))


def train(settings, tiny, data_dir, out, callback, *, resume=False):
    """Train on the tiny backbone; the whole model's weights."""
    file = None if settings.weights == "none" else tiny
    resnet50.train(settings, weights_file=file, data_dir=data_dir, out=out, resume=resume, callback=callback)
    return arrays(keras.saving.load_model(out / "model.keras"))


# Preprocessing and network
