"""Masks refined by colours: on grounds of several colours, exactly, and never worse off than before."""

from __future__ import annotations

import numpy as np
import pytest

from edge.isolation import garment as isolation
from edge.isolation.cleaning import cleaned
from edge.isolation.colours import BINS, ColourCounts, bins_of
from edge.isolation.garment import Scene, find_garment
from edge.isolation.ground import difference, strip_of, threshold_of
from edge.opencv import cv2
from tests.edge.isolation.test_ground import ground_of, inside, lab_of, outlined, scene


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
    levels = difference(*ground_of(lab_of(rug())))
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
    lab = lab_of(scene((90, 130, 170), (60, 40, 140), noise=5))
    rough = inside()
    rough[:, 36:] = False
    levels = ColourCounts(lab).garment_levels(rough)
    assert levels.dtype == np.uint8
    assert overlap(levels > 128) > 0.9


def test_levels_are_those_of_two_smoothed_histograms() -> None:
    """Against a plain computation, bin by bin; rounding to whole levels may differ by one."""
    lab = lab_of(np.random.default_rng(3).integers(0, 256, (40, 50, 3), np.uint8))
    mask = np.zeros((40, 50), bool)
    mask[10:30, 15:35] = True
    strip = strip_of(40, 50)
    colours = np.clip((lab[1:].astype(int) - 128) // 6 + 8, 0, 15)
    np.testing.assert_array_equal(bins_of(lab), np.stack([lab[0] // 16, *colours]))
    cells = np.moveaxis(bins_of(lab).astype(int), 0, -1)
    down = (2 * np.arange(40) + 1 - 40) / 40
    right = (2 * np.arange(50) + 1 - 50) / 50
    central = np.floor(1000 / (1 + 4 * (down[:, np.newaxis] ** 2 + right**2)))
    garment, ground = np.zeros((2, BINS, BINS, BINS))
    for row, column in np.ndindex(40, 50):
        for step in np.ndindex(3, 3, 3):
            place = tuple(cells[row, column] + step - 1)
            if min(place) < 0 or max(place) >= BINS:
                continue
            share = 2 ** step.count(1)
            garment[place] += share * central[row, column] * mask[row, column]
            ground[place] += share * ((not mask[row, column]) + 4 * strip[row, column])
    of_garment, of_ground = ((count / count.sum())[tuple(np.moveaxis(cells, -1, 0))] for count in (garment, ground))
    near = np.sqrt(central / central.mean())
    expected = np.rint(255 * near * of_garment / (near * of_garment + of_ground)).astype(np.uint8)
    found = ColourCounts(lab).garment_levels(mask)
    assert np.abs(found.astype(int) - cv2.blur(expected, (3, 3)).astype(int)).max() <= 1


def test_extreme_frames_are_borne() -> None:
    """Nothing but garment, one pixel of it, colours at the ends of every scale."""
    strip = strip_of(30, 40)
    extreme = np.random.default_rng(1).choice(np.array([0, 255], np.uint8), (3, 30, 40))
    one = np.zeros((30, 40), bool)
    one[15, 20] = True
    for lab in (extreme, np.zeros_like(extreme), np.full_like(extreme, 255)):
        counts = ColourCounts(lab)
        for mask in (one, np.ones((30, 40), bool), ~strip):
            assert counts.garment_levels(mask).shape == (30, 40)
            assert 0 <= counts.overlap(mask) <= 1


@pytest.mark.parametrize(("names", "masks"), [(["MIDDLE_LEVEL"], 3), (["LEVEL", "TIGHT_LEVEL"], 1)])
def test_a_mask_of_which_nothing_is_left_stays(names: list[str], masks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in names:
        monkeypatch.setattr(isolation, name, 255)
    found = find_garment(scene((90, 130, 170), (60, 40, 140), noise=5)).masks
    assert len(found) == masks
    assert all(overlap(mask) > 0.9 for mask in found)


def test_of_a_pale_shirt_one_mask_holds_more_than_its_print() -> None:
    """By the border only the print stands out: the shirt has the ground's colours."""
    first, second, _ = find_garment(outlined()).masks
    assert overlap(second) > 2 * overlap(first)
