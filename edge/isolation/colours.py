"""Which colours are the garment's and which its ground's: a mask refined by what it holds.

One colour for the ground fails where the ground has several: a patterned rug, boards with gaps, a wall and a floor.
Two histograms, of the mask and of what is around it, tell them apart, as in GrabCut (Rother et al. 2004,
doi.org/10.1145/1015706.1015720), without its cuts.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from edge.isolation.cleaning import centre_weights
from edge.isolation.ground import strip_of
from edge.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 16
"""Of each of L, a and b."""

COLOUR_WIDTH = 6
"""Levels of a and b in one bin, counted from grey; the outermost take the rest."""

STRIP_WEIGHT = 4
"""A pixel of the frame's border speaks for the ground so much more than another outside the mask."""

NEUTRAL = 128
"""a and b in 8 bits of what has no colour."""

MOST_TINT = 3
"""So far from NEUTRAL, a and b are a camera's error. The palest of 878 photos in colour reaches 6."""

_LOWEST = NEUTRAL - COLOUR_WIDTH * BINS // 2
"""The level of a and b at which the first bin would begin, if it took no rest."""

_COUNT = 1 << 30
"""Stands for one pixel beside its weight: both are summed at once. Smoothed weights sum to less than 64 * 1000 * 112^2,
counts to less than 64 * 112^2, so together to less than 2^50: exact in float64."""


def has_no_colour(lab: NDArray[np.uint8]) -> bool:
    """Whether a frame is grey throughout: uint8 (3, h, w) Lab."""
    return all(int(plane.min()) >= NEUTRAL - MOST_TINT and int(plane.max()) <= NEUTRAL + MOST_TINT for plane in lab[1:])


class Counts:
    """How often something is in a frame: uint8 (3, h, w) bins, 0 to BINS - 1. Sums are of whole numbers below 2^53.

    Only the bins that the frame has, and their neighbours, are counted: of colours a tenth of all BINS^3, mostly.
    """

    def __init__(self, bins: NDArray[np.uint8]) -> None:
        self._size = height, width = bins.shape[1:]
        lowest, highest = bins.min(axis=(1, 2)).tolist(), bins.max(axis=(1, 2)).tolist()
        # One bin more on each side, into which smoothing spreads; bins -1 and BINS there are not.
        self._shape = tuple(last - first + 3 for first, last in zip(lowest, highest, strict=True))
        self._none = [(slice(None),) * axis + (0,) for axis in range(3) if lowest[axis] == 0]
        self._none += [(slice(None),) * axis + (-1,) for axis in range(3) if highest[axis] == BINS - 1]
        down, across = self._steps = self._shape[1] * self._shape[2], self._shape[2]
        numbers = np.multiply(bins[0], down, dtype=np.int16)
        numbers += np.multiply(bins[1], across, dtype=np.int16)
        numbers += bins[2]
        numbers -= (lowest[0] - 1) * down + (lowest[1] - 1) * across + lowest[2] - 1
        self._numbers = numbers.ravel().astype(np.intp)
        self._all = self._summed(self._numbers, _strip_weights(height, width))

    def garment_levels(self, mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """How surely each pixel has the garment's colour rather than its ground's: uint8 (h, w), smoothed, 255 surest.

        bool (h, w) in, with a pixel set. Pixels count for the garment by how central they are. The rest is done pixel
        by pixel: the same on every processor.
        """
        levels = self._odds(mask)
        nearness = _nearness(*self._size)
        levels += nearness
        np.divide(nearness, levels, out=levels)
        levels *= 255
        levels += 0.5
        return np.asarray(cv2.blur(levels.astype(np.uint8).reshape(self._size), (3, 3)), np.uint8)

    def _odds(self, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        """How much likelier each pixel is of the ground than of the garment: float64 (h * w,), infinity included."""
        counts, of_garment = self._counted(mask)
        of_ground = self._all - counts
        with np.errstate(divide="ignore", invalid="ignore"):  # bins that neither has
            odds = (of_ground * of_garment.sum()) / (of_garment * of_ground.sum())
        return np.asarray(odds.take(self._numbers, mode="wrap"), np.float64)

    def overlap(self, mask: NDArray[np.bool_]) -> float:
        """How much of a garment's colours its ground has, too, 0..1: the intersection of their histograms.

        After Swain and Ballard 1991, doi.org/10.1007/BF00130487; bool (h, w) in, with a pixel set.
        """
        of_garment, _ = self._counted(mask)
        of_ground = self._all - of_garment
        garment, ground = float(of_garment.sum()), float(of_ground.sum())
        return float(np.minimum(of_garment * ground, of_ground * garment).sum()) / (garment * ground)

    def _counted(self, mask: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of each colour, how many of the mask's pixels have it, and how much these weigh, smoothed: float64 (N,)."""
        inside = mask.ravel()
        both = self._summed(self._numbers[inside], _weights(*self._size)[inside])
        counts = np.floor(both / _COUNT)
        return counts, both - counts * _COUNT

    def _summed(self, numbers: NDArray[np.intp], weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weights of pixels summed by their colours' numbers, smoothed by 1 2 1 along each axis: float64 (N,)."""
        counts = np.asarray(np.bincount(numbers, weights, math.prod(self._shape)), np.float64)
        for step in (*self._steps, 1):  # a row's end runs over into the next one's beginning, where nothing was
            smooth = counts + counts
            smooth[step:] += counts[:-step]
            smooth[:-step] += counts[step:]
            counts = smooth
        for plane in self._none:
            counts.reshape(self._shape)[plane] = 0
        return counts


class ColourCounts(Counts):
    """How often a frame's colours are in it: uint8 (3, h, w) Lab."""

    def __init__(self, lab: NDArray[np.uint8]) -> None:
        super().__init__(bins_of(lab))


def bins_of(lab: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The bins of each pixel's colour, 0 to BINS - 1: uint8 (3, h, w) Lab -> uint8 (3, h, w)."""
    _, height, width = lab.shape
    planes = lab.reshape(3 * height, width)
    # A number will do, whatever the stubs say; of these operations NumPy has no vector code for bytes.
    colours = np.asarray(cv2.subtract(planes, _LOWEST), np.uint8)  # type: ignore[call-overload] # 0 where it is less
    colours //= COLOUR_WIDTH
    bins = np.asarray(cv2.min(colours, BINS - 1), np.uint8).reshape(lab.shape)  # type: ignore[call-overload]
    np.right_shift(lab[0], 4, out=bins[0])
    return bins


@lru_cache(maxsize=16)
def _weights(height: int, width: int) -> NDArray[np.float64]:
    """A pixel counted, and how central it is: float64 (height * width,)."""
    return (centre_weights(height, width) + _COUNT).ravel()


@lru_cache(maxsize=16)
def _strip_weights(height: int, width: int) -> NDArray[np.float64]:
    """How much a pixel speaks for the ground: float64 (height * width,)."""
    return np.where(strip_of(height, width), 1.0 + STRIP_WEIGHT, 1.0).ravel()


@lru_cache(maxsize=16)
def _nearness(height: int, width: int) -> NDArray[np.float64]:
    """How much likelier the garment is here than elsewhere: the root of the centre's weights, 1 on average: (N,)."""
    weights = centre_weights(height, width).ravel()
    nearness: NDArray[np.float64] = np.sqrt(weights * weights.size / weights.sum())
    nearness.setflags(write=False)
    return nearness
