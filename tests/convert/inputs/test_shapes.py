"""Sizes are read off the model; those that the data does not fit are refused, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from convert.inputs import keras_file
from convert.inputs.input_spec import infer_input_spec
from convert.inputs.shapes import picture_size, takes_the_data
from convert.settings import PixelRange, Settings
from edge.datasets.dataset import Dataset
from edge.errors import KerasModelUnreadable
from edge.spec import FASHION_MNIST_LABELS, ImageSpec


@pytest.mark.parametrize(
    ("shape", "size", "taken"),
    [
        ((28, 28), (28, 28), True),
        ((56, 56, 1), (56, 56), True),
        ((56 * 56,), (56, 56), True),
        ((504, 504), (504, 504), True),
        ((532, 532), (532, 532), False),
        ((32, 32), (32, 32), False),
        ((56, 28), (56, 28), False),
        ((14, 14), (14, 14), False),
        ((28, 28, 3), None, False),
        ((1, 28, 28), None, False),
        ((783,), None, False),
        ((None, 28), None, False),
        ((None,), None, False),
        ((-1, 28), None, False),
        ((), None, False),
    ],
)
def test_the_size_is_read_off_the_shape(
    shape: tuple[int | None, ...], size: tuple[int, int] | None, taken: bool
) -> None:
    assert (picture_size(shape), takes_the_data(shape)) == (size, taken)


@pytest.mark.parametrize("shape", [(32, 32), (56, 28), (532, 532)])
def test_other_sizes_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    import keras

    path = tmp_path / "m.keras"
    keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(10)]).save(path)
    with pytest.raises(KerasModelUnreadable, match="expected an input of one of the shapes") as caught:
        keras_file.load(path, FASHION_MNIST_LABELS)
    assert "enlarged by repeating" in caught.value.hint


def test_a_range_that_is_told_leaves_the_size_to_the_model(tmp_path: Path, training: Dataset) -> None:
    import keras

    path = tmp_path / "m.keras"
    layers = [keras.layers.Flatten(), keras.layers.Dense(10, "softmax", kernel_initializer="zeros")]
    keras.Sequential([keras.Input((56, 56)), *layers]).save(path)
    source = keras_file.load(path, FASHION_MNIST_LABELS)
    settings = Settings(path, pixels=PixelRange.UNIT)
    found = infer_input_spec(settings, source, source.interpreter, training.first(300))
    assert found.image == ImageSpec(56, 56, 0, 1)
    assert not found.gives_logits
