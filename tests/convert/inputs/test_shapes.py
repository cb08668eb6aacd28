"""Sizes and channels are read off the model; what is no picture is refused, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from convert.inputs import keras_file
from convert.inputs.input_spec import infer_input_spec
from convert.inputs.shapes import check_labels, hint_for, picture_shape, takes_pictures
from convert.settings import PixelRange, Settings
from edge.datasets.dataset import Dataset
from edge.errors import FloatModelUnreadable, KerasModelUnreadable
from edge.spec import FASHION_MNIST_LABELS, ImageSpec


@pytest.mark.parametrize(
    ("shape", "picture", "taken"),
    [
        ((28, 28), (28, 28, 1), True),
        ((56, 56, 1), (56, 56, 1), True),
        ((56 * 56,), (56, 56, 1), True),
        ((512, 512), (512, 512, 1), True),
        ((513, 513), (513, 513, 1), False),
        ((32, 32), (32, 32, 1), True),
        ((48, 40, 3), (48, 40, 3), True),
        ((180, 180, 3), (180, 180, 3), True),
        ((7, 28), (7, 28, 1), False),
        ((28, 28, 4), None, False),
        ((3, 28, 28), None, False),
        ((783,), None, False),
        ((28 * 28 * 3,), None, False),
        ((None, None, 3), None, False),
        ((None,), None, False),
        ((-1, 28), None, False),
        ((), None, False),
    ],
)
def test_the_picture_is_read_off_the_shape(
    shape: tuple[int | None, ...], picture: tuple[int, int, int] | None, taken: bool
) -> None:
    assert (picture_shape(shape), takes_pictures(shape)) == (picture, taken)


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((3, 180, 180), "channels come first"),
        ((1, 28, 28), "channels come first"),
        ((None, None, 3), "left open"),
        ((28, 28, 4), "one channel"),
        ((600, 600, 3), "8 to 512 pixels"),
    ],
)
def test_others_are_refused_with_what_to_do(tmp_path: Path, shape: tuple[int, ...], hint: str) -> None:
    import keras

    assert hint in hint_for(shape)
    path = tmp_path / "m.keras"
    flat = keras.layers.GlobalAveragePooling2D() if None in shape else keras.layers.Flatten()
    keras.Sequential([keras.Input(shape), flat, keras.layers.Dense(10)]).save(path)
    with pytest.raises(KerasModelUnreadable, match="expected an input of one of the shapes") as caught:
        keras_file.load(path, FASHION_MNIST_LABELS)
    assert hint in caught.value.hint


def test_two_labels_may_have_one_score_and_others_not() -> None:
    check_labels(Path("m"), (None, 1), ("a", "b"))
    check_labels(Path("m"), (None, 2), ("a", "b"))
    for labels, shape in ((("a", "b", "c"), (None, 1)), (("a", "b"), (None, 3)), (("a", "b"), (None,))):
        with pytest.raises(FloatModelUnreadable, match="expected one output for each"):
            check_labels(Path("m"), shape, labels)


def test_a_range_that_is_told_leaves_the_size_to_the_model(tmp_path: Path, training: Dataset) -> None:
    import keras

    path = tmp_path / "m.keras"
    layers = [keras.layers.Flatten(), keras.layers.Dense(10, "softmax", kernel_initializer="zeros")]
    keras.Sequential([keras.Input((56, 56)), *layers]).save(path)
    source = keras_file.load(path, FASHION_MNIST_LABELS)
    settings = Settings(path, pixels=PixelRange.UNIT)
    found = infer_input_spec(settings, source, source.interpreter, training.first(300), ImageSpec(56, 56))
    assert found.image == ImageSpec(56, 56, 0, 1)
    assert not found.gives_logits
