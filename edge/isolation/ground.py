"""What a frame's border is made of, and which pixels are not of it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from edge.isolation.cleaning import cleaned, touching
from edge.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

Pixel = TypeVar("Pixel", bound=np.generic)

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

CORE = 0.5
"""Radii of the ellipse in the middle that is taken for garment while edges are sought, in parts of the frame's halves.
With .6 or .7 masks are as good, with .3 a little worse."""

RIM = 3
"""Outermost rows and columns that are taken for ground meanwhile."""


@lru_cache(maxsize=16)
def strip_of(height: int, width: int) -> NDArray[np.bool_]:
    """Which pixels of a frame are its border strip: bool (height, width)."""
    strip = np.zeros((height, width), np.bool_)
    for part in strip_parts(strip):
        part[...] = True
    strip.setflags(write=False)
    return strip


def strip_parts(planes: NDArray[Pixel]) -> list[NDArray[Pixel]]:
    """The parts of a picture (..., h, w) that make its border strip: top, bottom, left, right."""
    height, width = planes.shape[-2:]
    thick = max(1, round(STRIP * min(height, width)))
    if min(height, width) <= 2 * thick:
        return [planes]
    inner = planes[..., thick:-thick, :]
    return [planes[..., :thick, :], planes[..., -thick:, :], inner[..., :thick], inner[..., -thick:]]


def border_of(lab: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The border strip's pixels: uint8 (3, h, w) -> uint8 (3, N)."""
    return np.concatenate([part.reshape(len(lab), -1) for part in strip_parts(lab)], axis=1)


