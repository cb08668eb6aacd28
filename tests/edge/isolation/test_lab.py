"""Our 8-bit Lab is OpenCV's, for every colour that there is."""

from __future__ import annotations

import numpy as np
import pytest

from edge.isolation.lab import bgr_to_lab
from edge.opencv import cv2

SIXTEENTH = 16


@pytest.mark.parametrize("part", range(SIXTEENTH))
def test_every_colour_is_opencvs(part: int) -> None:
    green, red = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    for blue in range(part * 16, part * 16 + 16):
        pixels = np.stack([np.full_like(green, blue), green, red], axis=-1)
        expected = cv2.cvtColor(pixels, cv2.COLOR_BGR2Lab)
        np.testing.assert_array_equal(bgr_to_lab(pixels), np.moveaxis(expected, -1, 0))


def test_a_part_of_a_picture_and_a_single_pixel() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    np.testing.assert_array_equal(bgr_to_lab(pixels[3:30:2, ::-1]), bgr_to_lab(pixels)[:, 3:30:2, ::-1])
    assert bgr_to_lab(np.full((1, 1, 3), 255, np.uint8)).tolist() == [[[255]], [[128]], [[128]]]
