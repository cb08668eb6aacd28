"""Specks go, both shoes stay, small holes close."""

from __future__ import annotations

import numpy as np
import pytest

from edge.isolation.cleaning import central, cleaned, filled, touching
from edge.opencv import cv2


def empty() -> np.ndarray:
    return np.zeros((60, 80), bool)


def test_crumbs_and_cracks_go() -> None:
    mask = empty()
    mask[15:45, 20:60] = True
    whole = mask.copy()
    mask[30, 20:60] = False  # a gap
    mask[2:4, 2:4] = True  # a speck
    np.testing.assert_array_equal(cleaned(mask), whole)


def test_both_shoes_of_a_pair_stay_and_a_coin_does_not() -> None:
    mask = empty()
    mask[20:40, 15:35] = True
    mask[20:40, 45:65] = True
    mask[50:56, 70:76] = True
    kept = central(mask)
    assert kept[30, 20] and kept[30, 50]
    assert not kept[52, 72]


def test_of_two_alike_the_one_in_the_middle_is_heavier() -> None:
    mask = empty()
    mask[27:33, 37:43] = True
    mask[0:2, 0:9] = True
    kept = central(mask)
    assert kept[30, 40]
    assert not kept[0, 0]


def test_nothing_stays_nothing() -> None:
    assert not cleaned(empty()).any()
    assert not central(empty()).any()


def test_small_holes_close_and_large_ones_stay() -> None:
    mask = empty()
    mask[10:50, 10:70] = True
    mask[20:24, 20:24] = False
    mask[20:40, 40:60] = False
    closed = filled(mask, 50)
    assert closed[22, 22]
    assert not closed[30, 50]
    assert filled(mask, 500)[30, 50]


def test_the_ground_is_no_hole_even_in_a_corner() -> None:
    mask = ~empty()
    mask[0, 0] = False
    assert not filled(mask, 50)[0, 0]
    assert not filled(empty(), 10**6).any()


def test_holes_beside_the_middle_stay_if_asked() -> None:
    mask = empty()
    mask[10:50, 10:70] = True
    mask[20:24, 38:42] = False
    mask[20:24, 14:18] = False
    closed = filled(mask, 50, middle=(40.0, 10.0))
    assert closed[22, 40]
    assert not closed[22, 16]


def test_touching_takes_whole_components() -> None:
    mask = empty()
    mask[5:20, 5:20] = True
    mask[30:50, 30:50] = True
    other = empty()
    other[19, 19] = True
    kept = touching(mask, other)
    assert kept[5:20, 5:20].all()
    assert not kept[30:50, 30:50].any()


@pytest.mark.parametrize("size", [4, 9, 13, 25])
def test_shortcuts_change_nothing(size: int) -> None:
    """Against the steps one after the other, on blots with islands in holes and holes in islands."""
    rng = np.random.default_rng(size)
    with_holes = 0
    for _ in range(60):
        height, width = rng.integers(1, 113, 2).tolist()
        coarse = rng.integers(0, 256, (-(-height // size), -(-width // size)), np.uint8)
        blots = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
        for level in (60, 100, 140):
            mask = blots > level
            bits = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
            bits = cv2.morphologyEx(bits, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
            middle = central(bits.astype(bool))
            expected = filled(middle, round(0.02 * mask.size))
            with_holes += bool((expected != middle).any())
            np.testing.assert_array_equal(cleaned(mask), expected)
    assert size > 9 or with_holes > 10
