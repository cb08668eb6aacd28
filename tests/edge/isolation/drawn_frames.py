"""Frames of many sizes with all that isolation tells apart, drawn in whole numbers: the same on every machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.opencv import cv2
from edge.testing import FakeSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLES = Path(__file__).parents[3] / "edge" / "samples"
SIZES = (
    *((480, 640), (533, 400), (400, 533), (240, 320), (400, 400), (720, 1280), (711, 400), (101, 97), (57, 91)),
    *((333, 517), (224, 224), (600, 800), (113, 160), (1080, 1920), (150, 112), (479, 641), (2000, 310)),
)
KINDS = ("plain", "noisy", "striped", "pair", "ring", "specks", "worn", "cut off", "faint", "grey", "blank")


def drawn_frames() -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """A name and a frame uint8 (H, W, 3) blue green red each: drawn things, the test camera's, the samples on cloth."""
    for number in range(88):
        kind, (height, width) = KINDS[number % len(KINDS)], SIZES[number % len(SIZES)]
        yield f"{number} {kind} {width}x{height}", drawn(kind, height, width, number)
    for index in range(0, 20, 5):
        yield f"fake {index}", FakeSource.draw(index)
    for number, path in enumerate(sorted(SAMPLES.glob("*.png"))):
        sample = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert sample is not None
        yield path.stem, sample_on_cloth(np.asarray(sample, np.uint8), 1000 + number)
    for number, (height, width) in enumerate(SIZES[:6]):
        yield f"bag {number}", bag_on_paper(height, width, 2000 + number)


def drawn(kind: str, height: int, width: int, seed: int) -> NDArray[np.uint8]:
    """One frame: uint8 (height, width, 3)."""
    rng = np.random.default_rng(seed)
    ground, garment, other = rng.integers(0, 256, (3, 3))
    if kind == "worn":
        ground[:] = 250
    if kind == "faint":
        garment = np.clip(ground + rng.integers(-9, 10, 3), 0, 255)
    if kind == "blank":
        garment = ground
    down, across = np.arange(height)[:, np.newaxis] * 1000 // height, np.arange(width) * 1000 // width
    frame = np.empty((height, width, 3), np.int64)
    frame[:] = ground
    if kind == "striped":
        frame[np.broadcast_to(across // 90 % 2 == 1, (height, width))] = other
    if kind == "pair":
        frame[_ellipse(down, across, 480, 320, 230, 110)] = garment
        frame[_ellipse(down, across, 540, 690, 240, 120)] = garment
    elif kind == "worn":
        _draw_person(frame, down, across, garment, other)
    else:
        _draw_top(frame, down, across, garment, (-1, -1) if kind == "cut off" else (280, 200))
    if kind == "ring":
        frame[_ellipse(down, across, 500, 500, 190, 140)] = ground
        frame[_ellipse(down, across, 300, 350, 30, 30)] = ground
    if kind == "specks":
        for y, x in rng.integers(0, 1000, (40, 2)):
            frame[_ellipse(down, across, y, x, 14, 20)] = other
    return _uneven(frame, kind, rng)


def _uneven(frame: NDArray[np.int64], kind: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """With a slope of light and noise, but where paper is wanted."""
    height, width = frame.shape[:2]
    if kind not in {"plain", "worn", "blank"}:
        frame += (np.arange(width) * 1000 // width // 20 - 25)[:, np.newaxis]
        frame += (np.arange(height) * 1000 // height // 40)[:, np.newaxis, np.newaxis]
        frame += rng.integers(-14, 15, (height, width, 1))
    if kind == "grey":
        frame[:] = frame.mean(axis=2, keepdims=True).astype(np.int64)
    return np.clip(frame, 0, 255).astype(np.uint8)


def bag_on_paper(height: int, width: int, seed: int) -> NDArray[np.uint8]:
    """A bag with ground below its handle: uint8 (height, width, 3). Odd seeds have a print in its colour."""
    rng = np.random.default_rng(seed)
    ground = rng.integers(40, 256, 3)
    cloth = (ground + 100) % 256
    down, across = np.arange(height)[:, np.newaxis] * 1000 // height, np.arange(width) * 1000 // width
    frame = np.empty((height, width, 3), np.int64)
    frame[:] = ground
    frame[(down >= 400) & (down < 800) & (np.abs(across - 500) < 300)] = cloth
    frame[_ellipse(down, across, 400, 500, 220, 130)] = cloth
    frame[_ellipse(down, across, 400, 500, 160, 75) & (down < 400)] = ground
    if seed % 2:
        frame[_ellipse(down, across, 600, 500, 80, 80)] = ground
    frame += rng.integers(-2, 3, (height, width, 1))
    return np.clip(frame, 0, 255).astype(np.uint8)


def sample_on_cloth(sample: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """A garment of Fashion-MNIST, photographed: uint8 (28, 28) -> uint8 (480, 640, 3), negated, on a coloured cloth."""
    rng = np.random.default_rng(seed)
    frame = np.empty((480, 640, 3), np.int64)
    frame[:] = rng.integers(60, 256, 3)
    large = sample.repeat(14, axis=0).repeat(14, axis=1)[..., np.newaxis].astype(np.int64)
    shown = frame[44:436, 124:516]
    shown[:] = np.where(large > 20, 255 - large, shown)
    frame += rng.integers(-5, 6, frame.shape)
    return np.clip(frame, 0, 255).astype(np.uint8)


def _ellipse(
    down: NDArray[np.int64], across: NDArray[np.int64], y: int, x: int, tall: int, wide: int
) -> NDArray[np.bool_]:
    return np.asarray(((down - y) * wide) ** 2 + ((across - x) * tall) ** 2 < (tall * wide) ** 2, np.bool_)


def _draw_top(
    frame: NDArray[np.int64],
    down: NDArray[np.int64],
    across: NDArray[np.int64],
    garment: NDArray[np.int64],
    corner: tuple[int, int],
) -> None:
    left, top = corner
    body = (down >= top) & (down < 800) & (across >= left) & (across < 720)
    sleeves = (down >= top + 40) & (down < top + 240) & (np.abs(across - 500) < 380 - (down - top) // 3)
    frame[body | sleeves] = garment


def _draw_person(
    frame: NDArray[np.int64],
    down: NDArray[np.int64],
    across: NDArray[np.int64],
    shirt: NDArray[np.int64],
    trousers: NDArray[np.int64],
) -> None:
    skin, hair = (150, 189, 215), (25, 25, 30)
    frame[_ellipse(down, across, 130, 500, 95, 90)] = hair
    frame[_ellipse(down, across, 150, 500, 70, 70)] = skin
    frame[(down >= 200) & (down < 260) & (np.abs(across - 500) < 34)] = skin
    frame[(down >= 245) & (down < 562) & (np.abs(across - 500) < 200)] = shirt
    frame[(down >= 300) & (down < 540) & (np.abs(np.abs(across - 500) - 230) < 30)] = skin
    frame[(down >= 562) & (down < 985) & (np.abs(across - 500) < 120)] = trousers
