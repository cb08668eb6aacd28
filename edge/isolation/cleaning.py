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

FEW = 8
"""So many components, or holes, are cheaper one by one than all together."""

_SQUARE_3, _SQUARE_5, _SQUARE_7 = (np.ones((size, size), np.uint8) for size in (3, 5, 7))


def cleaned(mask: NDArray[np.bool_], largest_hole: float = LARGEST_HOLE) -> NDArray[np.bool_]:
    """Open, close, keep the central components and fill small holes: bool (h, w) -> bool (h, w)."""
    bits = cv2.erode(mask.view(np.uint8), _SQUARE_3)
    bits = cv2.dilate(bits, _SQUARE_7)  # an opening by 3 pixels ends and a closing by 5 begins
    bits = np.asarray(cv2.erode(bits, _SQUARE_5), np.uint8)
    # Most masks are one component without holes: following the outlines says so at a third of the cost of numbering.
    outlines, hierarchy = cv2.findContours(bits, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    found: NDArray[np.bool_] = bits.view(np.bool_)
    if not outlines:
        return found
    holes = np.flatnonzero(hierarchy[0, :, 3] >= 0)
    if len(outlines) - len(holes) > 1:
        found = central(found)
    largest = round(largest_hole * mask.size)
    if len(holes) > FEW:
        return filled(found, largest)
    for number in holes.tolist():
        left, top, width, height = cv2.boundingRect(outlines[number])
        around = found[top : top + height, left : left + width]
        around |= filled(around, largest)
    return found


def central(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The component with the largest mass, and those with KEPT_MASS of it; a pixel's mass is less further out."""
    count, numbers = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
    if count < 3:
        return mask
    masses = np.bincount(numbers.ravel(), weights=centre_weights(*mask.shape).ravel(), minlength=count)
    masses[0] = 0
    return _chosen(np.asarray(numbers, np.int32), np.flatnonzero(masses >= KEPT_MASS * masses.max()))


def _chosen(numbers: NDArray[np.int32], those: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Where one of the numbers stands: int32 (h, w), (N,) -> bool (h, w). Of few ones, comparing is faster."""
    if len(those) > FEW:
        kept = np.zeros(int(numbers.max()) + 1, np.bool_)
        kept[those] = True
        return kept[numbers]
    found = np.zeros(numbers.shape, np.bool_)
    for one in those:
        found |= numbers == one
    return found


def touching(mask: NDArray[np.bool_], other: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The components of a mask that share a pixel with another mask."""
    count, numbers = cv2.connectedComponents(mask.view(np.uint8), connectivity=8)
    kept = np.zeros(count, np.bool_)
    kept[numbers[other]] = True  # np.unique would load numpy.ma: 8 ms and 1.5 MB
    kept[0] = False
    return np.asarray(kept[numbers], np.bool_)


def filled(mask: NDArray[np.bool_], largest: int, middle: tuple[float, float] | None = None) -> NDArray[np.bool_]:
    """Fill enclosed holes of fewer than `largest` pixels.

    `middle` = (column, distance) fills only those whose centroid's column lies within that distance.
    """
    ground = cv2.copyMakeBorder(1 - mask.view(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    if middle is None:
        count, numbers = cv2.connectedComponents(ground, connectivity=4)
        areas = np.bincount(numbers.ravel(), minlength=count)
    else:
        count, numbers, stats, centroids = cv2.connectedComponentsWithStats(ground, connectivity=4)
        areas = np.where(np.abs(centroids[:, 0] - 1 - middle[0]) <= middle[1], stats[:, cv2.CC_STAT_AREA], mask.size)
    closed = areas < largest
    closed[0] = False
    closed[numbers[0, 0]] = False
    return np.asarray(mask | _chosen(np.asarray(numbers, np.int32)[1:-1, 1:-1], np.flatnonzero(closed)), np.bool_)


@lru_cache(maxsize=16)
def centre_weights(height: int, width: int) -> NDArray[np.float64]:
    """1000 in the middle, 200 in the middle of an edge, 111 in the corners; whole numbers, so sums are exact."""
    down = (2 * np.arange(height) + 1 - height) / height
    right = (2 * np.arange(width) + 1 - width) / width
    weights: NDArray[np.float64] = np.floor(1000 / (1 + 4 * (down[:, np.newaxis] ** 2 + right**2)))
    weights.setflags(write=False)
    return weights
