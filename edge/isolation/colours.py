"""Which colours are the garment's and which its ground's: a mask refined by what it holds.

One colour for the ground fails where the ground has several: a patterned rug, boards with gaps, a wall and a floor.
Two histograms, of the mask and of what is around it, tell them apart, as in GrabCut (Rother et al. 2004,
doi.org/10.1145/1015706.1015720), without its cuts.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from edge.isolation.cleaning import centre_weights
from edge.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 16
"""Of each of L, a and b."""

COLOUR_WIDTH = 6
"""Levels of a and b in one bin, counted from grey; the outermost take the rest."""

STRIP_WEIGHT = 4
"""A pixel of the frame's border speaks for the ground so much more than another outside the mask."""

_SMOOTHING = 2 * np.eye(BINS) + np.eye(BINS, k=1) + np.eye(BINS, k=-1)


def overlap(numbers: NDArray[np.intp], mask: NDArray[np.bool_], strip: NDArray[np.bool_]) -> float:
    """How much of a garment's colours its ground has, too, 0..1: the intersection of their histograms.

    After Swain and Ballard 1991, doi.org/10.1007/BF00130487; arguments as of garment_levels. Whole numbers below 2^53.
    """
    of_garment = _histogram(numbers, mask.astype(np.int64))
    of_ground = _ground_histogram(numbers, mask, strip)
    garment, ground = float(of_garment.sum()), float(of_ground.sum())
    return float(np.minimum(of_garment * ground, of_ground * garment).sum()) / (garment * ground)


def bin_numbers(lab: NDArray[np.uint8]) -> NDArray[np.intp]:
    """The number of each pixel's colour, 0 to BINS^3 - 1: uint8 (h, w, 3) Lab -> (h, w)."""
    light, green_red, blue_yellow = _tables()
    numbers: NDArray[np.intp] = light[lab[..., 0]] + green_red[lab[..., 1]] + blue_yellow[lab[..., 2]]
    return numbers


def garment_levels(numbers: NDArray[np.intp], mask: NDArray[np.bool_], strip: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """How surely each pixel has the garment's colour rather than its ground's: uint8 (h, w), smoothed, 255 the surest.

    `numbers` (h, w) of bin_numbers, bool (h, w) and bool (h, w) in, the mask with a pixel set. Pixels count for the
    garment by how central they are. Sums are of whole numbers below 2^53, and the rest is done pixel by pixel: the
    same on every processor.
    """
    height, width = mask.shape
    of_garment = _histogram(numbers, centre_weights(height, width) * mask)
    of_ground = _ground_histogram(numbers, mask, strip)
    with np.errstate(divide="ignore", invalid="ignore"):  # colours that neither has
        odds = (of_ground * of_garment.sum()) / (of_garment * of_ground.sum())
    nearness = _nearness(height, width)
    levels = nearness / (nearness + odds[numbers])
    return np.asarray(cv2.blur((levels * 255 + 0.5).astype(np.uint8), (3, 3)), np.uint8)


def _ground_histogram(
    numbers: NDArray[np.intp], mask: NDArray[np.bool_], strip: NDArray[np.bool_]
) -> NDArray[np.float64]:
    return _histogram(numbers, ~mask + STRIP_WEIGHT * strip)


@lru_cache(maxsize=1)
def _tables() -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """What every level of L, a and b adds to the number of its bin."""
    levels = np.arange(256)
    colour = np.clip((levels - 128) // COLOUR_WIDTH + BINS // 2, 0, BINS - 1)
    return (levels * BINS // 256) * BINS**2, colour * BINS, colour


def _histogram(numbers: NDArray[np.intp], weights: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weights summed by bin, smoothed by 1 2 1 along each axis: float64 (BINS^3,)."""
    counts = np.asarray(np.bincount(numbers.ravel(), weights.ravel(), BINS**3), np.float64)
    for _ in range(3):  # the axes take turns
        counts = (_SMOOTHING @ counts.reshape(BINS, BINS**2)).T.ravel()
    return counts


@lru_cache(maxsize=16)
def _nearness(height: int, width: int) -> NDArray[np.float64]:
    """How much likelier the garment is here than elsewhere: the root of the centre's weights, 1 on average."""
    weights = centre_weights(height, width)
    nearness: NDArray[np.float64] = np.sqrt(weights * weights.size / weights.sum())
    nearness.setflags(write=False)
    return nearness
