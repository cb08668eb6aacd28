"""Draws the pictures of scripts/arm-cost, and prints as JSON what they are and which packages run: for the emulated
Python, so that another machine draws the same ones.

scenes.py FOLDER
"""

import hashlib
import json
import platform
import sys
from importlib.metadata import distributions
from pathlib import Path

# Behind the installed wheel: of the checkout only tests/ is taken.
sys.path.append(str(Path(__file__).resolve().parents[2]))

import numpy as np

from edge.opencv import cv2
from tests.arm.pictures import person
from tests.photographs import SHAPES

HEIGHT, WIDTH = 480, 640


def garment(name: str, colour: tuple[int, int, int], ground: int) -> np.ndarray:
    """A garment that lies on a table, lit from one side, as a camera sees it: uint8 (480, 640, 3)."""
    rng = np.random.default_rng(1)
    grain = rng.integers(-8, 9, (HEIGHT, 1, 1)) + rng.integers(-4, 5, (HEIGHT, WIDTH, 1))
    slope = np.arange(WIDTH).reshape(1, WIDTH, 1) // 16 - 20
    table = np.full((HEIGHT, WIDTH, 3), ground, np.int64) + np.array([-12, 0, 8]) + slope
    cloth = np.full((HEIGHT, WIDTH, 3), colour, np.int64) + slope
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    corners = np.array(SHAPES[name]) * 4 + (120, 40)
    cv2.fillPoly(mask, [corners.astype(np.int32)], 255)
    pixels = np.where(mask[:, :, None] > 0, cloth, table) + grain
    return np.clip(pixels, 0, 255).astype(np.uint8)


def main(folder: str) -> None:
    photos = {"photo.jpg": garment("T-shirt", (120, 50, 40), 190), "worn.jpg": person(HEIGHT, WIDTH)}
    for name, pixels in photos.items():
        if not cv2.imwrite(str(Path(folder) / name), pixels):
            raise OSError(f"{name} was not written")
    sample = Path(sys.modules["edge"].__path__[0]) / "samples" / "ankle-boot.png"
    (Path(folder) / "sample.png").write_bytes(sample.read_bytes())
    pictures = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()[:32] for path in sorted(Path(folder).iterdir())
    }
    packages = {one.metadata["Name"]: one.version for one in distributions() if one.metadata["Name"] != "fmnist-edge"}
    versions = {"Python": platform.python_version(), **dict(sorted(packages.items()))}
    print(json.dumps({"versions": versions, "pictures": pictures}))


main(*sys.argv[1:])
