"""Frames without colours: in uneven light and noise the garment is found, and grey is measured, not asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.isolation.colours import BINS, has_no_colour
from edge.isolation.garment import find_garment
from edge.isolation.lab import bgr_to_lab
from edge.isolation.lightness import LightnessCounts, evenly_lit, texture_of
from edge.opencv import cv2
from edge.sources.pictures import read_image
from tests.edge.isolation.test_ground import inside, lab_of, scene

PAIRS = ((60, 120), (90, 150), (150, 90), (190, 110), (200, 150), (180, 120), (220, 160))
"""The lightness of a ground and of a garment on it. Dark ones on light grounds are lost in uneven light."""


def night(ground: int, garment: int, seed: int = 0) -> np.ndarray:
    """A garment in a night camera's light: brightest near the middle, noisy, uint8 (112, 84, 3)."""
    rng = np.random.default_rng(seed)
    pixels = scene((ground,) * 3, (garment,) * 3)[..., 0].astype(float)
    down, across = np.mgrid[-1:1:112j, -1:1:84j]
    pixels *= 1 - 0.25 * ((down - 0.1) ** 2 + (across + 0.1) ** 2)
    pixels += rng.normal(0, 4, pixels.shape)
    return np.repeat(np.clip(pixels, 0, 255).astype(np.uint8)[..., np.newaxis], 3, axis=2)


def overlap(mask: np.ndarray) -> float:
    return float((mask & inside()).sum() / (mask | inside()).sum())


@pytest.mark.parametrize(("ground", "garment"), PAIRS)
def test_a_garment_is_found_in_a_night_cameras_light(ground: int, garment: int) -> None:
    masks = find_garment(night(ground, garment)).masks
    assert masks
    assert overlap(masks[0]) > 0.85


def test_uneven_light_is_made_even_and_an_even_frame_left_alone() -> None:
    even = lab_of(np.full((112, 84, 3), 90, np.uint8))
    np.testing.assert_array_equal(evenly_lit(even), even)
    lab = lab_of(night(120, 120))
    assert lab[0].astype(int).std() > 12
    assert evenly_lit(lab)[0].astype(int).std() < 6


def test_a_garment_at_the_border_does_not_tilt_the_ground() -> None:
    lab = lab_of(np.full((112, 84, 3), 90, np.uint8))
    lab[0, :, :20] = 250
    assert np.ptp(evenly_lit(lab)[0, :, 20:].astype(int)) <= 6


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3), (17, 112)])
def test_frames_of_any_shape_are_borne(shape: tuple[int, int]) -> None:
    lab = lab_of(np.random.default_rng(1).integers(0, 256, (*shape, 1), np.uint8).repeat(3, axis=2))
    mask = np.ones(shape, bool)
    counts = LightnessCounts(evenly_lit(lab))
    assert counts.garment_levels(mask).shape == shape
    assert 0 <= counts.overlap(mask) <= 1


def test_texture_is_counted_in_bins() -> None:
    assert not texture_of(np.full((20, 20), 77, np.uint8)).any()
    board = np.indices((20, 20)).sum(axis=0) % 2 * np.uint8(255)
    assert (texture_of(board.astype(np.uint8)) == BINS - 1).all()


def test_grey_is_measured() -> None:
    grey = night(90, 150)
    assert has_no_colour(bgr_to_lab(grey))
    tinted = grey.copy()
    tinted[40:60, 30:50, 2] = np.minimum(tinted[40:60, 30:50, 2], 200) + 40  # a red print is colour enough
    lab = bgr_to_lab(tinted)
    assert not has_no_colour(lab)


def test_one_channel_and_three_equal_ones_are_one_picture(tmp_path: Path) -> None:
    grey = cv2.resize(night(90, 150), (336, 448), interpolation=cv2.INTER_NEAREST)
    cv2.imwrite(str(tmp_path / "three.png"), grey)
    cv2.imwrite(str(tmp_path / "one.png"), grey[..., 0])
    cv2.imwrite(str(tmp_path / "one.jpg"), grey[..., 0])
    cv2.imwrite(str(tmp_path / "three.jpg"), grey)
    for suffix in ("png", "jpg"):
        one, three = (find_garment(read_image(tmp_path / f"{name}.{suffix}")) for name in ("one", "three"))
        assert len(one.masks) == len(three.masks) > 0
        for mask, other in zip(one.masks, three.masks, strict=True):
            np.testing.assert_array_equal(mask, other)
        np.testing.assert_array_equal(one.views(28, 28, 6), three.views(28, 28, 6))
        assert one.presence == three.presence
