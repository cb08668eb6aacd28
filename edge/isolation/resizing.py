"""A picture at another size, in exact arithmetic: the same to the bit on every processor."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from edge.isolation.rendering import between
from edge.opencv import cv2
from edge.spec import Resampling

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.isolation.rendering import Edges

MOST_SUMMED = (1 << 31) // 255
"""So many bytes have a sum that 31 bits hold: a frame of 8.4 million pixels."""

_BLOCK = 100_000
"""Pixels of a table at a time: in a processor's cache, and of a large photo little memory."""


def resized(pixels: NDArray[np.uint8], height: int, width: int, resampling: Resampling) -> NDArray[np.uint8]:
    """A picture at another size: uint8 (H, W, 3) -> uint8 (height, width, 3); of the same size it comes back itself.

    BILINEAR takes the four nearest pixels, with half-pixel centres and no wider filter where it shrinks, as
    tf.image.resize and Keras do, but in bytes: the result is theirs, rounded, to within one level. (Of frames of pure
    noise one value in ten differs by that level, of smooth ones one in a hundred.) AREA is the mean of what lies under
    a pixel, halves rounded up; what is to be larger, one way or both, is enlarged bilinearly.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    rows, columns = pixels.shape[:2]
    if resampling is Resampling.BILINEAR or height > rows or width > columns:
        # INTER_LINEAR differs by one between x86 and Arm; its exact variant does not.
        return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)
    return area_averaged(pixels, height, width)


def area_averaged(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """The mean of what lies under each pixel: uint8 (H, W, 3) -> uint8 (height, width, 3), neither larger than before.

    By summed-area tables (Crow 1984, doi.org/10.1145/964965.808600) of some rows at a time. Their sums may wrap around:
    the differences, of at most MOST_SUMMED pixels in 32 bits, wrap back.
    """
    rows, columns = pixels.shape[:2]
    kind = np.int32 if rows * columns <= MOST_SUMMED else np.int64
    lines = np.empty((height, columns + 1, 3), kind)
    step = max(1, _BLOCK * height // (rows * columns))
    for first in range(0, height, step):
        last = min(height, first + step)
        top, bottom = first * rows // height, -(-last * rows // height)
        table = np.asarray(cv2.integral(pixels[top:bottom]), kind).reshape(bottom - top + 1, -1)
        lines[first:last] = between(table, _edges(rows, height, first, last)).reshape(-1, columns + 1, 3)
    turned = np.asarray(cv2.transpose(lines)) if kind is np.int32 else lines.transpose(1, 0, 2)
    sums = between(turned.reshape(columns + 1, -1), _edges(columns, width, 0, width))
    # Quotients that are no halves are further from one than float64's rounding: exact.
    means = sums.astype(np.float64)
    means /= rows * columns
    means += 0.5
    return np.asarray(cv2.transpose(means.astype(np.uint8).reshape(width, height, 3)), np.uint8)


@lru_cache(maxsize=256)
def _edges(source: int, target: int, first: int, last: int) -> Edges:
    """Where the edges of pixels `first` to `last` lie among the rows of a table that begins with the first's.

    As edge.isolation.rendering has them: the rows before and after, and how near each is, in units of 1/target.
    """
    edges = np.arange(first, last + 1) * source
    before, away = np.divmod(edges, target)
    before -= before[0]
    away = away[:, np.newaxis].astype(np.int32)
    after = np.minimum(before + 1, -(-edges[-1] // target) - edges[0] // target)
    return before, after, target - away, away
