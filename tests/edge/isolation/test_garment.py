"""Frames with and without a garment, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest

from edge.isolation.garment import Scene, find_garment
from edge.isolation.shrinking import shrunk
from edge.testing import FakeSource


def ground(height: int = 240, width: int = 320, seed: int = 0) -> np.ndarray:
    """A table: wood-coloured, with noise."""
    noise = np.random.default_rng(seed).integers(-10, 11, (height, width, 1))
    return np.clip(np.array([90, 130, 170]) + noise, 0, 255).astype(np.uint8)


def test_a_shirt_is_found_wherever_it_lies() -> None:
    for index in (0, 7, 15):
        garment = find_garment(FakeSource.draw(index))
        assert garment.scene is Scene.GARMENT
        assert garment.presence > 0.5
        drawn = shrunk(FakeSource.draw(index))[..., 0] < 140
        assert (garment.masks[0] == drawn).mean() > 0.98


def test_a_garment_over_the_edge_is_cut_off() -> None:
    frame = ground()
    frame[:, :130] = (30, 30, 30)
    garment = find_garment(frame)
    assert garment.scene is Scene.CUT_OFF
    assert garment.edge_share > 0.35


def test_a_garment_in_nearly_the_grounds_colour_is_faint() -> None:
    frame = ground()
    frame[60:180, 80:240] = np.clip(frame[60:180, 80:240].astype(int) + 10, 0, 255)
    assert find_garment(frame).scene is Scene.FAINT


def test_a_coin_on_a_table_is_no_garment() -> None:
    frame = ground()
    frame[115:130, 150:165] = (250, 250, 250)
    assert find_garment(frame).scene is Scene.EMPTY


def test_presence_orders_scenes() -> None:
    """A garment of another colour, one that hardly differs, none."""
    clear, faint = ground(), ground()
    clear[60:180, 80:240] = (200, 60, 40)
    faint[60:180, 80:240] = np.clip(faint[60:180, 80:240].astype(int) + 14, 0, 255)
    found = [find_garment(frame).presence for frame in (clear, faint, ground())]
    assert found[0] > found[1] > 0
    assert found[0] > 0.6 > found[2]


@pytest.mark.parametrize("value", [0, 255])
def test_nothing_is_found_in_the_dark(value: int) -> None:
    garment = find_garment(np.full((480, 640, 3), value, np.uint8))
    assert (garment.scene, garment.masks, garment.presence) == (Scene.EMPTY, (), 0.0)
