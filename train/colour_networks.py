"""Networks for pictures in colour that keras.applications does not have. Keras is imported in the functions."""

from __future__ import annotations

from typing import Any

from train.residual import ResidualLayers

WIDTHS = (32, 64, 128, 256)
"""Channels of the stages of small_cnn, each at half the size of the one before."""


def small_cnn(shape: tuple[int, int, int], *, name: str, normalisation: Any = None) -> Any:
    """A compact residual network to train from nothing: bytes as float32 (N, H, W, 3) -> (N, H/32, W/32, 256).

    Plain 3x3 convolutions and ReLU, which int8 and every accelerator take well: 2.8 M parameters. Bytes go in as they
    are: the first normalisation takes their scale out. `normalisation` is the class of the layers after the
    convolutions, Keras' own unless given.
    """
    from keras import Input, Model

    residual = ResidualLayers(normalisation)
    pixels = Input(shape, name="pixels")
    x = residual.rectified(residual.convolved(pixels, WIDTHS[0], 3, "0", 2), "0")
    for stage, channels in enumerate(WIDTHS):
        for number in range(2):
            x = residual.block(x, channels, f"{stage + 1}{number + 1}", stride=1 if number else 2)
    return Model(pixels, x, name=name)


LITE_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
"""Of each: kernel, stride of the first block, expansion, channels, blocks (Tan and Le, arxiv.org/abs/1905.11946)."""


def efficientnet_lite0(shape: tuple[int, int, int], *, name: str, normalisation: Any = None) -> Any:
    """EfficientNet-Lite0 without its top: float32 (N, H, W, 3), -1..1, -> (N, H/32, W/32, 1280).

    EfficientNet-B0 for int8: ReLU6 in the place of swish, no squeeze-and-excitation. 3.4 M parameters, 385 M
    multiply-accumulates at 224 x 224.
    """
    from keras import Input, Model, layers

    normalised = normalisation or layers.BatchNormalization

    def norm(x: Any, name: str, *, rectified: bool = True) -> Any:
        x = normalised(epsilon=1e-3, momentum=0.99, name=name)(x)
        return layers.ReLU(6.0, name=f"{name}_relu")(x) if rectified else x

    def convolved(x: Any, channels: int, name: str, kernel: int = 1, stride: int = 1) -> Any:
        return layers.Conv2D(channels, kernel, strides=stride, padding="same", use_bias=False, name=name)(x)

    pixels = Input(shape, name="pixels")
    x = norm(convolved(pixels, 32, "stem", 3, 2), "stem_norm")
    number = 0
    for kernel, first_stride, expansion, channels, count in LITE_STAGES:
        for place in range(count):
            block, y, stride = f"block{number}", x, first_stride if place == 0 else 1
            if expansion > 1:
                y = norm(convolved(y, expansion * x.shape[-1], f"{block}_expand"), f"{block}_expand_norm")
            depthwise = layers.DepthwiseConv2D(
                kernel, strides=stride, padding="same", use_bias=False, name=f"{block}_depthwise"
            )
            y = norm(depthwise(y), f"{block}_depthwise_norm")
            y = norm(convolved(y, channels, f"{block}_project"), f"{block}_project_norm", rectified=False)
            x = layers.Add(name=f"{block}_add")([x, y]) if place else y
            number += 1
    return Model(pixels, norm(convolved(x, 1280, "top"), "top_norm"), name=name)
