"""Frames at working size: exact means, whatever the size."""

from __future__ import annotations

import numpy as np
import pytest

from edge.isolation.shrinking import WORKING_SIZE, shrunk
from edge.opencv import cv2


def frame(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((480, 640), (84, 112)),
        ((1080, 1920), (63, 112)),
        ((2000, 3), (112, 1)),
        ((113, 113), (112, 112)),
        ((223, 150), (112, 75)),
        ((50, 60), (50, 60)),
    ],
)
def test_frames_are_shrunk_to_the_working_size_and_small_ones_stay(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert shrunk(frame(*size)).shape == (*expected, 3)
    assert max(expected) <= WORKING_SIZE


def test_shrinking_averages_areas_exactly() -> None:
    """Of a frame of 150 x 200, each pixel of 84 x 112 is the mean of 25/14 pixels each way, halves rounded up."""
    pixels = frame(150, 200)
    found = shrunk(pixels)
    fine = pixels.astype(np.int64).repeat(14, axis=0).repeat(14, axis=1)
    sums = fine.reshape(84, 25, 112, 25, 3).sum(axis=(1, 3))
    np.testing.assert_array_equal(found, (2 * sums + 625) // 1250)


@pytest.mark.parametrize("factor", [*range(2, 21), 40, 255, 256, 257])
def test_a_whole_number_of_times_is_as_opencv_has_it(factor: int) -> None:
    """With what is left over cut off, and for the brightest frame, whose sums are the largest."""
    height, width = 3 * factor + factor // 2, WORKING_SIZE * factor
    for pixels in (frame(height, width), np.full((height, width, 3), 255, np.uint8)):
        whole = pixels[: 3 * factor]
        expected = cv2.resize(whole, (WORKING_SIZE, 3), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(shrunk(pixels), expected)


@pytest.mark.parametrize("narrow", [1, 2, 15, 100, 250])
def test_a_side_shorter_than_the_factor_becomes_one_pixel(narrow: int) -> None:
    long = 256 * WORKING_SIZE
    for pixels in (frame(long, narrow), frame(narrow, long), np.full((long, narrow, 3), 255, np.uint8)):
        size = (1, WORKING_SIZE) if pixels.shape[1] == narrow else (WORKING_SIZE, 1)
        expected = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(shrunk(pixels).ravel(), expected.ravel())


def test_a_part_of_a_frame_is_a_frame() -> None:
    pixels = frame(500, 700)
    np.testing.assert_array_equal(shrunk(pixels[10:490, 30:670]), shrunk(pixels[10:490, 30:670].copy()))
