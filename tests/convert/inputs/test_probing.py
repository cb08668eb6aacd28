"""Models that say nothing about themselves: their pixel range and kind of scores are measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from convert.inputs.keras_interpreter import KerasInterpreter
from convert.inputs.probing import RANGES, gives_logits, measure_range
from convert.settings import PixelRange
from edge.datasets.dataset import Dataset
from edge.errors import FloatModelUnreadable
from edge.inference.classifier import open_classifier
from edge.inference.interpreters import open_interpreter
from edge.inference.model_file import read_model

if TYPE_CHECKING:
    from tests.convert.conftest import Layers, Quantize, Trainer


def plain_layers(shape: tuple[int, ...] = (28, 28), activation: str | None = "softmax", bias: bool = True) -> list[Any]:
    """A network that leaves the scaling of its pixels to the caller."""
    import keras

    hidden = keras.layers.Dense(24, "relu", use_bias=bias)
    return [
        keras.Input(shape),
        keras.layers.Flatten(),
        hidden,
        keras.layers.Dense(10, activation, use_bias=bias),
    ]


@pytest.mark.parametrize("pixels", [PixelRange.UNIT, PixelRange.SIGNED, PixelRange.BYTE])
def test_each_range_is_found(train: Trainer, mlp_layers: Layers, training: Dataset, pixels: PixelRange) -> None:
    image = RANGES[pixels]
    layers = mlp_layers() if pixels is PixelRange.BYTE else plain_layers()
    found, fits = measure_range(KerasInterpreter(train(layers, image.low, image.high)), training)
    assert found == image
    assert fits[pixels].accuracy > 0.7


def test_a_network_without_biases_betrays_its_range_by_its_certainty(train: Trainer, training: Dataset) -> None:
    """It gives the same answers for 0..1 and 0..255, so accuracy cannot tell; log loss can."""
    found, fits = measure_range(KerasInterpreter(train(plain_layers(bias=False), 0, 1)), training)
    assert fits[PixelRange.BYTE].accuracy == pytest.approx(fits[PixelRange.UNIT].accuracy, abs=0.002)
    assert fits[PixelRange.BYTE].log_loss > 2 * fits[PixelRange.UNIT].log_loss
    assert found == RANGES[PixelRange.UNIT]


def test_an_untrained_network_has_no_range(training: Dataset) -> None:
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, "softmax", kernel_initializer="zeros")])
    with pytest.raises(FloatModelUnreadable, match="recognises hardly anything"):
        measure_range(KerasInterpreter(model), training)


@pytest.mark.parametrize(("activation", "logits"), [("softmax", False), (None, True), ("sigmoid", True)])
def test_logits_are_told_from_probabilities(training: Dataset, activation: str | None, logits: bool) -> None:
    import keras

    model = keras.Sequential(plain_layers(activation=activation))
    assert gives_logits(KerasInterpreter(model), RANGES[PixelRange.UNIT], training.images[:200]) is logits


def test_answers_that_are_not_numbers_are_refused(training: Dataset) -> None:
    import keras

    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, kernel_initializer="ones")])
    model.layers[0].kernel.assign(np.full((784, 10), 1e38, np.float32))
    with pytest.raises(FloatModelUnreadable, match="NaN or infinity"):
        gives_logits(KerasInterpreter(model), RANGES[PixelRange.BYTE], training.images[:10])


def test_a_users_own_model_with_logits_for_zero_to_one(
    train: Trainer, quantize: Quantize, test_data: Dataset, tmp_path: Path
) -> None:
    """From end to end: the file says nothing, the manifest says all, and the device's code gets it right."""
    path = tmp_path / "own.keras"
    train(plain_layers((28, 28, 1), activation=None), 0, 1, from_logits=True).save(path)
    result = quantize(path, "--max-drop", 2, "--name", "my own")
    assert result.exception is None, result.exception
    assert "0..1 fits best" in result.stdout
    assert "it cannot be known whether training saw" in result.stdout
    model = read_model(str(tmp_path / "own_int8.tflite"))
    assert model.name == "my own"
    assert model.gives_logits
    assert model.image == RANGES[PixelRange.UNIT]
    classifier = open_classifier(model, open_interpreter(model))
    scores = classifier.probabilities(test_data.images[:1000])
    assert np.mean(scores.argmax(axis=1) == test_data.labels[:1000]) > 0.7
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    assert json.loads((tmp_path / "own_int8.report.json").read_text("utf-8"))["keras"]["training"] is None


def test_a_flat_input_and_a_pinned_range(train: Trainer, quantize: Quantize, tmp_path: Path) -> None:
    path = tmp_path / "flat.keras"
    train(plain_layers((784,)), -1, 1).save(path)
    result = quantize(path, "--max-drop", 5, "--pixels", "-1..1")
    assert result.exception is None, result.exception
    assert "fits best" not in result.stdout
    image = read_model(str(tmp_path / "flat_int8.tflite")).image
    assert image == RANGES[PixelRange.SIGNED]
