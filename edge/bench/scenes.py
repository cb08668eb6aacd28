"""Draws a garment on a ground, as a camera might show it: integers only, so that every machine draws the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH, HEIGHT = 640, 480
_SIDE = 336
"""Of the garment's square, pixels: twelve times the 28 of Fashion-MNIST."""

_NOTHING = 12
"""Fashion-MNIST's pictures are darker than this where there is no garment."""

_COLOURS = ((150, 60, 40), (60, 50, 150), (70, 110, 50), (40, 40, 45), (30, 90, 150))
"""Of the dyed garments: blue, green, red of the brightest cloth."""


def draw_scene(picture: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """A photo of a Fashion-MNIST picture's garment: uint8 (28, 28) -> uint8 (480, 640, 3) blue green red.

    The ground is light and of planks; light falls off to one side, and the sensor is noisy.
    """
    random = np.random.default_rng(seed)
    scene = _ground(random)
    left = int(random.integers(60, WIDTH - _SIDE - 60))
    top = (HEIGHT - _SIDE) // 2
    scene[top : top + _SIDE, left : left + _SIDE] = _worn_on(
        scene[top : top + _SIDE, left : left + _SIDE], picture, seed
    )
    scene = scene * (256 - np.arange(WIDTH)[:, np.newaxis] // 10) // 256
    scene += random.integers(-5, 6, scene.shape)
    return np.clip(scene, 0, 255).astype(np.uint8)


def _ground(random: np.random.Generator) -> NDArray[np.int64]:
    """Planks of slightly different colours: int64 (480, 640, 3)."""
    planks = np.array((176, 198, 214)) + random.integers(-6, 7, (HEIGHT // 80, 1, 1, 3))
    return np.broadcast_to(planks, (HEIGHT // 80, 80, WIDTH, 3)).reshape(HEIGHT, WIDTH, 3).copy()


def _worn_on(ground: NDArray[np.int64], picture: NDArray[np.uint8], seed: int) -> NDArray[np.int64]:
    """The ground with the garment on it, its shades those of the picture: int64 (336, 336, 3)."""
    there = np.where(picture > _NOTHING, 255, 0).astype(np.uint8)
    size = (_SIDE, _SIDE)
    mask = cv2.resize(there, size, interpolation=cv2.INTER_LINEAR_EXACT).astype(np.int64)[:, :, np.newaxis]
    shade = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR_EXACT).astype(np.int64)[:, :, np.newaxis]
    cloth = np.array(_COLOURS[seed % len(_COLOURS)]) * (96 + shade // 2) // 224
    return (ground * (255 - mask) + cloth * mask) // 255
