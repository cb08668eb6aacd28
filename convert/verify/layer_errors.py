"""Errors of an int8 model, layer by layer: its activations against the float model's on the same pictures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.inputs.model_inputs import Inputs, Mapped
from convert.quantize import internals
from convert.tflite.metadata import layer_name

PICTURES = 50
"""Held-out pictures that are looked at: the figures of a layer then rest on thousands of values."""

_LIMIT_DB = 99.0
"""Stands for an infinite ratio (no error at all): JSON has no infinity."""


@dataclass(frozen=True, slots=True)
class LayerError:
    """One activation: the layer that computes it, and what int8 makes of it.

    `snr_db` is the power of the float values over that of the difference, in decibels: 6 more are one bit more.
    `saturated` is the share 0..1 of float values outside the range that int8 covers.
    """

    layer: str
    shape: tuple[int, ...]
    snr_db: float
    saturated: float


def layer_errors(graph: bytes, int8: bytes, pictures: Inputs) -> Sequence[LayerError]:
    """Compare the activations of a float flatbuffer and of the int8 one made of it, in the order of computation.

    `pictures`, float32 (N, *input shape), are in the model's own pixel range. Errors add up from layer to layer.
    """
    numbers = internals.activations(graph)
    tensors = internals.tensors(graph)
    by_name = {tensor.name: (number, tensor) for number, tensor in enumerate(internals.tensors(int8))}
    pairs = [(number, *by_name[tensors[number].name]) for number in numbers if tensors[number].name in by_name]
    entrance = internals.tensors(int8)[internals.input_number(int8)]
    scale, zero_point = _quantisation(entrance)
    encoded = Mapped(pictures, partial(_encode, scale=scale, zero_point=zero_point))
    float_values = internals.values(graph, [pair[0] for pair in pairs], pictures)
    int8_values = internals.values(int8, [pair[1] for pair in pairs], encoded)
    signal, noise, outside, count = np.zeros((4, len(pairs)))
    for held, quantised in zip(float_values, int8_values, strict=True):
        for place, (exact, coarse) in enumerate(zip(held, quantised, strict=True)):
            scale, zero_point = _quantisation(pairs[place][2])
            low, high = ((limit - zero_point) * scale for limit in (-128.5, 127.5))
            signal[place] += np.square(exact, dtype=np.float64).sum()
            noise[place] += np.square((coarse.astype(np.float64) - zero_point) * scale - exact).sum()
            outside[place] += ((exact < low) | (exact > high)).sum()
            count[place] += exact.size
    return [
        LayerError(
            layer_name(tensors[number].name.decode()),
            tuple(int(size) for size in tensors[number].shape),
            round(_decibels(signal[place], noise[place]), 2),
            round(float(outside[place] / count[place]), 6),
        )
        for place, (number, _, _) in enumerate(pairs)
    ]


def _encode(pictures: NDArray[np.float32], scale: float, zero_point: int) -> NDArray[np.int8]:
    encoded: NDArray[np.int8] = np.clip(np.rint(pictures / scale) + zero_point, -128, 127).astype(np.int8)
    return encoded


def _quantisation(tensor: Any) -> tuple[float, int]:
    return float(tensor.quantization.scale[0]), int(tensor.quantization.zeroPoint[0])


def _decibels(signal: float, noise: float) -> float:
    return _LIMIT_DB if noise == 0 else min(_LIMIT_DB, 10 * math.log10(max(signal, 1e-30) / noise))
