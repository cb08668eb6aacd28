"""Pictures as layers that are cut out, moved and painted over each other, whole batches at a time.

A layer is a thing without its ground: how much of each pixel it covers, and its light times that cover, so that both
can be resampled alike (premultiplied alpha: Porter and Duff 1984, doi.org/10.1145/800031.808606). Lengths are pixels
of the 28 x 28 frame, whose middle is (14, 14) and whose first pixel's middle is (0.5, 0.5); pictures of more pixels a
side are finer, their lengths are the same. What differs from picture to picture is a column, float32 (N, 1, 1), which
spreads over the pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.isolation import rendering
from edge.opencv import cv2
from train.augment.basic import Images

Field = NDArray[np.floating[Any]]
"""float32 (N, pixels, pixels), or a column (N, 1, 1), or what spreads to them."""

SIDE = 28
"""The frame's length, and Fashion-MNIST's number of pixels a side."""

MIDDLE = SIDE / 2


@cache
def across(pixels: int = SIDE) -> Field:
    """Where the middles of a picture's columns are, float32 (1, 1, pixels)."""
    places = (np.arange(pixels, dtype=np.float32) + 0.5) * np.float32(SIDE / pixels)
    places.setflags(write=False)
    return places[np.newaxis, np.newaxis, :]


def down(pixels: int = SIDE) -> Field:
    """Where the middles of a picture's rows are, float32 (1, pixels, 1)."""
    return across(pixels).reshape(1, -1, 1)


FLOOR = rendering.FLOOR / 255
"""The darkest that a garment gets: what keeps a white one, negated, apart from the black ground."""

GROUND = 0.03
"""What is darker is ground: Fashion-MNIST's is 0, with a few levels of JPEG noise."""

GAP = 2
"""Black pixels around each picture where many are filtered as one."""

AT_ONCE = 500
"""cv2.remap takes fewer than 2**15 rows: of pictures of up to 61 pixels a side."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Cut-out things: `light`, multiplied by `cover`, both float32 (N, pixels, pixels) and 0..1."""

    light: Field
    cover: Field

    def __len__(self) -> int:
        return len(self.cover)

    @property
    def pixels_a_side(self) -> int:
        """Of the pictures."""
        return int(self.cover.shape[-1])

    def __getitem__(self, chosen: NDArray[np.intp]) -> Layer:
        return Layer(self.light[chosen], self.cover[chosen])

    def over(self, below: Layer) -> Layer:
        """Paint this layer over another."""
        seen = 1 - self.cover
        return Layer(self.light + below.light * seen, self.cover + below.cover * seen)

    def only(self, part: Field) -> Layer:
        """Keep this part 0..1 of each pixel."""
        return Layer(self.light * part, self.cover * part)

    def toned(self, tone: Field) -> Layer:
        """The same shape in another tone 0..1."""
        return Layer(tone * self.cover, self.cover)

    def clipped(self) -> Layer:
        """Light not below the floor nor above white, where the layer covers."""
        return Layer(np.clip(self.light, FLOOR * self.cover, self.cover), self.cover)

    def pixels(self) -> Images:
        """On black, uint8 (N, pixels, pixels)."""
        return np.clip(np.rint(self.light * 255), 0, 255).astype(np.uint8)

    def mean_tone(self) -> Field:
        """Mean tone where the layer covers, a column."""
        cover = self.cover.sum(axis=(1, 2), keepdims=True)
        return np.asarray(self.light.sum(axis=(1, 2), keepdims=True) / np.maximum(cover, 1e-3), np.float32)

    def box(self) -> tuple[Field, Field, Field, Field]:
        """Left, top, right and bottom edge of what is covered, columns; the whole frame where nothing is."""
        solid = np.asarray(self.cover > 0.5)
        left, right = _ends(np.asarray(solid.any(axis=1)))
        top, bottom = _ends(np.asarray(solid.any(axis=2)))
        return left, top, right, bottom


def cut_out(images: Images) -> Layer:
    """Garments on black, uint8 (N, pixels, pixels), as a layer: all that is not ground, small gaps closed."""
    solid = filtered((images > GROUND * 255).astype(np.uint8), _closed)
    cover = solid.astype(np.float32)
    return Layer(images.astype(np.float32) / 255 * cover, cover)


def painted(cover: Field, tone: Field) -> Layer:
    """A shape of this cover and tone."""
    cover = np.asarray(np.broadcast_to(cover, (max(len(cover), len(tone)), *cover.shape[1:])), np.float32)
    return Layer(cover * tone, cover)


def resampled(layer: Layer, x: Field, y: Field) -> Layer:
    """Look up where each pixel comes from, bilinear: `x` and `y` spread to the pictures; outside is nothing."""
    side = layer.pixels_a_side
    result = np.empty((len(layer), side, side, 2), np.float32)
    finer = np.float32(side / SIDE)
    x, y = np.broadcast_arrays(finer * x - np.float32(0.5), finer * y - np.float32(0.5))
    for start in range(0, len(layer), AT_ONCE):
        piece = slice(start, start + AT_ONCE)
        pair = np.stack([layer.light[piece], layer.cover[piece]], axis=-1)
        stack = np.pad(pair, ((0, 0), (GAP, GAP), (GAP, GAP), (0, 0)))
        cell = stack.shape[1]
        first = (cell * np.arange(len(pair), dtype=np.float32))[:, np.newaxis, np.newaxis]
        columns, rows = np.clip(x[piece], -1, side) + GAP, np.clip(y[piece], -1, side) + GAP + first
        maps = columns.astype(np.float32).reshape(-1, side), rows.astype(np.float32).reshape(-1, side)
        moved = cv2.remap(stack.reshape(-1, cell, 2), *maps, cv2.INTER_LINEAR)
        result[piece] = moved.reshape(-1, side, side, 2)
    return Layer(np.ascontiguousarray(result[..., 0]), np.ascontiguousarray(result[..., 1]))


