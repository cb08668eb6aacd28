"""Numbers become tensors by the book: the TFLite 8-bit quantisation specification."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.spec import FASHION_MNIST_LABELS, SURE, ImageSpec, ScoreCalibration, TensorSpec

INT8 = np.dtype(np.int8)


def test_there_are_ten_labels_in_the_order_of_fashion_mnist() -> None:
    assert len(set(FASHION_MNIST_LABELS)) == 10
    assert (FASHION_MNIST_LABELS[0], FASHION_MNIST_LABELS[6], FASHION_MNIST_LABELS[9]) == (
        "T-shirt/top",
        "Shirt",
        "Ankle boot",
    )


def test_bytes_map_to_the_range_of_the_model() -> None:
    pixels = np.array([0, 51, 255], np.uint8)
    np.testing.assert_allclose(ImageSpec().normalise(pixels), [0, 51, 255])
    np.testing.assert_allclose(ImageSpec(low=0, high=1).normalise(pixels), [0, 0.2, 1], rtol=1e-6)
    np.testing.assert_allclose(ImageSpec(low=-1, high=1).normalise(pixels), [-1, -0.6, 1], rtol=1e-6)


@pytest.mark.parametrize("wrong", [{"height": 0}, {"width": -1}, {"low": 1.0, "high": 1.0}])
def test_an_impossible_image_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        ImageSpec(**wrong)  # type: ignore[arg-type]


def test_an_int8_input_of_scale_one_is_exactly_the_pixel_minus_128() -> None:
    tensor = TensorSpec((1, 28, 28), INT8, 1.0, -128)
    every_byte = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(tensor.encode(ImageSpec().normalise(every_byte)), np.arange(-128, 128))


def test_float_tensors_pass_values_through() -> None:
    tensor = TensorSpec((1, 2), np.dtype(np.float32), 0.0, 0)
    values = np.array([[0.25, -3.0]], np.float32)
    np.testing.assert_array_equal(tensor.decode(tensor.encode(values)), values)


@given(st.floats(1e-4, 10), st.integers(-128, 127), st.floats(-1000, 1000))
def test_encoding_saturates_and_loses_at_most_half_a_step(scale: float, zero_point: int, value: float) -> None:
    tensor = TensorSpec((1,), INT8, scale, zero_point)
    restored = float(tensor.decode(tensor.encode(np.array([value], np.float32)))[0])
    lowest, highest = (-128 - zero_point) * scale, (127 - zero_point) * scale
    assert abs(restored - min(max(value, lowest), highest)) <= scale * 0.501 + 1e-3


@given(st.floats(0.01, 10), st.floats(0, 1), st.none() | st.floats(0, 1))
def test_a_score_calibration_is_read_as_it_was_written(
    temperature: float, below: float, exit_from: float | None
) -> None:
    calibration = ScoreCalibration(temperature, below, exit_from)
    fields = calibration.as_json()
    assert ScoreCalibration.from_json(fields) == calibration
    assert set(fields.get("doubt", {})) <= {"temperature", "unknown_below"}, "version 0.1.0 refuses a third one"


def test_of_a_sure_model_nothing_is_written_and_nothing_is_read_as_one() -> None:
    assert SURE.as_json() == {}
    assert ScoreCalibration.from_json({"name": "mine"}) == SURE


@pytest.mark.parametrize("early_exit", [-0.1, 1.1, float("nan"), "sure"])
def test_an_early_exit_is_a_score(early_exit: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        ScoreCalibration.from_json({"early_exit": early_exit})


def test_a_doubt_of_other_fields_is_refused() -> None:
    with pytest.raises(ValueError, match="unexpected: sureness"):
        ScoreCalibration.from_json({"doubt": {"sureness": 1}})


@pytest.mark.parametrize(
    ("model", "picture", "times"),
    [
        ((28, 28), (28, 28), 1),
        ((56, 56), (56, 56), 1),
        ((56, 56), (28, 28), 2),
        ((84, 56), (42, 28), 2),
        ((224, 224), (28, 28), 8),
        ((56, 28), (28, 28), 0),  # not the same both ways
        ((32, 32), (28, 28), 0),
        ((28, 28), (56, 56), 0),
        ((28, 28), (14, 14), 0),  # smaller than any data set's
        ((56, 56), (14, 14), 0),
        ((14, 14), (14, 14), 1),
        ((28, 28), (1, 1), 0),
    ],
)
def test_a_picture_fits_a_model_a_whole_number_of_times(
    model: tuple[int, int], picture: tuple[int, int], times: int
) -> None:
    assert ImageSpec(*model).repeats(*picture) == times
