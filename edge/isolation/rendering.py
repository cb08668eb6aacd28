"""A masked garment becomes the picture that Fashion-MNIST would show of it.

Grey is averaged over the garment's pixels only, the longest edge fills the picture, the middle is the middle, and all
is negated: the data set shows garments on black, a black shirt bright (Xiao et al. 2017, arxiv.org/abs/1708.07747).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from edge.opencv import cv2

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    Table = NDArray[np.int32]
    Edges = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int32], NDArray[np.int32]]

FLOOR = 10
"""The darkest that a garment's pixel gets: white clothes must not vanish into the ground."""

SCALES = (1.0, 0.93, 1.07, 0.85)
"""Sizes of the views by one mask, in the order in which they are added."""

MOST_VIEWS = 2 * len(SCALES)


def render_views(
    grey: NDArray[np.uint8], masks: Sequence[NDArray[np.bool_]], height: int, width: int, views: int
) -> NDArray[np.uint8]:
    """Views of a masked garment: uint8 (h, w), masks bool (h, w) with a pixel set each -> uint8 (views, height, width).

    In this order: by each mask, then smaller and larger by each mask; every view is followed by its mirror image. A
    view shows the mask's bounding box, drawn so that its longest edge is one of SCALES of the picture, in the middle;
    what does not fit is cut off on both sides.

    A pixel is the mean of the garment's pixels under and around it, negated, at least FLOOR, times the part of it that
    the garment covers. Around it: people's garments are creased, a shop's are ironed. A little smoothing takes the
    folds away: on photos 1.5 points more are right, and what is no garment of the ten is told from those better
    (AUROC 0.72 to 0.79).
    """
    different = (views + 1) // 2
    sums = np.empty((different, width + 2, 2, height + 2), np.int32)
    areas = np.empty((different, 1, 1))
    for first, mask in enumerate(masks[:different]):
        inside, light = _cut_out(grey, mask)
        areas[first :: len(masks)] = inside.size
        tables: Table = np.concatenate((cv2.integral(inside), cv2.integral(light)), axis=1, dtype=np.int32)
        for number in range(first, different, len(masks)):
            sums[number] = _summed(tables, SCALES[number // len(masks)], height, width)
    rendered = np.empty((views, height, width), np.uint8)
    rendered[::2] = _drawn(sums, areas).transpose(0, 2, 1)
    rendered[1::2] = rendered[: 2 * (views // 2) : 2, :, ::-1]
    return rendered


def _cut_out(grey: NDArray[np.uint8], mask: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A mask in its bounding box, and the grey under it: uint8 (tall, wide) each, the mask of 0 and 1."""
    bits = mask.view(np.uint8)
    left, top, wide, tall = cv2.boundingRect(bits)
    inside = bits[top : top + tall, left : left + wide]
    return inside, grey[top : top + tall, left : left + wide] * inside


def _summed(tables: Table, scale: float, height: int, width: int) -> Table:
    """How much of each pixel of a view is covered, and the light on that: (width + 2, 2, height + 2), columns first.

    `tables`, (tall + 1, 2 * (wide + 1)), has a summed-area table of each side by side: a value is the sum of what lies
    above and to the left (Crow 1984, doi.org/10.1145/964965.808600). A row or column more on each side of the view.
    """
    tall, wide = len(tables) - 1, tables.shape[1] // 2 - 1
    scale *= min(height / tall, width / wide)
    rows = between(tables, _edges(tall, max(1, int(tall * scale + 0.5)), height)).reshape(height + 2, 2, wide + 1)
    columns = np.ascontiguousarray(rows.transpose(2, 1, 0)).reshape(wide + 1, -1)
    sums = between(columns, _edges(wide, max(1, int(wide * scale + 0.5)), width))
    return sums.reshape(width + 2, 2, height + 2)


@lru_cache(maxsize=512)
def _edges(source: int, target: int, shown: int) -> Edges:
    """Where the edges of a picture's pixels lie among a table's rows: those before and after, and how near each is.

    `source` pixels are drawn as `target` ones, of which the middle `shown` and one more on each side are seen. Nearness
    is in units of 1/target of a source pixel; beyond what is drawn, all edges are its outermost one.
    """
    drawn = np.clip(np.arange(-1, shown + 2) - (shown - target) // 2, 0, target)
    before, away = np.divmod(drawn * source, target)
    away = away[:, np.newaxis].astype(np.int32)
    return before, np.minimum(before + 1, source), target - away, away


def between(tables: NDArray[Any], edges: Edges) -> NDArray[Any]:
    """What lies between edges, in units of their shares: (source + 1, N) -> (edges - 1, N).

    Of pictures larger than 670 pixels, sums may wrap around 32 bits: their differences wrap back, being 255 * 112^2
    and less.
    """
    before, after, near, far = edges
    sums = tables.take(before, axis=0)
    sums *= near
    others = tables.take(after, axis=0)
    others *= far
    sums += others
    return np.asarray(sums[1:] - sums[:-1], sums.dtype)


def _drawn(sums: Table, areas: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Pictures from how much of each pixel is covered, and the light on it: (N, w + 2, 2, h + 2) -> uint8 (N, w, h).

    Whole numbers below 2^31, and in float64 below 2^42, whose quotients are further from the next whole number than its
    rounding: exact.
    """
    number, wide, _, tall = sums.shape
    lines = sums.reshape(number, -1)
    across = 2 * lines[:, 2 * tall : -2 * tall]
    across += lines[:, : -4 * tall]
    across += lines[:, 4 * tall :]
    near, light = across.reshape(number, wide - 2, 2, tall).transpose(2, 0, 1, 3)
    near = near[..., :-2] + 2 * near[..., 1:-1] + near[..., 2:]
    light = light[..., :-2] + 2 * light[..., 1:-1] + light[..., 2:]
    light = np.maximum(255 * near - light, FLOOR * near)
    covered: NDArray[np.float64] = light * (2.0 * sums[:, 1:-1, 0, 1:-1])
    whole: NDArray[np.float64] = np.maximum(near, 1) * areas
    covered += whole
    covered /= 2 * whole
    return covered.astype(np.uint8)
