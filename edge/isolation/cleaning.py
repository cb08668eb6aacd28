"""Masks without specks, gaps and holes."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from edge.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

KEPT_MASS = 0.25
"""A component with so much of the heaviest one's mass is kept: both shoes of a pair."""

LARGEST_HOLE = 0.02
"""Enclosed holes up to this part of the frame are filled."""

_OPENING = np.ones((3, 3), np.uint8)
_CLOSING = np.ones((5, 5), np.uint8)


def cleaned(mask: NDArray[np.bool_], largest_hole: float = LARGEST_HOLE) -> NDArray[np.bool_]:
    """Open, close, keep the central components and fill small holes: bool (h, w) -> bool (h, w)."""
    bits = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, _OPENING)
    bits = cv2.morphologyEx(bits, cv2.MORPH_CLOSE, _CLOSING)
    return filled(central(np.asarray(bits, np.uint8).astype(np.bool_)), round(largest_hole * mask.size))


def central(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The component with the largest mass, and those with KEPT_MASS of it; a pixel's mass is less further out."""
    count, numbers = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    if count < 3:
        return mask
    masses = np.bincount(numbers.ravel(), weights=centre_weights(*mask.shape).ravel(), minlength=count)
    masses[0] = 0
    kept = masses >= KEPT_MASS * masses.max()
    kept[0] = False
    return np.asarray(kept[numbers], np.bool_)


def touching(mask: NDArray[np.bool_], other: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The components of a mask that share a pixel with another mask."""
    count, numbers = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    kept = np.zeros(count, np.bool_)
    kept[numbers[other]] = True  # np.unique would load numpy.ma: 8 ms and 1.5 MB
    kept[0] = False
    return np.asarray(kept[numbers], np.bool_)


def box_of(mask: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The rows and columns that a mask with at least one pixel spans."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def filled(mask: NDArray[np.bool_], largest: int, middle: tuple[float, float] | None = None) -> NDArray[np.bool_]:
    """Fill enclosed holes of fewer than `largest` pixels.

    `middle` = (column, distance) fills only those whose centroid's column lies within that distance.
    """
    ground = cv2.copyMakeBorder(1 - mask.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    _, numbers, stats, centroids = cv2.connectedComponentsWithStats(ground, connectivity=4)
    closed = stats[:, cv2.CC_STAT_AREA] < largest
    if middle is not None:
        closed &= np.abs(centroids[:, 0] - 1 - middle[0]) <= middle[1]
    closed[0] = False
    closed[numbers[0, 0]] = False
    return np.asarray(mask | closed[numbers[1:-1, 1:-1]], np.bool_)


@lru_cache(maxsize=16)
def centre_weights(height: int, width: int) -> NDArray[np.int64]:
    """1000 in the middle, 200 in the middle of an edge, 111 in the corners; whole numbers, so sums are exact."""
    down = (2 * np.arange(height) + 1 - height) / height
    right = (2 * np.arange(width) + 1 - width) / width
    weights = (1000 / (1 + 4 * (down[:, np.newaxis] ** 2 + right**2))).astype(np.int64)
    weights.setflags(write=False)
    return weights
