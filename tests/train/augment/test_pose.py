"""Garments lie as in photos: each variation does what it says, to its classes alone, and the generator decides."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from train.augment.layers import cut_out
from train.augment.pose import SMALLEST_COVER, change_contrast, pair_shoes, spoil_mask, swing_sleeves, tilt

ALWAYS = np.ones(10)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def pullovers(count: int = 40) -> np.ndarray:
    """Bodies with two sleeves hanging down, a gap between."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 3:26, 9:19] = 150
    images[:, 3:8, 3:25] = 150
    images[:, 3:25, 3:7] = 200
    images[:, 3:25, 21:25] = 200
    return images


def shoes(count: int = 40) -> np.ndarray:
    """Low shoes with the toe to the left."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 14:19, 1:27] = 180
    images[:, 10:14, 16:27] = 120
    return images


def labels(number: int, count: int = 40) -> np.ndarray:
    return np.full(count, number, np.uint8)


def mass(images: np.ndarray) -> np.ndarray:
    return images.sum(axis=(1, 2), dtype=np.float64)


def test_swung_sleeves_reach_further_out_and_weigh_as_much() -> None:
    """But for what the picture shrinks by, at most 1.55 both ways, and what leaves the frame."""
    before = pullovers()
    after = swing_sleeves(before, labels(2), rng(), ALWAYS)
    assert not before[:, :, [0, 1, 2, 25, 26, 27]].any()
    assert (after[:, :, [0, 1, 2, 25, 26, 27]] > 60).any(axis=(1, 2)).mean() > 0.8
    ratios = mass(after) / mass(before)
    assert ratios.max() < 1.1
    assert ratios.min() > 0.8 / 1.55**2
    # Where the sleeves hung, between the body and the frame's lower corners, there is less.
    assert after[:, 20:25, 3:25].mean() < 0.8 * before[:, 20:25, 3:25].mean()


def test_most_swung_sleeves_are_whole() -> None:
    """A bright cuff at each sleeve's end is still seen."""
    images = np.minimum(pullovers(200), 120)
    images[:, 21:25, 3:7] = images[:, 21:25, 21:25] = 250
    after = swing_sleeves(images, labels(2, 200), rng(), ALWAYS)
    cuffs = [(after[:, :, half] > 150).any(axis=(1, 2)) for half in (slice(14), slice(14, 28))]
    assert (cuffs[0] & cuffs[1]).mean() > 0.7  # by 0.55 of the turn alone, 0.54


def test_both_sleeves_turn_outwards_alike() -> None:
    after = swing_sleeves(pullovers(200), labels(2, 200), rng(), ALWAYS).astype(float)
    mean = after.mean(axis=0)
    np.testing.assert_allclose(mean, mean[:, ::-1], atol=25)


@pytest.mark.parametrize("number", [1, 5, 7, 8, 9])
def test_what_has_no_sleeves_is_not_swung(number: int) -> None:
    np.testing.assert_array_equal(swing_sleeves(pullovers(), labels(number), rng()), pullovers())


def test_a_vest_has_no_sleeves_to_swing() -> None:
    vest = np.zeros((20, 28, 28), np.uint8)
    vest[:, 1:27, 8:20] = 180
    np.testing.assert_array_equal(swing_sleeves(vest, labels(0, 20), rng(), ALWAYS), vest)


def test_a_pair_is_two_shoes_apart_or_touching() -> None:
    after = pair_shoes(shoes(), labels(7), rng(), ALWAYS)
    parts = np.array([cv2.connectedComponents((image > 60).astype(np.uint8))[0] - 1 for image in after])
    assert (parts <= 2).all()
    assert (parts == 2).mean() > 0.4
    # Two copies, each shrunk by 1.15 to 1.5 both ways; they may overlap.
    assert (mass(after) < 2 / 1.1**2 * mass(shoes())).all()
    assert (mass(after) > 0.8 / 1.5**2 * 2 * mass(shoes())).mean() > 0.9


