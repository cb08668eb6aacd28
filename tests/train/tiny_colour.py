"""A colour network that trains in a second, in small_cnn's place."""

from __future__ import annotations

from typing import Any


def tiny(shape: tuple[int, int, int], *, name: str, normalisation: Any = None) -> Any:
    """Four convolutions: float32 (N, H, W, 3) -> (N, H/8, W/8, 24)."""
    import keras

    normalised = normalisation or keras.layers.BatchNormalization
    layers: list[Any] = [keras.layers.Input(shape)]
    for number, (channels, stride) in enumerate(((8, 2), (16, 2), (24, 2), (24, 1)), 1):
        layers.append(keras.layers.Conv2D(channels, 3, strides=stride, padding="same", name=f"c{number}"))
        layers += [normalised(momentum=0.5, name=f"n{number}"), keras.layers.ReLU(name=f"r{number}")]
    return keras.Sequential(layers, name=name)
