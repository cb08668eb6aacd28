"""A data set of one's own, as a shop may have it: photographs of gloves, hats and scarves, on white."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge.opencv import cv2

LABELS = ("glove", "hat", "scarf")
"""In the order of their numbers, which is the alphabet's."""


def write_own_pictures(folder: Path, training: int = 40, test: int = 10) -> Path:
    """Write so many pictures of each class: colour, 90 x 120, dark figures on white, no two alike.

    Gloves are square, hats flat and scarves upright, wherever in the picture they lie.
    """
    rng = np.random.default_rng(0)
    for split, count in (("train", training), ("test", test)):
        for number, label in enumerate(LABELS):
            place = folder / split / label
            place.mkdir(parents=True)
            for index in range(count):
                picture = np.full((120, 90, 3), 255, np.uint8)
                tall, wide = ((50, 50), (22, 60), (80, 20))[number] + rng.integers(-3, 4, 2)
                top, left = 15 + int(rng.integers(0, 6)), 12 + int(rng.integers(0, 6))
                picture[top : top + tall, left : left + wide] = rng.integers(0, 100, (tall, wide, 3))
                suffix = ("png", "jpg", "bmp")[index % 3]
                assert cv2.imwrite(str(place / f"{label} {index:03}.{suffix}"), picture)
    return folder
