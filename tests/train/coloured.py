"""A small data set of coloured pictures: classes differ in colour and form, so that grey would not do."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge.opencv import cv2

COLOURS = {"blue": (200, 60, 40), "green": (50, 180, 60), "red": (40, 50, 200)}
"""Blue, green, red, as OpenCV writes them; all three of about the same lightness."""


def picture(name: str, rng: np.random.Generator) -> np.ndarray:
    """A disc of the class' colour somewhere on a grey ground: uint8 (48, 40, 3)."""
    pixels = np.full((48, 40, 3), rng.integers(90, 220), np.uint8)
    centre = int(rng.integers(15, 25)), int(rng.integers(18, 30))
    colour = [int(np.clip(level + rng.integers(-25, 26), 0, 255)) for level in COLOURS[name]]
    cv2.circle(pixels, centre, int(rng.integers(9, 14)), colour, -1)
    return np.clip(pixels + rng.integers(-10, 11, pixels.shape), 0, 255).astype(np.uint8)


def write_pictures(folder: Path, each: int, *, splits: dict[str, int] | None = None, seed: int = 0) -> Path:
    """Write so many of each class into CLASS, or into train/CLASS and test/CLASS as `splits` says."""
    rng = np.random.default_rng(seed)
    for split, count in (splits or {"": each}).items():
        for name in COLOURS:
            (folder / split / name).mkdir(parents=True)
            for number in range(count):
                assert cv2.imwrite(str(folder / split / name / f"{number}.png"), picture(name, rng))
    return folder
