"""A data set of one's own, as a shop may have it: photographs of hats, gloves and scarves, on white."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge.opencv import cv2

LABELS = ("glove", "hat", "scarf")
"""In the order of their numbers, which is the alphabet's."""


def write_own_pictures(folder: Path, training: int = 40, test: int = 10) -> Path:
    """Write so many pictures of each class: colour, 90 x 120, dark figures on white, no two alike."""
    rng = np.random.default_rng(0)
    for split, count in (("train", training), ("test", test)):
        for number, label in enumerate(LABELS):
            place = folder / split / label
            place.mkdir(parents=True)
            for index in range(count):
                picture = np.full((120, 90, 3), 255, np.uint8)
                top = 15 + 32 * number + int(rng.integers(-3, 4))
                picture[top : top + 24, 12:78] = rng.integers(0, 100, (24, 66, 3))
                suffix = ("png", "jpg", "bmp")[index % 3]
                assert cv2.imwrite(str(place / f"{label} {index:03}.{suffix}"), picture)
    return folder
