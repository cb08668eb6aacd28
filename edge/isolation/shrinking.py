"""A frame at working size: area-averaged in whole numbers, the same to the bit on every processor."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from edge.opencv import cv2

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    Rows = slice | NDArray[np.intp]

WORKING_SIZE = 112
"""Pixels of a frame's longer side while the garment is sought: four for one of the network's input."""

_VECTORISED = {2, 4}
"""Factors by which OpenCV averages faster than NumPy does: it has vector code for these alone."""

_BLOCK = 50_000
"""So many sums at a time stay in a processor's cache."""

_MOST_SUMMED = 256
"""So many bytes, each way, have a sum that 16 bits, and then float32, hold."""


def shrunk(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A frame at working size, area-averaged: uint8 (H, W, 3) -> uint8 (h, w, 3); smaller ones stay as they are.

    Divided by a whole number first, what is left over at the right and the bottom cut off: that is fast. The rest is
    done here: OpenCV's averaging by other factors adds in another order on Arm, and rounds halves the other way.
    """
    factor = max(pixels.shape[:2]) // WORKING_SIZE
    if factor > 1:
        pixels = _divided(pixels, factor)
    height, width = pixels.shape[:2]
    longest = max(height, width)
    if longest <= WORKING_SIZE:
        return pixels
    rows, columns = max(1, round(height * WORKING_SIZE / longest)), max(1, round(width * WORKING_SIZE / longest))
    return _averaged(pixels, rows, columns)


def _divided(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Means of squares of `factor` pixels: uint8 (H, W, 3) -> (H // factor, W // factor, 3), as INTER_AREA has them.

    A side shorter than `factor` becomes one pixel.
    """
    height, width = pixels.shape[:2]
    rows, columns = max(1, height // factor), max(1, width // factor)
    down, across = min(height, factor), min(width, factor)
    if factor in _VECTORISED or factor > _MOST_SUMMED:
        whole = pixels[: rows * down, : columns * across]
        return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
    lines = np.ascontiguousarray(pixels)[: rows * down].reshape(rows, down, width * 3)[..., : columns * across * 3]
    block = max(1, _BLOCK // lines.shape[2])
    share = float(np.float32(1) / np.float32(down * across))
    means = np.empty((rows, columns, 3), np.uint8)
    for first in range(0, rows, block):
        sums = _summed(lines[first : first + block])
        if down * across > _MOST_SUMMED:
            sums = sums.astype(np.float32)
        sums = _following_summed(sums, across).reshape(-1, columns * across, 3)
        chosen = cv2.resize(sums, (columns, len(sums)), interpolation=cv2.INTER_NEAREST)
        # As OpenCV: in float32, halves to the even neighbour.
        means[first : first + block] = cv2.convertScaleAbs(chosen, alpha=share)
    return means


def _summed(lines: NDArray[np.uint8]) -> NDArray[Any]:
    """Sums over the second axis, of at most _MOST_SUMMED: uint8 (rows, N, width) -> uint16 (rows, width)."""
    count = lines.shape[1]
    odd = count % 2
    sums: NDArray[Any] = lines[:, 0].astype(np.uint16) if odd else np.add(lines[:, 0], lines[:, 1], dtype=np.uint16)
    for number in range(2 - odd, count, 2):
        sums += np.add(lines[:, number], lines[:, number + 1], dtype=np.uint16)
    return sums


def _following_summed(values: NDArray[Any], count: int) -> NDArray[Any]:
    """Each value and the next `count` - 1 of its colour, (rows, N) of three in turn; the last mean nothing."""
    step = 3
    flat = values.reshape(-1)
    single, summed = flat, 1
    for bit in f"{count:b}"[1:]:
        reach = summed * step
        following = np.empty_like(flat)
        np.add(flat[:-reach], flat[reach:], out=following[:-reach])
        following[-reach:] = 0
        flat = following
        summed *= 2
        if bit == "1":
            flat[: -summed * step] += single[summed * step :]
            summed += 1
    return flat.reshape(values.shape)


def _averaged(pixels: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """Area average: uint8 (H, W, 3), both below 2 * WORKING_SIZE -> uint8 (rows, columns, 3).

    Sums of at most 255 * 223 < 2^16, then 255 * 223 * 223 < 2^24: exact in uint16 and in float32, in any order. What
    is a half more or less than a whole number differs from it by more than float32's rounding.
    """
    height, width = pixels.shape[:2]
    lines = _weighted(pixels.reshape(height, width * 3).astype(np.uint16), rows)
    columns_first = np.asarray(cv2.transpose(lines.reshape(rows, width, 3)), np.float32)
    sums = _weighted(columns_first.reshape(width, rows * 3), columns)
    sums /= np.float32(height * width)
    sums += np.float32(0.5)
    return np.asarray(cv2.transpose(sums.astype(np.uint8).reshape(columns, rows, 3)), np.uint8)


def _weighted(lines: NDArray[Any], target: int) -> NDArray[Any]:
    """Rows summed by how much of each lies under each of fewer ones: (H, N) -> (target, N), in units of 1/target."""
    sums = np.zeros((target, lines.shape[1]), lines.dtype)
    for rows, those, share in _shares(len(lines), target, lines.dtype.char):
        part = lines.take(those, axis=0)
        part *= share
        sums[rows] += part
    return sums


@lru_cache(maxsize=64)
def _shares(source: int, target: int, dtype: str) -> list[tuple[Rows, NDArray[np.intp], NDArray[Any]]]:
    """Which of `target` pixels have one of `source` under them, which one (N,), and how much of it (N, 1), in turn.

    A share is in units of 1/target of a source pixel; of each target pixel they sum to `source`.
    """
    begin = np.arange(target) * source
    first = begin // target
    found: list[tuple[Rows, NDArray[np.intp], NDArray[Any]]] = []
    for step in range(-(-source // target) + 1):
        covered = np.minimum((first + step + 1) * target, begin + source) - np.maximum((first + step) * target, begin)
        rows = np.flatnonzero(covered > 0)
        if len(rows):
            share = covered[rows, np.newaxis].astype(dtype)
            found.append((slice(None) if len(rows) == target else rows, first[rows] + step, share))
    return found
