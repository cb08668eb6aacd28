"""What a frame's border is made of, and which pixels are not of it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from edge.isolation.cleaning import cleaned, touching
from edge.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRIP = 0.07
"""Width of the border strip, as a part of the frame's shorter side."""

LEAST_VARIANCE = 16
"""Added to the variance of each colour channel: an even ground would else make noise stand out."""

EVEN_PERCENTILE, EVEN_DISTANCE = 60, 3
"""A ground is even where so many percent of the strip differ from its median by at most so much, summed over Lab."""

PAPER_DISTANCE = 6
"""On even ground, what differs by more (summed over Lab) belongs to the garment."""

HALO = 3
"""Pixels that JPEG smears around a garment on white, and that an erosion of this size takes off."""

MOST_OF_EDGE, MOST_OF_FRAME = 0.40, 0.85
"""A mask that covers more of the frame's edge, or of the frame, has taken ground for garment."""


@lru_cache(maxsize=16)
def strip_of(height: int, width: int) -> NDArray[np.bool_]:
    """Which pixels of a frame are its border strip: bool (height, width)."""
    thick = max(1, round(STRIP * min(height, width)))
    strip = np.ones((height, width), np.bool_)
    strip[thick:-thick, thick:-thick] = False
    strip.setflags(write=False)
    return strip


def difference(lab: NDArray[np.uint8], strip: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """How much each pixel differs from the border strip's colour: uint8 (h, w, 3) Lab -> uint8 (h, w), smoothed.

    Mahalanobis distance from the strip's median, in its covariance; the fourth root of its square, which lifts what
    differs a little. Black where nothing differs.
    """
    squares = mahalanobis_squares(lab, strip)
    rank = (squares.size * 99) // 100
    far = float(np.partition(squares, rank, axis=None)[rank])
    if far <= 0:
        return np.zeros(lab.shape[:2], np.uint8)
    roots = np.sqrt(np.sqrt(np.minimum(squares / far, 1.0)))
    return np.asarray(cv2.blur((roots * 255 + 0.5).astype(np.uint8), (3, 3)), np.uint8)


def threshold_of(levels: NDArray[np.uint8]) -> float:
    """The level that parts a picture uint8 (h, w) in two best: Otsu 1979, ieeexplore.ieee.org/document/4310076."""
    level, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return float(level)


def mahalanobis_squares(lab: NDArray[np.uint8], strip: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Squared distances from the strip's median in units of its covariance, times a common factor: float64 (h, w).

    The covariance in whole numbers and its adjugate instead of its inverse make everything a whole number, of at most
    9 * 255^2 * 2 * 65041^2 < 2^53: exact in float64, in whatever order a machine adds.
    """
    colours = lab[strip]
    border = colours.astype(np.float64)
    count = len(border)
    sums = border.sum(axis=0)
    covariance = np.floor((count * (border.T @ border) - np.outer(sums, sums)) / (count * count))
    covariance += LEAST_VARIANCE * np.eye(3)
    (a, b, c), (_, d, e), (_, _, f) = covariance.tolist()
    adjugate = np.array(
        [
            [d * f - e * e, c * e - b * f, b * e - c * d],
            [c * e - b * f, a * f - c * c, b * c - a * e],
            [b * e - c * d, b * c - a * e, a * d - b * b],
        ]
    )
    away = lab.reshape(-1, 3).T - median_of(colours).reshape(3, 1).astype(np.float64)
    light, green_red, blue_yellow = away
    products: NDArray[np.float64] = light * (
        adjugate[0, 0] * light + (2 * adjugate[0, 1]) * green_red + (2 * adjugate[0, 2]) * blue_yellow
    )
    products += green_red * (adjugate[1, 1] * green_red + (2 * adjugate[1, 2]) * blue_yellow)
    products += adjugate[2, 2] * (blue_yellow * blue_yellow)
    return products.reshape(lab.shape[:2])


def median_of(colours: NDArray[np.uint8]) -> NDArray[np.int16]:
    """The (upper) median of each channel: uint8 (N, 3) -> int16 (3,). Counting is ten times as fast as sorting."""
    counts = [np.bincount(channel, minlength=256) for channel in colours.T]
    return np.array([np.searchsorted(np.cumsum(one), len(colours) // 2, "right") for one in counts], np.int16)


def plain_background_mask(
    lab: NDArray[np.uint8], strip: NDArray[np.bool_], mask: NDArray[np.bool_]
) -> NDArray[np.bool_] | None:
    """On a plain background: all that is not background and touches the mask. None where the background is not even.

    uint8 (h, w, 3) Lab, bool (h, w), bool (h, w) -> bool (h, w). Otsu's threshold lies between dark jeans and white,
    so a white shirt above them vanishes; here it is found again.
    """
    border = lab[strip]
    median = median_of(border)
    even = np.abs(border.astype(np.int16) - median).sum(axis=1, dtype=np.int16) <= EVEN_DISTANCE
    if np.count_nonzero(even) <= (len(border) * EVEN_PERCENTILE) // 100:
        return None
    distance = np.abs(lab.astype(np.int16) - median).sum(axis=2, dtype=np.int16)
    smooth = cv2.blur(distance, (3, 3), borderType=cv2.BORDER_REPLICATE)
    low = (smooth > PAPER_DISTANCE).astype(np.uint8)
    low = cv2.morphologyEx(low, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    low = cv2.erode(low, np.ones((HALO, HALO), np.uint8))
    found = cleaned(touching(low.astype(np.bool_), mask) | mask, largest_hole=0.03)
    if edge_share(found) > MOST_OF_EDGE or found.mean() > MOST_OF_FRAME:
        return None
    return found


def edge_share(mask: NDArray[np.bool_]) -> float:
    """Which part of the frame's outermost pixels the mask covers, 0..1."""
    outermost = np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])
    return float(np.count_nonzero(outermost)) / outermost.size
