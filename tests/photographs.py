"""Photographs of drawn garments on a table: T-shirts, dresses, and hats, which are none of the classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge.opencv import cv2

SHAPES = {
    "T-shirt": [(30, 20), (70, 20), (95, 42), (83, 55), (72, 45), (72, 95), (28, 95), (28, 45), (17, 55), (5, 42)],
    "Dress": [(40, 5), (60, 5), (62, 40), (80, 98), (20, 98), (38, 40)],
    "_unknown": [(5, 65), (25, 60), (30, 35), (70, 35), (75, 60), (95, 65), (75, 75), (25, 75)],
}
"""Corners in percent of a square."""


def photograph(name: str, rng: np.random.Generator) -> np.ndarray:
    """One garment of a chance colour, somewhere on a chance ground: uint8 (160, 140, 3)."""
    ground, garment = rng.integers(120, 240, 3), rng.integers(20, 110, 3)
    pixels = np.clip(ground + rng.integers(-6, 7, (160, 140, 1)), 0, 255).astype(np.uint8)
    side, left, top = rng.integers(85, 110), rng.integers(8, 22), rng.integers(10, 40)
    corners = np.array(SHAPES[name]) * side / 100 + rng.normal(0, 1.5, (len(SHAPES[name]), 2)) + (left, top)
    cv2.fillPoly(pixels, [np.rint(corners).astype(np.int32)], [int(one) for one in garment])
    return pixels


def write_photos(folder: Path, each: int, seed: int = 0) -> Path:
    """Write so many JPEGs of each into its folder."""
    rng = np.random.default_rng(seed)
    for name in SHAPES:
        (folder / name).mkdir(parents=True)
        for number in range(each):
            assert cv2.imwrite(str(folder / name / f"{number}.jpg"), photograph(name, rng))
    return folder
