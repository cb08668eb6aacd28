"""Night frames have no colours, a lamp's light, lighter garments and noise, and the generator alone decides."""

from __future__ import annotations

import numpy as np
import pytest

from edge.isolation.colours import has_no_colour
from edge.isolation.lab import bgr_to_lab
from train.augment import night
from train.augment.night import night_frame


def photo(garment: tuple[int, int, int] = (60, 30, 30), ground: int = 200) -> np.ndarray:
    """A garment on an even ground: uint8 (240, 180, 3)."""
    pixels = np.full((240, 180, 3), ground, np.uint8)
    pixels[70:170, 55:125] = garment
    return pixels


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_frame_has_the_shape_of_the_photo_and_no_colours() -> None:
    pixels = photo((200, 40, 30))
    before = pixels.copy()
    frame = night_frame(pixels, rng())
    assert frame.shape == pixels.shape
    assert frame.dtype == np.uint8
    assert has_no_colour(bgr_to_lab(frame))
    np.testing.assert_array_equal(pixels, before)


def test_the_generator_alone_decides() -> None:
    one, same, other = (night_frame(photo(), rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("seed", range(5))
def test_the_corners_are_darker_than_the_middle(seed: int) -> None:
    frame = night_frame(np.full((240, 180, 3), 180, np.uint8), rng(seed)).astype(float)
    corners = [frame[rows, columns].mean() for rows in np.s_[:20, -20:] for columns in np.s_[:20, -20:]]
    assert max(corners) < frame[110:130, 80:100].mean()
    assert min(corners) < (1 - night.FALL[0] + 0.05) * 180


@pytest.mark.parametrize("seed", range(5))
def test_a_dark_garment_is_lighter_beside_its_ground_than_in_colour(seed: int) -> None:
    frame = night_frame(photo(), rng(seed)).astype(float)
    garment, ground = frame[110:130, 70:110].mean(), frame[110:130, [20, 21, 22, 160, 161, 162]].mean()
    grey = 34.0  # of the garment; its ground has 200
    assert garment > grey + 0.1 * (255 - grey)
    assert garment / ground > grey / 200 + 0.1


def test_the_sensor_is_noisy() -> None:
    frame = night_frame(photo(), rng())[:40, :40, 0].astype(float)
    assert np.diff(frame, axis=1).std() > 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (28, 28), (113, 57)])
def test_frames_of_any_shape_are_borne(shape: tuple[int, int]) -> None:
    pixels = rng().integers(0, 256, (*shape, 3), np.uint8)
    assert night_frame(pixels, rng()).shape == pixels.shape
