"""The network's picture of a mask: exact means, negated, centred."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from edge.isolation.rendering import FLOOR, MOST_VIEWS, render_views


def overlaps(source: int, target: int) -> list[list[Fraction]]:
    """How much of each of `source` pixels lies under each of `target`, in source pixels."""
    size = Fraction(source, target)
    return [
        [max(Fraction(0), min(one + 1, (row + 1) * size) - max(one, row * size)) for one in range(source)]
        for row in range(target)
    ]


def test_a_picture_is_the_exact_mean_over_the_garments_pixels_under_and_around_it() -> None:
    """Against fractions: no float on any machine can differ."""
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (45, 31))
    mask = rng.random((45, 31)) < 0.7
    assert mask[0].any() and mask[-1].any() and mask[:, 0].any() and mask[:, -1].any()
    (drawn,) = render_views(grey.astype(np.uint8), (mask,), 28, 28, 1)
    tall, wide = 28, int(31 * 28 / 45 + 0.5)
    left = (28 - wide) // 2
    down, across = overlaps(45, tall), overlaps(31, wide)
    whole = Fraction(45, tall) * Fraction(31, wide)

    def sums(row: int, column: int) -> tuple[Fraction, Fraction]:
        """Cover, and cover times grey, of a pixel of the picture."""
        if not (0 <= row < tall and 0 <= column < wide):
            return Fraction(0), Fraction(0)
        weights = [
            (d * a, int(grey[y, x]))
            for y, d in enumerate(down[row])
            for x, a in enumerate(across[column])
            if d * a and mask[y, x]
        ]
        return sum((w for w, _ in weights), Fraction(0)), sum((w * value for w, value in weights), Fraction(0))

    for row in range(0, 28, 3):
        for column in range(0, wide, 3):
            cover, summed = Fraction(0), Fraction(0)
            for step_down, step_right in product((-1, 0, 1), repeat=2):
                weight = (2 - abs(step_down)) * (2 - abs(step_right))
                near, light = sums(row + step_down, column + step_right)
                cover, summed = cover + weight * near, summed + weight * light
            expected = max(255 - summed / cover, Fraction(FLOOR)) * sums(row, column)[0] / whole
            assert int(drawn[row, left + column]) == int(expected + Fraction(1, 2))


def test_white_clothes_do_not_vanish() -> None:
    drawn = render_views(np.full((50, 50), 255, np.uint8), (np.ones((50, 50), bool),), 28, 28, 1)
    assert (drawn == FLOOR).all()


def test_other_sizes_than_28_are_drawn_too() -> None:
    mask = np.zeros((60, 60), bool)
    mask[10:50, 20:40] = True
    views = render_views(np.zeros((60, 60), np.uint8), (mask,), 40, 32, MOST_VIEWS)
    assert views.shape == (MOST_VIEWS, 40, 32)
    assert views[0].any(axis=1).all()
    assert (views[0].any(axis=0).sum(), views[0].max()) == (20, 255)


@pytest.mark.parametrize(("grey", "drawn"), [(255, FLOOR), (0, 255)])
def test_large_pictures_hold_their_sums(grey: int, drawn: int) -> None:
    """The working size in light, drawn so large that its sum wraps around 32 bits."""
    whole = np.ones((112, 112), bool)
    assert (render_views(np.full((112, 112), grey, np.uint8), (whole,), 700, 700, 1) == drawn).all()


def test_one_pixel_is_a_garment_that_can_be_drawn() -> None:
    mask = np.zeros((9, 9), bool)
    mask[4, 4] = True
    assert (render_views(np.zeros((9, 9), np.uint8), (mask,), 28, 28, 1) == 255).all()


def test_masks_come_in_turn_and_then_the_other_sizes() -> None:
    wide, narrow = np.zeros((60, 60), bool), np.zeros((60, 60), bool)
    wide[10:50, 10:50] = True
    narrow[10:50, 20:40] = True
    views = render_views(np.zeros((60, 60), np.uint8), (wide, narrow), 28, 28, 6)
    widths = [int(view.any(axis=0).sum()) for view in views]
    assert widths == [28, 28, 14, 14, 26, 26]
