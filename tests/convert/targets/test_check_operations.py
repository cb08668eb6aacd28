"""Coral's limits of single operations, each planted in a model that passes otherwise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.convert.drawn_models import Drawing
from tests.convert.targets.test_check import complaints

Draw = Callable[[Drawing, int], int]


def pool(drawing: Drawing, given: int) -> int:
    options = schema.Pool2DOptionsT()
    options.fusedActivationFunction = schema.ActivationFunctionType.RELU
    return drawing.operation("MAX_POOL_2D", [given], drawing.tensor(1, 8, 8, 4), 2, options)


def dilation(drawing: Drawing, given: int) -> int:
    result = drawing.convolution(given)
    drawing.graph.operators[-1].builtinOptions.dilationWFactor = 2
    return result


def join_constant(drawing: Drawing, given: int) -> int:
    ones = drawing.constant(np.ones((1, 8, 8, 4)))
    options = schema.ConcatenationOptionsT()
    return drawing.operation("CONCATENATION", [given, ones], drawing.tensor(1, 8, 8, 8), 2, options)


def wide_dense(drawing: Drawing, given: int) -> int:
    weights = drawing.constant(np.zeros((5, 4)))
    return drawing.operation("FULLY_CONNECTED", [given, weights, -1], drawing.tensor(1, 8, 8, 5), 4)


def shuffled_dense(drawing: Drawing, given: int) -> int:
    options = schema.FullyConnectedOptionsT()
    options.weightsFormat = schema.FullyConnectedOptionsWeightsFormat.SHUFFLED4x16INT8
    weights = drawing.constant(np.zeros((5, 256)))
    return drawing.operation("FULLY_CONNECTED", [given, weights, -1], drawing.tensor(1, 5), 2, options)


def mean(axes: list[int], depth: int = 4) -> Draw:
    def draw(drawing: Drawing, given: int) -> int:
        picture = drawing.operation("TANH", [given], drawing.tensor(1, 8, 8, depth), 2)
        numbers = drawing.constant(axes, "INT32", scale=None)
        return drawing.operation("MEAN", [picture, numbers], drawing.tensor(1, 1, 1, depth), 2)

    return draw


def pad_batch(drawing: Drawing, given: int) -> int:
    paddings = drawing.constant([[0, 1], [0, 0], [0, 0], [0, 0]], "INT32", scale=None)
    return drawing.operation("PAD", [given, paddings], drawing.tensor(1, 8, 8, 4), 2)


def squeeze(drawing: Drawing, given: int) -> int:
    thin = drawing.operation("TANH", [given], drawing.tensor(1, 8, 1, 4), 2)
    return drawing.operation("SQUEEZE", [thin], drawing.tensor(8, 4))


def slice_by_two(drawing: Drawing, given: int) -> int:
    numbers = [drawing.constant([value] * 4, "INT32", scale=None) for value in (0, 8, 2)]
    return drawing.operation("STRIDED_SLICE", [given, *numbers], drawing.tensor(1, 4, 4, 2))


def softmax(drawing: Drawing, given: int) -> int:
    flat = drawing.operation("TANH", [given], drawing.tensor(1, 16001), 2)
    return drawing.operation("SOFTMAX", [flat], drawing.tensor(1, 16001), 2)


def split_batch(drawing: Drawing, given: int) -> int:
    return drawing.operation("SPLIT", [drawing.constant([0], "INT32"), given], drawing.tensor(1, 8, 8, 4))


def prelu(drawing: Drawing, given: int) -> int:
    return drawing.operation("PRELU", [given, drawing.constant(np.ones((8, 8, 4)))], drawing.tensor(1, 8, 8, 4))


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (pool, "it has a fused activation"),
        (dilation, "its dilation is 2 across and 1 down, expected the same"),
        (join_constant, "it joins a constant other than zeros"),
        (wide_dense, "its output is [1, 8, 8, 5], expected one dimension"),
        (shuffled_dense, "its weights are shuffled, expected the default format"),
        (mean([0, 1]), "it reduces over the batch"),
        (mean([-1], depth=6), "it is a mean over 6 channels, expected a multiple of 4"),
        (mean([1, 2], depth=6), ""),
        (mean([-1], depth=8), ""),
        (pad_batch, "it pads the batch"),
        (squeeze, "it takes a dimension out of the middle of [1, 8, 1, 4]"),
        (slice_by_two, "it has strides other than 1"),
        (softmax, "it is over 16001, at most 16000"),
        (split_batch, "it splits the batch"),
        (prelu, "its alpha is [8, 8, 4], expected one dimension"),
    ],
)
def test_each_limit_of_an_operation(draw: Draw, said: str) -> None:
    drawing = Drawing()
    given = drawing.tensor(1, 8, 8, 4)
    drawing.ends(given, draw(drawing, given))
    assert complaints(drawing)[-1] == said
    assert not any(complaints(drawing)[:-1])
