"""How large a network is: its weights, and the multiply-accumulates of one picture, from its shapes alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Complexity:
    """Weights of a network, and multiply-accumulates for one picture; None if a layer's are not known."""

    parameters: int
    macs: int | None


def measure(model: Any) -> Complexity:
    """Count a built Keras model, running nothing.

    Multiply-accumulates are those of convolutions and dense layers, as is usual (Howard et al. 2017,
    arXiv:1704.04861, section 3.1): an output value of a convolution takes one for each weight that leads to it.
    Biases, activations, pooling and batch normalisation, which int8 folds away, do not count. A layer that is
    called twice counts once.
    """
    counts = [_macs(layer) for layer in _leaves(model)]
    known = [count for count in counts if count is not None]
    return Complexity(int(model.count_params()), sum(known) if len(known) == len(counts) else None)


def _leaves(layer: Any) -> list[Any]:
    """The layers of a model and of the models in it."""
    if hasattr(layer, "layers"):
        return [leaf for inner in layer.layers for leaf in _leaves(inner)]
    return [layer]


def _macs(layer: Any) -> int | None:
    """Multiply-accumulates of a layer, None for a kind of layer with kernels that is not known here."""
    kind = type(layer).__name__
    if all(len(weight.shape) < 2 for weight in layer.weights):
        return 0
    if kind == "Dense":
        places = math.prod(layer.output.shape[1:-1])
        return int(math.prod(layer.kernel.shape) * places)
    if kind in {"Conv1D", "Conv2D", "DepthwiseConv2D"}:
        # A kernel is (height, width, inputs a group, outputs), a depthwise one (height, width, inputs, multiplier).
        return int(math.prod(layer.kernel.shape) * _pixels(layer))
    if kind == "SeparableConv2D":
        weights = math.prod(layer.depthwise_kernel.shape) + math.prod(layer.pointwise_kernel.shape)
        return int(weights * _pixels(layer))
    return None


def _pixels(layer: Any) -> int:
    """Places of a convolution's output, in either order of its axes."""
    inner = layer.output.shape[1:]
    return math.prod(inner[1:] if layer.data_format == "channels_first" else inner[:-1])
