"""Each kind of layer becomes an int8 model that answers as the float one, or is refused in one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from convert.inputs.keras_export import exporter
from convert.inputs.unrolling import LONGEST, unrolled
from convert.quantize.converter import RuledModel, calibrate
from convert.settings import Rule
from convert.verify import guards
from edge.errors import ConversionRefused
from edge.spec import ImageSpec

L = keras.layers
PICTURES = np.random.default_rng(0).integers(0, 256, (4, 28, 28)).astype(np.float32)


def network(*layers: Any) -> Any:
    keras.utils.set_random_seed(0)
    return keras.Sequential([L.Input((28, 28)), L.Rescaling(1 / 255), *layers, L.Dense(10, activation="softmax")])


def recurrent(*layers: Any) -> Any:
    """Layers that read the picture in 7 steps."""
    return network(L.Reshape((7, 112)), *layers)


def dense(*layers: Any) -> Any:
    return network(L.Flatten(), L.Dense(8), *layers)


def convolutional(*layers: Any) -> Any:
    return network(L.Reshape((28, 28, 1)), L.Conv2D(4, 3, strides=4), *layers, L.GlobalAveragePooling2D())


def activated(name: str) -> Any:
    return convolutional(L.Activation(name))


def attention() -> Any:
    keras.utils.set_random_seed(0)
    given = L.Input((28, 28))
    rows = L.Dense(8)(L.Rescaling(1 / 255)(given))
    attended = L.GlobalAveragePooling1D()(L.MultiHeadAttention(2, 4)(rows, rows))
    return keras.Model(given, L.Dense(10, activation="softmax")(attended))


CONVERTED: dict[str, Callable[[], Any]] = {
    "LSTM": lambda: recurrent(L.LSTM(4)),
    "LSTM unrolled": lambda: recurrent(L.LSTM(4, unroll=True)),
    "LSTM backwards": lambda: recurrent(L.LSTM(4, go_backwards=True)),
    "GRU": lambda: recurrent(L.GRU(4)),
    "GRU of Keras 1": lambda: recurrent(L.GRU(4, reset_after=False)),
    "SimpleRNN": lambda: recurrent(L.SimpleRNN(4)),
    "stacked": lambda: recurrent(L.LSTM(4, return_sequences=True), L.GRU(4)),
    "cells": lambda: recurrent(L.RNN([L.LSTMCell(3), L.SimpleRNNCell(3)])),
    "Bidirectional": lambda: recurrent(L.Bidirectional(L.LSTM(4))),
    "ConvLSTM2D": lambda: network(L.Reshape((4, 7, 28, 1)), L.ConvLSTM2D(2, 3), L.Flatten()),
    "MultiHeadAttention": attention,
    "EinsumDense": lambda: network(L.EinsumDense("abc,cd->abd", output_shape=(None, 4)), L.GlobalAveragePooling1D()),
    "Conv1D": lambda: network(L.Conv1D(4, 3), L.GlobalMaxPooling1D()),
    "BatchNormalization": lambda: convolutional(L.BatchNormalization(), L.ReLU()),
    "SeparableConv2D": lambda: convolutional(L.SeparableConv2D(4, 3)),
    "Conv2DTranspose": lambda: convolutional(L.Conv2DTranspose(4, 3)),
    "DepthwiseConv2D": lambda: convolutional(L.DepthwiseConv2D(3)),
    "dilated": lambda: convolutional(L.Conv2D(4, 3, dilation_rate=2)),
    "UpSampling2D": lambda: convolutional(L.UpSampling2D(2, interpolation="bilinear")),
    "LayerNormalization": lambda: dense(L.LayerNormalization()),
    "LayerNormalization of rows": lambda: network(L.LayerNormalization(), L.GlobalAveragePooling1D()),
    "RMSNormalization": lambda: dense(L.RMSNormalization()),
    "GroupNormalization": lambda: convolutional(L.GroupNormalization(2)),
    "UnitNormalization": lambda: dense(L.UnitNormalization()),
    "PReLU": lambda: convolutional(L.PReLU(shared_axes=[1, 2])),
} | {
    name: lambda name=name: activated(name)
    for name in ("gelu", "swish", "hard_swish", "mish", "softplus", "squareplus")
}

REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "sparse_plus": (lambda: activated("sparse_plus"), "LESS, LESS_EQUAL in activation"),
    "elu": (lambda: activated("elu"), "ELU in activation"),
    "selu": (lambda: activated("selu"), "GREATER in activation"),
}


def calibrated(model: Any) -> RuledModel:
    return calibrate(exporter(model), PICTURES, ImageSpec(), lambda done: None)


def quantised(model: Any) -> bytes:
    flatbuffer = calibrated(model).quantise(Rule.MIN_MAX, len(PICTURES))
    kernels = sum(int(np.prod(weight.shape)) for weight in model.weights if len(weight.shape) > 1)
    guards.check(flatbuffer, kernels)
    return flatbuffer


def answers(flatbuffer: bytes) -> NDArray[np.float64]:
    """What a .tflite says to the pictures, as probabilities."""
    interpreter = Interpreter(model_content=flatbuffer)
    interpreter.allocate_tensors()
    (given,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    said = []
    for picture in PICTURES[:, None]:
        # An int8 input is exactly pixel - 128: the Rescaling is folded away.
        pixels = picture - 128 if given["dtype"] == np.int8 else picture
        interpreter.set_tensor(given["index"], pixels.astype(given["dtype"]))
        interpreter.invoke()
        said.append(interpreter.get_tensor(result["index"])[0].astype(np.float64))
    scale, zero_point = result["quantization"]
    return (np.array(said) - zero_point) * (scale or 1)


@pytest.mark.parametrize("kind", CONVERTED)
def test_it_answers_as_the_float_model(kind: str) -> None:
    model = CONVERTED[kind]()
    # An output step is 1/256.
    np.testing.assert_allclose(answers(quantised(model)), model.predict(PICTURES, verbose=0), atol=0.012)


@pytest.mark.parametrize("kind", REFUSED)
def test_what_has_no_int8_form_is_named(kind: str) -> None:
    build, named = REFUSED[kind]
    with pytest.raises(ConversionRefused, match=f"^no int8 form for {re.escape(named)}"):
        quantised(build())


def test_unrolling_changes_nothing_but_the_loop() -> None:
    model = recurrent(L.Bidirectional(L.LSTM(4, return_sequences=True)), L.GRU(4))
    float_graph = calibrated(model).graph
    np.testing.assert_allclose(answers(float_graph), model.predict(PICTURES, verbose=0), atol=1e-5)
    recurrent_layers = [layer for layer in model._flatten_layers() if isinstance(layer, L.RNN)]
    assert len(recurrent_layers) >= 3
    assert not any(layer.unroll for layer in recurrent_layers)  # as it was before


def test_too_many_steps_are_refused() -> None:
    model = network(L.Reshape((784, 1)), L.LSTM(4))
    with pytest.raises(ConversionRefused, match=f"LSTM: .*784 steps are too many, {LONGEST} at most"):
        calibrated(model)


def test_an_error_leaves_the_layers_as_they_were() -> None:
    model = recurrent(L.LSTM(4))
    with pytest.raises(KeyError), unrolled(model, keras):
        assert model.layers[2].unroll
        raise KeyError
    assert not model.layers[2].unroll