@dataclass(frozen=True, slots=True)
class Part:
    """What to take of a thing's box, as fractions of its height and width: columns or numbers."""

    top: Field | float = 0.0
    bottom: Field | float = 1.0
    left: Field | float = 0.0
    right: Field | float = 1.0


WHOLE = Part()


def placed(layer: Layer, left: Field, top: Field, width: Field, height: Field, part: Part = WHOLE) -> Layer:
    """Fit a part of each thing into a rectangle, columns in pixels; no more than that part is seen."""
    x0, y0, x1, y1 = layer.box()
    box_width, box_height = x1 - x0, y1 - y0
    columns, rows = across(layer.pixels_a_side), down(layer.pixels_a_side)
    x = x0 + box_width * (part.left + (columns - left) / width * (part.right - part.left))
    y = y0 + box_height * (part.top + (rows - top) / height * (part.bottom - part.top))
    inside_x = np.clip(0.5 + np.minimum(columns - left, left + width - columns), 0, 1)
    inside_y = np.clip(0.5 + np.minimum(rows - top, top + height - rows), 0, 1)
    return resampled(layer, x, y).only(inside_x * inside_y)


def ellipse(middle_x: Field, middle_y: Field, radius_x: Field, radius_y: Field, pixels: int = SIDE) -> Field:
    """Cover of an ellipse, with soft edges, (N, pixels, pixels)."""
    x, y = across(pixels) - middle_x, down(pixels) - middle_y
    reach = np.hypot(x / np.maximum(radius_x, 0.1), y / np.maximum(radius_y, 0.1))
    return np.clip(0.5 + (1 - reach) * np.minimum(radius_x, radius_y), 0, 1)


def segment(x0: Field, y0: Field, x1: Field, y1: Field, radius: Field, pixels: int = SIDE) -> Field:
    """Cover of a line with round ends, `radius` its half width, (N, pixels, pixels)."""
    length_x, length_y = x1 - x0, y1 - y0
    x, y = across(pixels) - x0, down(pixels) - y0
    along = np.clip((x * length_x + y * length_y) / np.maximum(length_x**2 + length_y**2, 1e-6), 0, 1)
    away = np.hypot(x - along * length_x, y - along * length_y)
    return np.asarray(np.clip(0.5 + radius - away, 0, 1))


def uniform(generator: np.random.Generator, count: int, low: float, high: float) -> Field:
    """A random number for each picture, a column."""
    return generator.uniform(low, high, (count, 1, 1)).astype(np.float32)


def chance(generator: np.random.Generator, count: int, probability: float | NDArray[np.float64]) -> Field:
    """1 with this probability, or with each picture's own (N,), and otherwise 0: a column."""
    return (generator.random(count) < probability).astype(np.float32)[:, np.newaxis, np.newaxis]


def smooth_noise(generator: np.random.Generator, count: int, cells: int, pixels: int = SIDE) -> Field:
    """Random ups and downs, (N, pixels, pixels) between -1 and 1: `cells` knots a side, smoothly joined."""
    knots = generator.uniform(-1, 1, (count, cells, cells)).astype(np.float32)
    place = np.linspace(0, cells - 1, pixels, dtype=np.float32)[:, np.newaxis]
    near = np.clip(1 - np.abs(place - np.arange(cells, dtype=np.float32)), 0, 1)
    weights = near * near * (3 - 2 * near)
    return np.asarray(weights @ knots @ weights.T, np.float32)


def filtered(images: NDArray[Any], how: Callable[[NDArray[Any]], Any]) -> NDArray[Any]:
    """Filter all pictures (N, height, width) as one tall one, which is faster; black gaps keep them apart."""
    if not len(images):
        return images.copy()
    tall = np.pad(images, ((0, 0), (GAP, GAP), (GAP, GAP)))
    result = np.asarray(how(tall.reshape(-1, tall.shape[2])), images.dtype).reshape(tall.shape)
    return np.ascontiguousarray(result[:, GAP:-GAP, GAP:-GAP])


def _closed(tall: NDArray[Any]) -> Any:
    return cv2.morphologyEx(tall, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))


def _ends(lines: NDArray[np.bool_]) -> tuple[Field, Field]:
    """Where the lines that are True begin and end, bool (N, pixels) -> two columns."""
    pixels = lines.shape[1]
    some = lines.any(axis=1)
    first = np.where(some, lines.argmax(axis=1), 0)
    last = np.where(some, pixels - lines[:, ::-1].argmax(axis=1), pixels)
    begin, end = ((line.astype(np.float32) * np.float32(SIDE / pixels)).reshape(-1, 1, 1) for line in (first, last))
    return begin, end
