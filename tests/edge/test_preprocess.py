"""A frame becomes the picture that the network was trained on."""

from __future__ import annotations

import numpy as np

from edge.preprocess import border_brightness, is_blank, to_input
from edge.spec import ImageSpec
from edge.testing import FakeSource
from tests.conftest import Sample

SPEC = ImageSpec()


def colour(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[:, :, np.newaxis], 3, axis=2)


def test_every_picture_of_the_right_size_passes_through_untouched(sample: Sample) -> None:
    for grey in sample.images[:200]:
        np.testing.assert_array_equal(to_input(colour(grey), SPEC), grey)


def test_every_byte_survives_the_way_through_colour() -> None:
    grey = np.resize(np.arange(256, dtype=np.uint8), (28, 28))
    np.testing.assert_array_equal(to_input(colour(grey), SPEC), grey)


def test_a_garment_on_a_light_ground_is_negated_and_one_on_black_is_not(sample: Sample) -> None:
    small = sample.images[0]
    large = np.kron(small, np.ones((10, 10), np.uint8))
    np.testing.assert_array_equal(to_input(colour(large), SPEC), small)
    np.testing.assert_array_equal(to_input(colour(255 - large), SPEC), small)


def test_a_wide_frame_is_padded_with_its_ground_not_squeezed() -> None:
    frame = np.full((100, 300, 3), 250, np.uint8)
    frame[20:80, 120:180] = 10  # a dark square
    picture = to_input(frame, SPEC)
    rows, columns = np.nonzero(picture > 128)
    assert np.ptp(rows) == np.ptp(columns)
    assert picture[0, 0] == 5


def test_tiny_pictures_are_enlarged() -> None:
    frame = np.zeros((3, 3, 3), np.uint8)
    frame[1, 1] = 255
    assert to_input(frame, SPEC)[14, 14] > 200


def test_the_ground_is_the_median_of_the_border() -> None:
    grey = np.full((20, 20), 200, np.uint8)
    grey[0, :9] = 0  # a finger in the corner
    grey[5:15, 5:15] = 30
    assert border_brightness(grey) == 200


def test_blank_means_without_contrast() -> None:
    assert is_blank(np.full((28, 28), 90, np.uint8))
    assert not is_blank(to_input(FakeSource.draw(0), SPEC))
