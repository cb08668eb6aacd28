"""Pictures as cameras and phones give them, drawn here: shapes on a textured ground, in many formats and sizes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from tests.photographs import write_photos

if TYPE_CHECKING:
    from numpy.typing import NDArray

JPEG = {
    "photo.jpg": [cv2.IMWRITE_JPEG_QUALITY, 90],
    "coarse.jpg": [cv2.IMWRITE_JPEG_QUALITY, 25],
    "progressive.jpg": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
    "fine-colour.jpg": [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444],
}


def photo(height: int, width: int, ground: int, seed: int) -> NDArray[np.uint8]:
    """uint8 (height, width, 3): a garment-like shape, a slope of light and noise on a ground of that brightness."""
    rng = np.random.default_rng(seed)
    slope = np.linspace(-25, 25, width)[None, :, None] + np.linspace(-15, 15, height)[:, None, None]
    pixels = np.clip(ground + slope + rng.normal(0, 6, (height, width, 3)), 0, 255).astype(np.uint8)
    corners = rng.uniform((0.2, 0.15), (0.8, 0.9), (7, 2)) * (width, height)
    colours = rng.integers(0, 256, (2, 3)).tolist()
    cv2.fillPoly(pixels, [cv2.convexHull(corners.astype(np.int32))], colours[0])
    cv2.circle(pixels, (width // 2, height // 2), min(height, width) // 6, colours[1], -1)
    return pixels


def person(height: int, width: int) -> NDArray[np.uint8]:
    """uint8 (height, width, 3): somebody in a blue shirt before white paper, a little noise over all."""
    pixels = np.full((400, 300, 3), 248, np.uint8)
    cv2.ellipse(pixels, (150, 52), (27, 38), 0, 0, 360, (25, 25, 30), -1)
    cv2.ellipse(pixels, (150, 60), (21, 28), 0, 0, 360, (150, 189, 215), -1)
    cv2.rectangle(pixels, (140, 80), (160, 104), (150, 189, 215), -1)
    cv2.rectangle(pixels, (90, 98), (210, 225), (150, 70, 40), -1)
    cv2.rectangle(pixels, (114, 226), (186, 395), (60, 40, 35), -1)
    noise = np.random.default_rng(14).integers(-2, 3, pixels.shape)
    noisy = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(noisy, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def draw(folder: Path) -> list[str]:
    """Write the pictures; gives their names."""
    large = photo(480, 640, 200, 1)
    files: dict[str, tuple[NDArray[np.generic], list[int]]] = {name: (large, how) for name, how in JPEG.items()}
    for name, pixels in {
        "odd.jpg": photo(479, 641, 60, 2),
        "grey.jpg": photo(333, 517, 120, 3)[:, :, 0],
        "photo.png": large,
        "dark.png": photo(480, 640, 20, 4),
        "odd.png": photo(517, 333, 128, 5),
        "grey.png": photo(101, 97, 220, 6)[:, :, 1],
        "16-bit.png": photo(240, 320, 90, 7).astype(np.uint16) * 257 - 40 * (np.arange(3, dtype=np.uint16) == 1),
        "transparent.png": np.dstack([photo(240, 320, 180, 8), photo(240, 320, 128, 9)[:, :, 0]]),
        "enlarged.png": photo(17, 23, 200, 10),
        "exact.png": photo(28, 28, 30, 11),
        "photo.bmp": photo(211, 307, 150, 12),
        "person.png": person(400, 300),
        "person-large.png": np.asarray(cv2.resize(person(400, 300), (900, 1200), interpolation=cv2.INTER_NEAREST)),
        "photo.webp": photo(240, 320, 150, 13),
    }.items():
        files[name] = (pixels, [])
    for name, (pixels, how) in files.items():
        if not cv2.imwrite(str(folder / name), pixels, how):
            raise OSError(f"{folder / name} was not written")
    write_photos(folder / "photographs", each=2, seed=15)
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
