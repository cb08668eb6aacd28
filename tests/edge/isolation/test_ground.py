"""What differs from the border: exactly, and on grounds of every kind."""

from __future__ import annotations

import numpy as np
import pytest

from edge.isolation.ground import (
    border_of,
    difference,
    edge_share,
    enclosed_by_edges,
    mahalanobis_squares,
    median_of,
    plain_background_mask,
    strip_of,
    threshold_of,
)
from edge.opencv import cv2


def lab_of(pixels: np.ndarray) -> np.ndarray:
    return np.moveaxis(cv2.cvtColor(pixels, cv2.COLOR_BGR2Lab), -1, 0).copy()


def ground_of(lab: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the rules for ground take: Lab, its border, the border's median."""
    border = border_of(lab)
    return lab, border, median_of(border)


def scene(ground: tuple[int, int, int], garment: tuple[int, int, int], noise: int = 0) -> np.ndarray:
    """A garment of 40 x 60 pixels in the middle of 84 x 112."""
    pixels = np.empty((112, 84, 3), np.int64)
    pixels[:] = ground
    pixels[26:86, 22:62] = garment
    if noise:
        pixels += np.random.default_rng(0).integers(-noise, noise + 1, pixels.shape)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def inside() -> np.ndarray:
    mask = np.zeros((112, 84), bool)
    mask[26:86, 22:62] = True
    return mask


def outlined() -> np.ndarray:
    """A shirt of nearly its ground's colours, with a dark print and a shadow along its outline: uint8 (112, 84, 3)."""
    pixels = scene((200, 206, 210), (206, 210, 214), noise=9)
    cv2.rectangle(pixels, (22, 26), (61, 85), (170, 175, 180), 2)
    pixels[40:60, 32:52] = (120, 40, 40)
    return pixels


def test_the_strip_runs_around_the_frame() -> None:
    strip = strip_of(100, 60)
    assert strip[:4].all() and strip[-4:].all() and strip[:, :4].all() and strip[:, -4:].all()
    assert not strip[4:-4, 4:-4].any()
    assert strip_of(1, 1).all() and strip_of(2, 9).all()


def test_the_border_holds_every_pixel_of_the_strip_once() -> None:
    for height, width in ((112, 84), (7, 3), (2, 9), (1, 1)):
        numbered = np.arange(3 * height * width).reshape(3, height, width)
        border = border_of(numbered)
        assert np.array_equal(np.sort(border, axis=1), numbered[:, strip_of(height, width)])


@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_the_median_is_the_upper_one(count: int) -> None:
    border = np.random.default_rng(count).integers(0, 256, (3, count), np.uint8)
    assert median_of(border).tolist() == np.sort(border, axis=1)[:, count // 2].tolist()
    assert median_of(border).dtype == np.int16


def test_distances_are_mahalanobis_in_the_strips_covariance() -> None:
    """Against NumPy's floating-point inverse, up to the covariance's rounding to whole numbers."""
    lab = lab_of(scene((90, 120, 60), (30, 30, 200), noise=40))
    squares = mahalanobis_squares(*ground_of(lab))
    assert squares.dtype == np.float64
    lab = np.moveaxis(lab, 0, -1)
    border = lab[strip_of(112, 84)].astype(float)
    covariance = np.cov(border.T, bias=True) + 16 * np.eye(3)
    away = lab.astype(float) - np.median(border, axis=0)
    expected = np.einsum("hwi,ij,hwj->hw", away, np.linalg.inv(covariance), away)
    ratio = squares[expected > 1] / expected[expected > 1]
    assert ratio.std() / ratio.mean() < 0.02


def test_no_frame_overflows() -> None:
    extreme = np.random.default_rng(1).choice(np.array([0, 255], np.uint8), (3, 112, 112))
    squares = mahalanobis_squares(*ground_of(extreme))
    assert squares.min() >= 0
    assert squares.max() < 2**53
    assert (squares == np.rint(squares)).all()


@pytest.mark.parametrize(
    ("ground", "garment"),
    [
        ((230, 230, 230), (40, 40, 40)),
        ((40, 40, 40), (230, 230, 230)),
        ((40, 60, 150), (150, 150, 150)),  # grey on red
        ((150, 90, 60), (60, 90, 150)),
    ],
)
def test_a_garment_of_another_colour_is_found(ground: tuple[int, int, int], garment: tuple[int, int, int]) -> None:
    levels = difference(*ground_of(lab_of(scene(ground, garment, noise=12))))
    assert ((levels > threshold_of(levels)) == inside()).mean() > 0.97


def test_dark_trousers_do_not_hide_a_white_shirt_on_paper() -> None:
    """Otsu's threshold lies between them; the rule for even grounds finds the shirt again."""
    pixels = scene((250, 250, 250), (30, 30, 30))
    pixels[26:56, 22:62] = (238, 240, 242)
    parts = ground_of(lab_of(pixels))
    levels = difference(*parts)
    dark = levels > threshold_of(levels)
    assert not dark[30:50, 30:50].any()
    found = plain_background_mask(*parts, dark)
    assert found is not None
    for mask in found:
        assert (mask == inside()).mean() > 0.97


def test_paper_is_even() -> None:
    parts = ground_of(lab_of(scene((200, 180, 160), (30, 30, 30), noise=25)))
    assert plain_background_mask(*parts, inside()) is None


def test_a_shadow_over_the_whole_frame_is_not_taken_for_the_garment() -> None:
    pixels = scene((250, 250, 250), (30, 30, 30))
    pixels[9:103, 9:75] = np.minimum(pixels[9:103, 9:75], 235)
    assert plain_background_mask(*ground_of(lab_of(pixels)), np.ones((112, 84), bool)) is None


def test_the_edge_share_counts_each_outermost_pixel_once() -> None:
    mask = np.zeros((10, 20), bool)
    assert edge_share(mask) == 0
    mask[0] = True
    assert edge_share(mask) == 20 / 56
    assert edge_share(np.ones((10, 20), bool)) == 1


def test_edges_enclose_a_garment_of_its_grounds_colour() -> None:
    found = enclosed_by_edges(lab_of(outlined()))
    assert found[inside()].all()
    assert np.count_nonzero(found) < 1.2 * np.count_nonzero(inside())


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (2, 2), (6, 6), (7, 5), (30, 40)])
@pytest.mark.parametrize("value", [0, 255])
def test_edges_enclose_something_in_every_frame(size: tuple[int, int], value: int) -> None:
    found = enclosed_by_edges(np.full((3, *size), value, np.uint8))
    assert found.shape == size
    assert found[size[0] // 2, size[1] // 2]
