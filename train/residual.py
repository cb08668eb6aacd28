"""What our residual networks are built of. Keras is imported in the methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NORM_MOMENTUM = 0.9
"""Of BatchNormalization's statistics: fast enough to follow the averaged weights as the rate falls to zero."""


@dataclass(frozen=True, slots=True)
class ResidualLayers:
    """Adds layers to a network: each method takes a tensor (N, H, W, C) and gives one.

    `normalisation` is the class of the layers after the convolutions, Keras' own unless given; `dtype` is what they
    compute in. Names are short: they go into the int8 file, once for each tensor that a layer's operations touch.
    """

    normalisation: Any = None
    dtype: str = "float32"

    def convolved(self, x: Any, channels: int, kernel: int, name: str, stride: int = 1) -> Any:
        """A convolution and its normalisation."""
        from keras import layers

        normalised = self.normalisation or layers.BatchNormalization
        x = layers.Conv2D(
            channels,
            kernel,
            strides=stride,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            dtype=self.dtype,
            name=f"c{name}",
        )(x)
        return normalised(momentum=NORM_MOMENTUM, dtype=self.dtype, name=f"n{name}")(x)

    def rectified(self, x: Any, name: str) -> Any:
        """A ReLU."""
        from keras import layers

        return layers.ReLU(dtype=self.dtype, name=f"r{name}")(x)

    def block(self, x: Any, channels: int, name: str, stride: int) -> Any:
        """Two 3x3 convolutions, and what came in beside them, convolved where the sizes differ (He et al. 2016)."""
        from keras import layers

        y = self.rectified(self.convolved(x, channels, 3, f"{name}a", stride), f"{name}a")
        y = self.convolved(y, channels, 3, f"{name}b")
        if stride > 1 or x.shape[-1] != channels:
            x = self.convolved(x, channels, 1, f"{name}s", stride)
        return self.rectified(layers.Add(dtype=self.dtype, name=f"a{name}")([x, y]), name)
