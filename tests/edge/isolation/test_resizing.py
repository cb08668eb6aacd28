"""Pictures at another size: exact, and as Keras has them to within one level."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from edge.isolation.resizing import MOST_SUMMED, resized
from edge.spec import Resampling
from tests.edge.isolation.drawn_frames import drawn

SIZES = (
    *(((480, 640), (180, 180)), ((1080, 1920), (224, 224)), ((479, 641), (181, 97)), ((28, 28), (180, 180))),
    *(((1, 500), (64, 64)), ((500, 1), (64, 64)), ((3000, 40), (96, 96)), ((240, 320), (239, 321)), ((2, 2), (7, 5))),
    ((101, 97), (512, 512)),
)
"""Of frames and pictures: shrunk, enlarged, both at once, one pixel wide."""


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3)).astype(np.uint8)


def mean_under(pixels: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The mean of what lies under each pixel, halves rounded up, in fractions: uint8 (H, W) -> int (rows, columns)."""
    found = np.empty((rows, columns), int)
    weights = []
    for source, target in zip(pixels.shape, (rows, columns), strict=True):
        edges = [Fraction(number * source, target) for number in range(target + 1)]
        weights.append(
            [
                {at: min(b, at + 1) - max(a, at) for at in range(int(a), min(source, int(b) + 1))}
                for a, b in pairwise(edges)
            ]
        )
    for row, down in enumerate(weights[0]):
        for column, across in enumerate(weights[1]):
            total = sum(down[y] * across[x] * int(pixels[y, x]) for y in down for x in across)
            found[row, column] = int(total * rows * columns / Fraction(pixels.size) + Fraction(1, 2))
    return found


@pytest.mark.parametrize(("source", "target"), [((130, 9), (7, 5)), ((9, 130), (9, 100)), ((40, 30), (21, 17))])
def test_areas_are_averaged_exactly(source: tuple[int, int], target: tuple[int, int]) -> None:
    """Noise, and white, where sums are largest."""
    for pixels in (noise(*source), np.full((*source, 3), 255, np.uint8)):
        found = resized(pixels, *target, Resampling.AREA)
        for channel in (0, 2):
            np.testing.assert_array_equal(found[..., channel], mean_under(pixels[..., channel], *target))


@pytest.mark.parametrize(
    ("source", "target"),
    [((480, 640), (180, 180)), ((1200, 2000), (224, 300)), ((300, 400), (300, 7)), ((25, 9000), (1, 512))],
)
def test_areas_of_frames_are_averaged_exactly(source: tuple[int, int], target: tuple[int, int]) -> None:
    """Against a mean in int64, from the sums of all that lies above and left of an edge; white, too."""
    for pixels in (noise(*source), np.full((*source, 3), 255, np.uint8)):
        sums = np.zeros((source[0] + 1, source[1] + 1, 3), np.int64)
        sums[1:, 1:] = pixels.astype(np.int64).cumsum(axis=0).cumsum(axis=1)
        for axis, (before, after) in enumerate(zip(source, target, strict=True)):
            low, away = np.divmod(np.arange(after + 1) * before, after)
            away = away.reshape([-1 if one == axis else 1 for one in range(3)])
            next_one = np.minimum(low + 1, before)
            sums = np.take(sums, low, axis) * (after - away) + np.take(sums, next_one, axis) * away
        totals = np.diff(np.diff(sums, axis=0), axis=1)
        count = source[0] * source[1]
        np.testing.assert_array_equal(resized(pixels, *target, Resampling.AREA), (2 * totals + count) // (2 * count))


def test_of_frames_whose_sums_need_more_bits_too() -> None:
    """Of 12 million pixels, as a Pi's camera takes pictures, with equal rows; and white ones."""
    pixels = noise(3040, 4000)
    pixels[:] = pixels[:1]
    assert pixels[..., 0].size > MOST_SUMMED
    of_row = mean_under(pixels[:1, :, 0], 1, 80)
    found = resized(pixels, 152, 80, Resampling.AREA)
    np.testing.assert_array_equal(found[..., 0], np.repeat(of_row, 152, axis=0))
    assert (resized(np.full_like(pixels, 255), 151, 79, Resampling.AREA) == 255).all()


@pytest.mark.parametrize("how", Resampling)
def test_a_picture_of_that_size_comes_back_itself(how: Resampling) -> None:
    pixels = noise(28, 31)
    assert resized(pixels, 28, 31, how) is pixels


@pytest.mark.parametrize("how", Resampling)
@pytest.mark.parametrize(("source", "target"), SIZES)
def test_one_colour_stays_that_colour(how: Resampling, source: tuple[int, int], target: tuple[int, int]) -> None:
    colour = (0, 127, 255)
    found = resized(np.full((*source, 3), colour, np.uint8), *target, how)
    assert found.shape == (*target, 3)
    assert found.dtype == np.uint8
    assert (found == colour).all()


@pytest.mark.parametrize("how", Resampling)
def test_part_of_a_frame_is_resized_as_a_copy_of_it(how: Resampling) -> None:
    part = noise(300, 400)[7:250, 11:390]
    np.testing.assert_array_equal(resized(part, 64, 80, how), resized(part.copy(), 64, 80, how))


def test_bilinear_is_that_of_tensorflow_to_within_one_level() -> None:
    """Of noise one value in nine at most differs, of a frame with slopes and edges one in forty."""
    tensorflow = pytest.importorskip("tensorflow", reason="the device has none")
    apart = {"noise": [], "drawn": []}
    for source, target in SIZES:
        for kind, pixels in (("noise", noise(*source)), ("drawn", drawn("specks", *source, seed=3))):
            theirs = tensorflow.image.resize(pixels, target).numpy()
            ours = resized(pixels, *target, Resampling.BILINEAR)
            assert np.abs(ours - theirs).max() < 1.2, (kind, source, target)
            levels = np.abs(ours - np.rint(theirs))
            assert levels.max() <= 1, (kind, source, target)
            apart[kind].append(levels.ravel())
    assert np.concatenate(apart["noise"]).mean() < 0.11
    assert np.concatenate(apart["drawn"]).mean() < 0.025
