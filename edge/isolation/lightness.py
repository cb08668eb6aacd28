"""A frame without colours: a night camera's, or a picture in black and white. Lightness, texture and place part it.

Lamps and lenses leave a frame's corners darker than its middle; that is as large a difference as many garments make,
and without colours nothing else outweighs it. So the light is made even first. Then two pairs of histograms take the
place of those of colours (colours.py): of lightness and texture, and of lightness and place, for a garment is in one
piece. The second is a bilateral grid (Chen et al. 2007, doi.org/10.1145/1276377.1276506) that counts pixels.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from edge.isolation.colours import BINS, NEUTRAL, Counts
from edge.isolation.ground import median_of, strip_of
from edge.opencv import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEXTURE_WINDOW = 7
"""Pixels each way, of 112, over which texture is averaged."""

PLACES = 6
"""Parts of the frame, each way, in which lightness is counted apart. With 5 or 8 masks are as good, with 12 worse."""


def evenly_lit(lab: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A frame as if its ground were lit evenly: uint8 (3, h, w) Lab, without colours -> the same, a and b neutral.

    What the light does is fitted to the border strip by least squares: a slope across, one down, and a fall from the
    middle outwards; never a rise, which lamps do not make. What differs much from the strip's median counts as if it
    differed by twice the median deviation: a garment that reaches the border must not tilt the ground.
    """
    lightness = lab[0]
    light = _light_of(*lightness.shape)
    border = lightness.ravel().take(light.strip)[np.newaxis]
    away = border - median_of(border)
    limit = max(4, 2 * int(median_of(np.abs(away).astype(np.uint8))[0]))
    away = np.minimum(np.maximum(away[0], -limit), limit).astype(np.float64)
    across, down, fall = (_slope(place, away) for place in light.strip_places)
    fall = min(0.0, fall)
    surface = fall * light.outwards
    surface += across * light.across - (fall * light.outwards_in_strip + 0.5)
    surface += down * light.down
    even = np.full_like(lab, NEUTRAL)
    np.subtract(lightness, surface, out=surface)
    np.maximum(surface, 0, out=surface)
    even[0] = np.minimum(surface, 255, out=surface)  # cut off to whole numbers
    return even


class LightnessCounts(Counts):
    """How often lightness and texture, and lightness at a place, are in a frame: uint8 (3, h, w) Lab, evenly lit."""

    def __init__(self, lab: NDArray[np.uint8]) -> None:
        bins = _places(*lab.shape[1:]).copy()
        np.right_shift(lab[0], 4, out=bins[0])
        self._at_places = Counts(bins)
        bins[1] = texture_of(lab[0])
        bins[2] = 0
        super().__init__(bins)

    def _odds(self, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The geometric mean of what both pairs of histograms say."""
        odds = super()._odds(mask)
        odds *= self._at_places._odds(mask)
        return np.sqrt(odds, out=odds)


def texture_of(lightness: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """How much pixels differ from those around, on average: uint8 (h, w) -> uint8 (h, w), 0 to BINS - 1."""
    rough = cv2.absdiff(lightness, cv2.blur(lightness, (3, 3)))
    sums = cv2.boxFilter(rough, cv2.CV_16U, (TEXTURE_WINDOW, TEXTURE_WINDOW), normalize=False)
    return np.minimum(np.asarray(sums, np.uint16) // TEXTURE_WINDOW**2, BINS - 1).astype(np.uint8)


def _slope(place: NDArray[np.float64], away: NDArray[np.float64]) -> float:
    """The slope of a least-squares line: whole numbers, float64 (N,) each, whose sums stay below 2^53; 0 of a point."""
    count, sums = place.size, float(place.sum())
    spread = count * float(place @ place) - sums * sums
    return (count * float(place @ away) - sums * float(away.sum())) / spread if spread else 0.0


class _Light(NamedTuple):
    """What light may do to a frame: whole numbers."""

    across: NDArray[np.float32]
    """(w,)"""
    down: NDArray[np.float32]
    """(h, 1)"""
    outwards: NDArray[np.float32]
    """(h, w): the square of the distance from the middle, 1024 in the middle of an edge."""
    strip: NDArray[np.intp]
    """(N,): which pixels are the border strip."""
    strip_places: tuple[NDArray[np.float64], ...]
    """Across, down and outwards there: (N,) each."""
    outwards_in_strip: float
    """On average."""


@lru_cache(maxsize=16)
def _light_of(height: int, width: int) -> _Light:
    across = 2.0 * np.arange(width) + 1 - width
    down = (2.0 * np.arange(height) + 1 - height)[:, np.newaxis]
    outwards: NDArray[np.float64] = np.floor(1024 * ((across / width) ** 2 + (down / height) ** 2))
    strip = strip_of(height, width)
    places = tuple(np.broadcast_to(one, strip.shape)[strip] for one in (across, down, outwards))
    return _Light(
        across.astype(np.float32),
        down.astype(np.float32),
        outwards.astype(np.float32),
        np.flatnonzero(strip),
        places,
        float(places[2].sum()) / places[2].size,
    )


@lru_cache(maxsize=16)
def _places(height: int, width: int) -> NDArray[np.uint8]:
    """Room for one thing, and the number of the row and the column of PLACES: uint8 (3, height, width)."""
    bins = np.zeros((3, height, width), np.uint8)
    bins[1] = (np.arange(height) * PLACES // height)[:, np.newaxis]
    bins[2] = np.arange(width) * PLACES // width
    return bins