def difference(lab: NDArray[np.uint8], border: NDArray[np.uint8], median: NDArray[np.int16]) -> NDArray[np.uint8]:
    """How much each pixel differs from the strip: uint8 (3, h, w) Lab, border_of and median_of -> (h, w), smoothed.

    Mahalanobis distance from the strip's median, in its covariance; the fourth root of its square, which lifts what
    differs a little. Black where nothing differs.
    """
    levels = mahalanobis_squares(lab, border, median)
    far = _ranked(levels.ravel(), levels.size * 99 // 100)
    if far <= 0:
        return np.zeros(levels.shape, np.uint8)
    levels /= far
    np.minimum(levels, 1.0, out=levels)
    np.sqrt(levels, out=levels)
    np.sqrt(levels, out=levels)
    levels *= 255
    levels += 0.5
    return np.asarray(cv2.blur(levels.astype(np.uint8), (3, 3)), np.uint8)


def _ranked(values: NDArray[np.float64], rank: int) -> float:
    """The value that sorting puts in place `rank`. A sample tells of most of them that they are smaller."""
    sample = values[::32]
    place = len(sample) * 15 // 16
    chosen = values[values >= np.partition(sample, place)[place]]
    smaller = len(values) - len(chosen)
    if smaller > rank:
        chosen, smaller = values, 0
    return float(np.partition(chosen, rank - smaller)[rank - smaller])


def threshold_of(levels: NDArray[np.uint8]) -> float:
    """The level that parts a picture uint8 (h, w) in two best: Otsu 1979, ieeexplore.ieee.org/document/4310076."""
    level, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return float(level)


def mahalanobis_squares(
    lab: NDArray[np.uint8], border: NDArray[np.uint8], median: NDArray[np.int16]
) -> NDArray[np.float64]:
    """Squared distances from the strip's median in units of its covariance, times a common factor: float64 (h, w).

    The covariance in whole numbers and its adjugate instead of its inverse make everything a whole number, of at most
    9 * 255^2 * 2 * 65041^2 < 2^53: exact in float64, in whatever order a machine adds.
    """
    colours = border.astype(np.float64)
    count = border.shape[1]
    sums = colours.sum(axis=1)
    covariance = np.floor((count * np.einsum("in,jn->ij", colours, colours) - np.outer(sums, sums)) / (count * count))
    covariance += LEAST_VARIANCE * np.eye(3)
    (a, b, c), (_, d, e), (_, _, f) = covariance.tolist()
    adjugate = np.array(
        [
            [d * f - e * e, c * e - b * f, b * e - c * d],
            [c * e - b * f, a * f - c * c, b * c - a * e],
            [b * e - c * d, b * c - a * e, a * d - b * b],
        ]
    )
    away = np.subtract(lab.reshape(3, -1), median[:, np.newaxis], dtype=np.float64)
    squares: NDArray[np.float64] = np.einsum("ij,ij->j", adjugate @ away, away)
    return squares.reshape(lab.shape[1:])


def median_of(border: NDArray[np.uint8]) -> NDArray[np.int16]:
    """The (upper) median of each channel: uint8 (3, N) -> int16 (3,)."""
    middle = np.sort(border, axis=1, kind="stable")[:, border.shape[1] // 2]  # of bytes by counting, not comparing
    return middle.astype(np.int16)


def plain_background_mask(
    lab: NDArray[np.uint8], border: NDArray[np.uint8], median: NDArray[np.int16], mask: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """On a plain background: all that is not background and touches the mask, its openings filled, and open.

    uint8 (3, h, w) Lab, border_of and median_of it, bool (h, w) -> bool (h, w) twice, the same array where there are no
    openings. None where the background is not even. Otsu's threshold lies between dark jeans and white, so a white
    shirt above them vanishes; here it is found again.
    """
    even = np.abs(border - median[:, np.newaxis]).sum(axis=0, dtype=np.int16) <= EVEN_DISTANCE
    if np.count_nonzero(even) <= (even.size * EVEN_PERCENTILE) // 100:
        return None
    distance = np.abs(lab - median[:, np.newaxis, np.newaxis]).sum(axis=0, dtype=np.int16)
    smooth = cv2.blur(distance, (3, 3), borderType=cv2.BORDER_REPLICATE)
    calm = smooth <= PAPER_DISTANCE
    low = (~calm).view(np.uint8)
    low = cv2.morphologyEx(low, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    low = cv2.erode(low, np.ones((HALO, HALO), np.uint8))
    found = cleaned(touching(low.astype(np.bool_), mask) | mask, largest_hole=0.03)
    if edge_share(found) > MOST_OF_EDGE or np.count_nonzero(found) > MOST_OF_FRAME * found.size:
        return None
    if not (calm & found).any():
        return found, found
    from edge.isolation.openings import with_openings  # most garments have none: a first photo need not pay for it

    return found, with_openings(found, calm, distance)


def enclosed_by_edges(lab: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """What edges part from the frame's rim, seen from its middle: uint8 (3, h, w) Lab -> bool (h, w), never empty.

    A watershed (Meyer 1992): the middle and the rim grow over what differs least from its neighbours, until they meet.
    A white shirt with a print, on white, has the border's colour; its outline is all that parts it.
    """
    seeds = _seeds(*lab.shape[1:])
    grown = cv2.watershed(cv2.GaussianBlur(cv2.merge(list(lab)), (5, 5), 0), seeds.copy())
    garment = cv2.dilate((grown == _MIDDLE).view(np.uint8), np.ones((3, 3), np.uint8))  # and where both meet
    return np.asarray((garment > 0) & (grown != _RIM) | (seeds == _MIDDLE), np.bool_)


_RIM, _MIDDLE = 1, 2


@lru_cache(maxsize=16)
def _seeds(height: int, width: int) -> NDArray[np.int32]:
    """Where the rim and the middle grow from, numbered; elsewhere 0: int32 (height, width)."""
    down = (2 * np.arange(height)[:, np.newaxis] + 1 - height) / height
    right = (2 * np.arange(width) + 1 - width) / width
    seeds = np.full((height, width), _RIM, np.int32)
    seeds[RIM:-RIM, RIM:-RIM] = 0
    seeds[down**2 + right**2 < CORE**2] = _MIDDLE
    seeds[height // 2, width // 2] = _MIDDLE
    seeds.setflags(write=False)
    return seeds


def edge_share(mask: NDArray[np.bool_]) -> float:
    """Which part of the frame's outermost pixels the mask covers, 0..1."""
    outermost = np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])
    return float(np.count_nonzero(outermost)) / outermost.size
