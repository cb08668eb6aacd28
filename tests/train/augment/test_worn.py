"""People are painted around garments, with what belongs to each class and nothing where nothing belongs."""

from __future__ import annotations

import numpy as np
import pytest

from train.augment.figures import wear_dress, wear_top, wear_trousers
from train.augment.layers import Layer, cut_out
from train.augment.worn import as_photographed, as_torso, filled, retoned, worn


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def boards(count: int, light: int = 250) -> np.ndarray:
    """Garments as plain as can be, 26 high and 18 wide."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 1:27, 5:23] = light
    return images


def labels(number: int, count: int) -> np.ndarray:
    return np.full(count, number, np.uint8)


def rows(layer: Layer) -> np.ndarray:
    """Whether anything covers each row, bool (N, 28)."""
    return np.asarray((layer.cover > 0.3).any(axis=2))


def garment_rows(layer: Layer) -> np.ndarray:
    """First row with the board's own light over most of its width, (N,)."""
    return np.asarray(((layer.light > 0.95).sum(axis=2) > 5).argmax(axis=1))


@pytest.mark.parametrize("number", [0, 2, 4, 6])
def test_a_top_hangs_below_a_head_and_above_trousers(number: int) -> None:
    count = 200
    trousers = cut_out(boards(count, 120))
    figure = wear_top(cut_out(boards(count)), labels(number, count), trousers, rng())
    collar = garment_rows(figure)
    widths = figure.cover.sum(axis=2) * (np.arange(28) < collar[:, np.newaxis])
    assert (widths.max(axis=1) > 3).mean() > 0.8  # a neck has less; one in eight has its head cut off
    lowest = figure.light[:, 27, 11:17].max(axis=1)
    assert (lowest > 0.05).mean() > 0.95
    assert (lowest < 0.97).mean() > 0.7  # trousers, not the board


def test_without_anybodys_trousers_a_top_ends_at_its_hem() -> None:
    nothing = cut_out(np.zeros((50, 28, 28), np.uint8))
    with_legs = wear_top(cut_out(boards(50)), labels(0, 50), cut_out(boards(50, 120)), rng())
    without = wear_top(cut_out(boards(50)), labels(0, 50), nothing, rng())
    assert without.cover[:, 25:, 12:16].sum() < 0.4 * with_legs.cover[:, 25:, 12:16].sum()
    assert rows(without).any(axis=1).all()


def test_arms_are_bare_beside_short_sleeves_more_often_than_beside_coats() -> None:
    def armed(number: int) -> float:
        narrow = np.zeros((300, 28, 28), np.uint8)
        narrow[:, 1:27, 9:19] = 250
        plain = wear_top(cut_out(narrow), labels(number, 300), cut_out(narrow), rng())
        skin = (plain.cover > 0.5) & (plain.light < 0.75)
        return float((skin[:, 12:18].sum(axis=(1, 2)) > 4).mean())

    assert armed(0) > armed(4) + 0.3


def test_a_dress_has_a_head_above_and_legs_below() -> None:
    figure = wear_dress(cut_out(boards(200)), labels(3, 200), rng())
    assert (rows(figure)[:, 1:27].mean(axis=1) > 0.9).all()
    legs = (figure.cover[:, 27] > 0.3).sum(axis=1)
    own = ((figure.light[:, 20:27] > 0.95).sum(axis=2).max(axis=1) > 5) & (legs < 10)
    assert own.mean() > 0.4
    assert (garment_rows(figure) >= 2).mean() > 0.8


def test_trousers_stand_below_a_top_and_above_shoes() -> None:
    figure = wear_trousers(cut_out(boards(200)), cut_out(boards(200, 100)), rng())
    waist = garment_rows(figure)
    assert ((waist >= 1) & (figure.cover[:, 0, 12:16].mean(axis=1) > 0.3)).mean() > 0.6
    assert rows(figure)[:, 27].mean() > 0.7
    bare = wear_trousers(cut_out(boards(200)), cut_out(np.zeros((200, 28, 28), np.uint8)), rng())
    assert bare.cover[:, 0, 12:16].mean() < 0.3 * figure.cover[:, 0, 12:16].mean()


