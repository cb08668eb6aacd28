"""A photo without colours: in grey, and as a night camera gives it, lit by an infrared lamp beside the lens."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.isolation.garment import find_garment
from edge.opencv import cv2

Range = tuple[float, float]

CLOTH: Range = (0.2, 0.7)
"""So much of what a garment lacks to white it gains: dyes hide little of infrared light, and cotton reflects it."""

FALL: Range = (0.3, 0.7)
"""So much of the lamp's light is missing in the corner that is farthest from where it points."""

AIM = 0.3
"""Of half the frame: so far from the middle, at most, the lamp points."""

NOISE: Range = (4.0, 12.0)
"""Grey levels, one standard deviation: a night camera's sensor amplifies much."""

JPEG_QUALITY = 60


def in_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn a photo grey: uint8 (H, W, 3) blue green red -> the same shape, the channels alike."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


def night_frame(pixels: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a photo as a night camera's frame: uint8 (H, W, 3) blue green red -> the same shape, the channels alike.

    The garment, as the device finds it in colour, is lighter; light falls towards the corners; the sensor adds noise;
    JPEG takes detail away.
    """
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.float32)
    grey += generator.uniform(*CLOTH) * _cover(pixels) * (255 - grey)
    grey *= _lamp(pixels.shape[0], pixels.shape[1], generator)
    grey += np.float32(generator.uniform(*NOISE)) * generator.standard_normal(grey.shape, np.float32)
    frame = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    _, stored = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR), np.uint8)


def _cover(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much of each pixel the garment covers, 0..1 (H, W), with soft edges; 0 where none is found."""
    height, width = pixels.shape[:2]
    masks = find_garment(pixels).masks
    if not masks:
        return np.zeros((height, width), np.float32)
    return np.asarray(cv2.resize(masks[0].astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR))


def _lamp(height: int, width: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """The light on each pixel, 0..1 (H, W): less with the square of the distance from where the lamp points."""
    x, y = generator.uniform(-AIM, AIM, 2)
    across = (np.linspace(-1, 1, width, dtype=np.float32) - np.float32(x)) ** 2
    down = (np.linspace(-1, 1, height, dtype=np.float32) - np.float32(y))[:, np.newaxis] ** 2
    away = across + down
    return np.asarray(1 - np.float32(generator.uniform(*FALL)) * away / away.max(), np.float32)
