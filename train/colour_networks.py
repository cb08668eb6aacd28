"""Networks for pictures in colour that keras.applications does not have. Keras is imported in the functions."""

from __future__ import annotations

from typing import Any

NORM_MOMENTUM = 0.9
"""Of BatchNormalization's statistics: fast enough to follow the averaged weights as the rate falls to zero."""

WIDTHS = (32, 64, 128, 256)
"""Channels of the stages of small_cnn, each at half the size of the one before."""


def small_cnn(shape: tuple[int, int, int], *, name: str, normalisation: Any = None) -> Any:
    """A compact residual network to train from nothing: bytes as float32 (N, H, W, 3) -> (N, H/32, W/32, 256).

    Plain 3x3 convolutions and ReLU, which int8 and every accelerator take well: 2.8 M parameters. Bytes go in as they
    are: the first normalisation takes their scale out. `normalisation` is the class of the layers after the
    convolutions, Keras' own unless given.
    """
    from keras import Input, Model, layers

    normalised = normalisation or layers.BatchNormalization

    def convolved(x: Any, channels: int, kernel: int, name: str, stride: int = 1) -> Any:
        x = layers.Conv2D(
            channels,
            kernel,
            strides=stride,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"c{name}",
        )(x)
        return normalised(momentum=NORM_MOMENTUM, name=f"n{name}")(x)

    def block(x: Any, channels: int, name: str, stride: int) -> Any:
        y = layers.ReLU(name=f"r{name}a")(convolved(x, channels, 3, f"{name}a", stride))
        y = convolved(y, channels, 3, f"{name}b")
        if stride > 1 or x.shape[-1] != channels:
            x = convolved(x, channels, 1, f"{name}s", stride)
        return layers.ReLU(name=f"r{name}")(layers.Add(name=f"a{name}")([x, y]))

    pixels = Input(shape, name="pixels")
    x = layers.ReLU(name="r0")(convolved(pixels, WIDTHS[0], 3, "0", 2))
    for stage, channels in enumerate(WIDTHS):
        for number in range(2):
            x = block(x, channels, f"{stage + 1}{number + 1}", stride=1 if number else 2)
    return Model(pixels, x, name=name)
