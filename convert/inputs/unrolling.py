"""Recurrent layers written out step by step: int8 has no loops, and TensorFlow's converter crashes on some of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edge.errors import ConversionRefused

LONGEST = 112
"""Steps of all recurrent layers together. 784 of one LSTM, a pixel each, take minutes and gigabytes."""


_FUSED = "_could_use_gpu_kernel"
"""Where a layer of tf_keras notes that it may run as one fused operation, which has a loop in it."""


@contextmanager
def unrolled(model: Any, library: Any) -> Iterator[None]:
    """Let the model's recurrent layers run without a loop for as long as this lasts; their results stay the same.

    They are those of a Bidirectional, too. `library` is what loaded the model: keras or tf_keras.
    Raises ConversionRefused where there are too many steps.
    """
    layers = [layer for layer in model._flatten_layers(include_self=False) if isinstance(layer, library.layers.RNN)]
    steps = sum(_steps(layer) for layer in layers)
    if steps > LONGEST:
        kinds = ", ".join(dict.fromkeys(type(layer).__name__ for layer in layers))
        raise ConversionRefused(
            f"{kinds}: recurrent layers have an int8 form only when written out step by step, "
            f"and {steps} steps are too many, {LONGEST} at most",
            "let them read the rows of the picture, not its pixels, or take fewer of them",
        )
    before = [(layer.unroll, getattr(layer, _FUSED, None)) for layer in layers]
    try:
        for layer, (_, fused) in zip(layers, before, strict=True):
            layer.unroll = True
            if fused is not None:
                setattr(layer, _FUSED, False)
        yield
    finally:
        for layer, (was, fused) in zip(layers, before, strict=True):
            layer.unroll = was
            if fused is not None:
                setattr(layer, _FUSED, fused)


def _steps(layer: Any) -> int:
    """How many steps a recurrent layer makes: the second dimension of what it was built for, (N, steps, ...)."""
    shape: tuple[int | None, ...] = tuple((layer.get_build_config() or {}).get("input_shape") or ())
    return shape[1] or 0 if len(shape) > 1 else 0