def test_more_pairs_stand_than_lie() -> None:
    bars = np.zeros((400, 28, 28), np.uint8)
    bars[:, 13:15, 1:27] = 180
    after = pair_shoes(bars, labels(9, 400), rng(), ALWAYS) > 60
    heights, widths = (np.array([np.ptp(np.flatnonzero(image.any(axis=axis))) for image in after]) for axis in (1, 0))
    assert 0.5 < (heights > widths).mean() < 0.75


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 6, 8])
def test_only_shoes_come_in_pairs(number: int) -> None:
    np.testing.assert_array_equal(pair_shoes(shoes(), labels(number), rng()), shoes())


def test_about_half_of_the_shoes_are_paired() -> None:
    after = pair_shoes(shoes(400), labels(5, 400), rng())
    assert 0.4 < (after != shoes(400)).any(axis=(1, 2)).mean() < 0.6


def test_a_tilt_moves_the_middle_and_turns_by_at_most_its_amount() -> None:
    bars = np.zeros((200, 28, 28), np.uint8)
    bars[:, 4:24, 12:16] = 200
    after = tilt(bars, rng())
    middles = np.array([np.argwhere(image > 60).mean(axis=0) - 13.5 for image in after])
    assert 2.5 < np.abs(middles).max() < 5
    assert np.abs(middles.mean(axis=0)).max() < 0.5
    np.testing.assert_array_equal(tilt(bars, rng(), 0.0), bars)


def test_contrast_keeps_the_ground_black_the_garment_off_black_and_the_mean() -> None:
    images = np.zeros((100, 28, 28), np.uint8)
    images[:, 5:23, 5:23] = rng().integers(90, 160, (100, 18, 18))
    after = change_contrast(images, rng())
    assert (after[images == 0] == 0).all()
    assert (after[images > 0] >= 10).all()
    inside = images[0] > 0
    np.testing.assert_allclose(after[:, inside].mean(axis=1), images[:, inside].mean(axis=1), atol=1)
    ratios = after[:, inside].std(axis=1) / images[:, inside].std(axis=1)
    assert 0.58 < ratios.min() < 0.7
    assert 1.3 < ratios.max() < 1.42


def test_a_spoilt_mask_loses_parts_gains_others_and_keeps_most() -> None:
    images = np.zeros((400, 28, 28), np.uint8)
    images[:, 5:23, 8:20] = 150
    after = spoil_mask(images, rng())
    inside = images[0] > 0
    kept = (after[:, inside] > 30).mean(axis=1)
    assert kept.min() >= SMALLEST_COVER - 0.05
    assert 0.3 < (kept < 0.99).mean() < 0.7
    assert 0.15 < (after[:, ~inside] > 0).any(axis=1).mean() < 0.4


def test_a_thin_garment_is_not_bitten_away() -> None:
    straps = np.zeros((400, 28, 28), np.uint8)
    straps[:, 12:15, 10:17] = 150
    after = spoil_mask(straps, rng())
    assert (after[:, 12:15, 10:17] > 30).mean(axis=(1, 2)).min() >= SMALLEST_COVER - 0.05


def test_the_darkest_parts_stay_off_the_ground() -> None:
    images = np.zeros((100, 28, 28), np.uint8)
    images[:, 5:23, 5:14] = 12
    images[:, 5:23, 14:23] = 240
    after = change_contrast(images, rng(), 1.2, 1.4)
    assert (after[:, 5:23, 5:14] == 10).all()


def test_gaps_inside_a_garment_belong_to_it_and_the_ground_does_not() -> None:
    images = np.zeros((1, 28, 28), np.uint8)
    images[0, 5:20, 5:20] = 100
    images[0, 10, 10] = 0
    images[0, 24, 24] = 7
    cover = cut_out(images).cover[0]
    assert cover[10, 10] == 1
    assert cover[24, 24] == 0
    assert cover.sum() == 15 * 15


@pytest.mark.parametrize("count", [0, 1])
def test_few_images_are_enough_and_the_originals_stay(count: int) -> None:
    images = pullovers(count)
    steps = (
        lambda: swing_sleeves(images, labels(2, count), rng(), ALWAYS),
        lambda: pair_shoes(images, labels(5, count), rng(), ALWAYS),
        lambda: tilt(images, rng()),
        lambda: change_contrast(images, rng()),
        lambda: spoil_mask(images, rng()),
    )
    for step in steps:
        one, two = step(), step()
        assert one.shape == (count, 28, 28)
        assert one.dtype == np.uint8
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(images, pullovers(count))
