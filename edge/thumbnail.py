"""A frame's thumbnail: small and grey, to tell whether frames look alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

THUMBNAIL_SIZE = (64, 48)
"""Width and height of a thumbnail: so far averaged, a sensor's noise stays under two grey levels."""


def thumbnail(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A small grey picture of a frame, to compare it by: uint8 (H, W, 3) blue green red -> uint8 (48, 64)."""
    width, height = THUMBNAIL_SIZE
    # Every sixteenth pixel or more of each cell is enough; all those of a 1080p frame take ten times as long (8.6 ms).
    step = max(1, min(pixels.shape[0] // (4 * height), pixels.shape[1] // (4 * width)))
    sparse = np.ascontiguousarray(pixels[::step, ::step])
    small = cv2.resize(sparse, THUMBNAIL_SIZE, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)


def differ(one: NDArray[np.uint8], other: NDArray[np.uint8], threshold: float) -> bool:
    """Whether two thumbnails, uint8 (48, 64), differ by more than `threshold` grey levels on average."""
    total = int(np.abs(one.astype(np.int16) - other.astype(np.int16)).sum(dtype=np.int64))
    return total > threshold * one.size
