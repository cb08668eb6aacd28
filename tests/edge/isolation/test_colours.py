"""Masks drawn anew by colours: on grounds of several colours, exactly, and never worse off than before."""

from __future__ import annotations

import numpy as np
import pytest

from edge.isolation import garment as isolation
from edge.isolation.cleaning import cleaned
from edge.isolation.colours import BINS, bin_numbers, garment_levels
from edge.isolation.garment import Scene, find_garment
from edge.isolation.ground import difference, strip_of, threshold_of
from edge.opencv import cv2
from tests.edge.isolation.test_ground import inside, lab_of, scene


def rug() -> np.ndarray:
    """A grey shirt on a rug of black and white stripes, between whose colours it lies: uint8 (112, 84, 3)."""
    pixels = scene((30, 30, 30), (125, 130, 135), noise=6)
    striped = np.zeros((112, 84), bool)
    striped[:, (np.arange(84) // 7) % 2 == 1] = True
    pixels[striped & ~inside()] = (225, 225, 225)
    return pixels


def overlap(mask: np.ndarray) -> float:
    """With the garment that was drawn: 1 where equal."""
    return float((mask & inside()).sum() / (mask | inside()).sum())


def test_a_rug_of_two_colours_is_ground() -> None:
    lab, strip = lab_of(rug()), strip_of(112, 84)
    levels = difference(lab, strip)
    by_one_colour = cleaned(levels > threshold_of(levels))
    found = find_garment(rug())
    assert overlap(by_one_colour) < 0.75  # one colour for the ground fails: else this test would hold nothing
    assert overlap(found.masks[0]) > 0.9
    assert found.scene is Scene.GARMENT


def test_a_ground_of_one_colour_is_no_harder() -> None:
    for garment in ((200, 60, 40), (30, 30, 30), (120, 150, 190)):
        found = find_garment(scene((90, 130, 170), garment, noise=5))
        assert all(overlap(mask) > 0.9 for mask in found.masks)


def test_levels_follow_the_colours_of_a_rough_mask() -> None:
    """A third of the garment, at one side, is enough to find the rest of it."""
    lab, strip = lab_of(scene((90, 130, 170), (60, 40, 140), noise=5)), strip_of(112, 84)
    rough = inside()
    rough[:, 36:] = False
    levels = garment_levels(bin_numbers(lab), rough, strip)
    assert levels.dtype == np.uint8
    assert overlap(levels > 128) > 0.9


def test_levels_are_those_of_two_smoothed_histograms() -> None:
    """Against a plain computation, bin by bin; rounding to whole levels may differ by one."""
    lab = lab_of(np.random.default_rng(3).integers(0, 256, (40, 50, 3), np.uint8))
    mask = np.zeros((40, 50), bool)
    mask[10:30, 15:35] = True
    strip = strip_of(40, 50)
    numbers = bin_numbers(lab)
    cells = np.stack(np.unravel_index(numbers, (BINS,) * 3), axis=-1)
    down = (2 * np.arange(40) + 1 - 40) / 40
    right = (2 * np.arange(50) + 1 - 50) / 50
    central = np.floor(1000 / (1 + 4 * (down[:, np.newaxis] ** 2 + right**2)))
    counts = np.zeros((2, BINS + 2, BINS + 2, BINS + 2))
    for (row, column), cell in zip(np.ndindex(40, 50), cells.reshape(-1, 3), strict=True):
        place = tuple(cell + 1)
        counts[(0, *place)] += central[row, column] * mask[row, column]
        counts[(1, *place)] += (not mask[row, column]) + 4 * strip[row, column]
    kernel = np.array([1, 2, 1])
    cube = kernel[:, None, None] * kernel[:, None] * kernel
    shares = [count / count[1:-1, 1:-1, 1:-1].sum() for count in counts]
    expected = np.zeros((40, 50))
    for row, column in np.ndindex(40, 50):
        window = tuple(slice(place, place + 3) for place in cells[row, column])
        garment, ground = (float((share[window] * cube).sum()) for share in shares)
        near = np.sqrt(central[row, column] / central.mean())
        # Shares of smoothed histograms: what smoothing takes over the cube's faces leaves their ratio a little off.
        expected[row, column] = 255 * near * garment / (near * garment + ground)
    found = garment_levels(numbers, mask, strip)
    smooth = cv2.blur(np.rint(expected).astype(np.uint8), (3, 3))
    assert np.abs(found.astype(int) - smooth.astype(int)).max() <= 4


def test_extreme_frames_are_borne() -> None:
    """Nothing but garment, one pixel of it, colours at the ends of every scale."""
    strip = strip_of(30, 40)
    extreme = np.random.default_rng(1).choice(np.array([0, 255], np.uint8), (30, 40, 3))
    one = np.zeros((30, 40), bool)
    one[15, 20] = True
    for lab in (extreme, np.zeros_like(extreme), np.full_like(extreme, 255)):
        numbers = bin_numbers(lab)
        assert numbers.min() >= 0 and numbers.max() < BINS**3
        for mask in (one, np.ones((30, 40), bool), ~strip):
            levels = garment_levels(numbers, mask, strip)
            assert levels.shape == (30, 40)


@pytest.mark.parametrize("name", ["MIDDLE_LEVEL", "LEVELS"])
def test_a_mask_of_which_nothing_is_left_stays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolation, name, 255 if name == "MIDDLE_LEVEL" else (255, 255, 255))
    (mask,) = find_garment(scene((90, 130, 170), (60, 40, 140), noise=5)).masks
    assert overlap(mask) > 0.9
