"""Parameters and multiply-accumulates, against counts by hand."""

import pytest

pytest.importorskip("keras")

import keras
from keras import layers

from train.evaluation.complexity import measure
from train.quiet import load_keras
from train.recipes import mlp

load_keras()


def test_the_reference(settings):
    found = measure(mlp.build(settings, 10))
    assert found.parameters == 784 * 1536 + 1536 + 1536 * 784 + 784 + 784 * 10 + 10
    assert found.macs == 784 * 1536 + 1536 * 784 + 784 * 10


def test_convolutions_by_hand():
    """Each output value of a convolution takes one multiply-accumulate for each weight that leads to it."""
    inner = keras.Sequential([layers.Input((14, 14, 8)), layers.Conv2D(16, 1, use_bias=False)])
    model = keras.Sequential(
        [
            layers.Input((28, 28)),
            layers.Rescaling(1 / 255),
            layers.Reshape((28, 28, 1)),
            layers.Conv2D(8, 3, strides=2, padding="same"),  # 14 x 14 x 8, of 9 weights each
            layers.BatchNormalization(),
            layers.DepthwiseConv2D(5, padding="valid"),  # 10 x 10 x 8, of 25 weights each
            layers.ZeroPadding2D(2),
            inner,  # 14 x 14 x 16, of 8 weights each
            layers.Conv2D(4, 3, groups=4, padding="valid"),  # 12 x 12 x 4, of 9 x 16/4 weights each
            layers.SeparableConv2D(6, 3, padding="same"),  # 12 x 12 x 4 of 9 each, then 12 x 12 x 6 of 4 each
            layers.GlobalAveragePooling2D(),
            layers.Dense(3),
        ]
    )
    by_hand = [14 * 14 * 8 * 9, 10 * 10 * 8 * 25, 14 * 14 * 16 * 8, 12 * 12 * 4 * 9 * 4, 12 * 12 * (4 * 9 + 6 * 4), 18]
    assert measure(model).macs == sum(by_hand)
    assert measure(model).parameters == model.count_params()


def test_a_dense_layer_at_every_place():
    model = keras.Sequential([layers.Input((7, 5)), layers.Dense(3)])
    assert measure(model).macs == 7 * 5 * 3


def test_a_kind_of_layer_that_is_not_known_is_not_guessed():
    model = keras.Sequential([layers.Input((8, 8, 2)), layers.Conv2DTranspose(3, 2)])
    assert measure(model).macs is None
    assert measure(model).parameters == 2 * 2 * 2 * 3 + 3