def test_some_garments_turn_nearly_black_and_none_black() -> None:
    images = boards(500, 200)
    after = retoned(cut_out(images), rng()).pixels()
    inside = images[0] > 0
    means = after[:, inside].mean(axis=1)
    assert 0.15 < (means < 75).mean() < 0.3
    assert 0.3 < (means == 200).mean() < 0.5
    assert after[:, inside].min() >= 10
    assert not after[:, ~inside].any()


def test_a_torso_fills_the_frame_and_has_lost_its_hem() -> None:
    shaded = boards(300)
    shaded[:, 20:27, 5:23] = 60
    after = as_torso(cut_out(shaded), rng())
    solid = after.cover > 0.3
    longest = np.maximum(solid.any(axis=1).sum(axis=1), solid.any(axis=2).sum(axis=1))
    assert (longest >= 27).mean() > 0.97  # a hole at the edge takes some away
    hem = ((after.light < 0.4) & (after.cover > 0.9)).sum(axis=(1, 2))
    assert (hem == 0).mean() > 0.1
    assert (hem > 0).mean() > 0.4


def test_a_photographed_garment_stays_near_and_its_ground_black() -> None:
    after = as_photographed(boards(200, 150), rng())
    corner = after[:, :2, :1]
    assert (corner < 20).mean() > 0.9
    middle = after[:, 12:16, 12:16].astype(float)
    assert np.abs(middle.mean(axis=(1, 2)) - 150).max() < 8
    assert 1 < middle.std(axis=(1, 2)).max() < 15


def test_an_emptied_picture_is_shown_as_it_was() -> None:
    originals = boards(3)
    emptied = originals.copy()
    emptied[1] = 0
    emptied[2] = 9  # below the floor of garments
    result = filled(emptied, originals)
    np.testing.assert_array_equal(result, originals)
    few = np.zeros((1, 28, 28), np.uint8)
    few[0, 3, 3] = 200
    np.testing.assert_array_equal(filled(few, few), few)


@pytest.mark.parametrize("number", range(10))
def test_every_class_is_worn_or_tilted_never_empty_and_the_generator_decides(number: int) -> None:
    images = boards(60)
    one, two, other = (worn(images, labels(number, 60), rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)
    assert one.shape == images.shape
    assert one.dtype == np.uint8
    assert ((one > 5).mean(axis=(1, 2)) > 0.03).all()
    np.testing.assert_array_equal(images, boards(60))


def test_shoes_and_bags_stay_without_a_person() -> None:
    """One piece, and the board's own tone in it: nothing is painted beside it."""
    small = np.zeros((100, 28, 28), np.uint8)
    small[:, 12:16, 10:18] = 200
    for number in (5, 7, 8, 9):
        after = worn(small, labels(number, 100), rng())
        assert ((after > 5).sum(axis=(1, 2)) < 120).all()  # a person has 300


def test_shoes_and_bags_tilt_more_than_people() -> None:
    bar = np.zeros((200, 28, 28), np.uint8)
    bar[:, 13:15, 3:25] = 250
    for number in (5, 7, 8, 9):
        after = worn(bar, labels(number, 200), rng())
        slopes = [np.ptp(image.argmax(axis=0)[(image > 5).any(axis=0)]) for image in after]
        assert max(slopes) >= 6  # by 6 degrees alone, 3


def test_no_torso_asked_none_cut() -> None:
    """All of them are figures: nearly none is as wide as a torso that fills the frame."""
    wide = np.zeros((100, 28, 28), np.uint8)
    wide[:, 2:26, 1:27] = 250
    torsos = worn(wide, labels(2, 100), rng(), torso=1.0)
    figures = worn(wide, labels(2, 100), rng(), torso=0.0)
    assert (torsos[:, 20] > 5).sum() > 1.4 * (figures[:, 20] > 5).sum()
