"""Pictures as layers that are cut out, moved and painted over each other, whole batches at a time.

A layer is a thing without its ground: how much of each pixel it covers, and its light times that cover, so that both
can be resampled alike (premultiplied alpha: Porter and Duff 1984, doi.org/10.1145/800031.808606). Lengths are pixels
of the 28 x 28 frame, whose middle is (14, 14) and whose first pixel's middle is (0.5, 0.5). What differs from picture
to picture is a column, float32 (N, 1, 1), which spreads over the pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.isolation import rendering
from edge.opencv import cv2
from train.augment.basic import Images

Field = NDArray[np.floating[Any]]
"""float32 (N, 28, 28), or a column (N, 1, 1), or what spreads to them."""

SIDE = 28
MIDDLE = SIDE / 2
ACROSS: Field = (np.arange(SIDE, dtype=np.float32) + 0.5)[np.newaxis, np.newaxis, :]
DOWN: Field = (np.arange(SIDE, dtype=np.float32) + 0.5)[np.newaxis, :, np.newaxis]

FLOOR = rendering.FLOOR / 255
"""The darkest that a garment gets: what keeps a white one, negated, apart from the black ground."""

GROUND = 0.03
"""What is darker is ground: Fashion-MNIST's is 0, with a few levels of JPEG noise."""

GAP = 2
"""Black pixels around each picture where many are filtered as one."""

AT_ONCE = 1000
"""cv2.remap takes fewer than 2**15 rows."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Cut-out things: `light` float32 (N, 28, 28), multiplied by `cover` float32 (N, 28, 28); both 0..1."""

    light: Field
    cover: Field

    def __len__(self) -> int:
        return len(self.cover)

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
        """On black, uint8 (N, 28, 28)."""
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
    """Garments on black, uint8 (N, 28, 28), as a layer: all that is not ground, small gaps closed."""
    solid = filtered((images > GROUND * 255).astype(np.uint8), _closed)
    cover = solid.astype(np.float32)
    return Layer(images.astype(np.float32) / 255 * cover, cover)


def painted(cover: Field, tone: Field) -> Layer:
    """A shape of this cover and tone."""
    cover = np.asarray(np.broadcast_to(cover, (max(len(cover), len(tone)), SIDE, SIDE)), np.float32)
    return Layer(cover * tone, cover)


def resampled(layer: Layer, across: Field, down: Field) -> Layer:
    """Look up where each pixel comes from, bilinear: `across` and `down` spread to (N, 28, 28); outside is nothing."""
    result = np.empty((len(layer), SIDE, SIDE, 2), np.float32)
    across, down = np.broadcast_arrays(across, down)
    for start in range(0, len(layer), AT_ONCE):
        piece = slice(start, start + AT_ONCE)
        pair = np.stack([layer.light[piece], layer.cover[piece]], axis=-1)
        stack = np.pad(pair, ((0, 0), (GAP, GAP), (GAP, GAP), (0, 0)))
        cell = stack.shape[1]
        first = (cell * np.arange(len(pair), dtype=np.float32))[:, np.newaxis, np.newaxis]
        x = np.clip(across[piece] - 0.5, -1, SIDE) + GAP
        y = np.clip(down[piece] - 0.5, -1, SIDE) + GAP + first
        maps = x.astype(np.float32).reshape(-1, SIDE), y.astype(np.float32).reshape(-1, SIDE)
        moved = cv2.remap(stack.reshape(-1, cell, 2), *maps, cv2.INTER_LINEAR)
        result[piece] = moved.reshape(-1, SIDE, SIDE, 2)
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
    across = x0 + box_width * (part.left + (ACROSS - left) / width * (part.right - part.left))
    down = y0 + box_height * (part.top + (DOWN - top) / height * (part.bottom - part.top))
    inside_x = np.clip(0.5 + np.minimum(ACROSS - left, left + width - ACROSS), 0, 1)
    inside_y = np.clip(0.5 + np.minimum(DOWN - top, top + height - DOWN), 0, 1)
    return resampled(layer, across, down).only(inside_x * inside_y)


def ellipse(across: Field, down: Field, radius_x: Field, radius_y: Field) -> Field:
    """Cover of an ellipse about a middle, with soft edges."""
    x, y = ACROSS - across, DOWN - down
    reach = np.hypot(x / np.maximum(radius_x, 0.1), y / np.maximum(radius_y, 0.1))
    return np.clip(0.5 + (1 - reach) * np.minimum(radius_x, radius_y), 0, 1)


def segment(x0: Field, y0: Field, x1: Field, y1: Field, radius: Field) -> Field:
    """Cover of a line with round ends, `radius` its half width."""
    length_x, length_y = x1 - x0, y1 - y0
    along = ((ACROSS - x0) * length_x + (DOWN - y0) * length_y) / np.maximum(length_x**2 + length_y**2, 1e-6)
    along = np.clip(along, 0, 1)
    away = np.hypot(ACROSS - x0 - along * length_x, DOWN - y0 - along * length_y)
    return np.asarray(np.clip(0.5 + radius - away, 0, 1))


def uniform(generator: np.random.Generator, count: int, low: float, high: float) -> Field:
    """A random number for each picture, a column."""
    return generator.uniform(low, high, (count, 1, 1)).astype(np.float32)


def chance(generator: np.random.Generator, count: int, probability: float | NDArray[np.float64]) -> Field:
    """1 with this probability, or with each picture's own (N,), and otherwise 0: a column."""
    return (generator.random(count) < probability).astype(np.float32)[:, np.newaxis, np.newaxis]


def smooth_noise(generator: np.random.Generator, count: int, cells: int) -> Field:
    """Random ups and downs, (N, 28, 28) between -1 and 1: `cells` knots a side, smoothly joined."""
    knots = generator.uniform(-1, 1, (count, cells, cells)).astype(np.float32)
    place = np.linspace(0, cells - 1, SIDE, dtype=np.float32)[:, np.newaxis]
    near = np.clip(1 - np.abs(place - np.arange(cells, dtype=np.float32)), 0, 1)
    weights = near * near * (3 - 2 * near)
    return np.asarray(weights @ knots @ weights.T, np.float32)


def filtered(images: NDArray[Any], how: Callable[[NDArray[Any]], Any]) -> NDArray[Any]:
    """Filter all pictures (N, 28, 28) as one tall one, which is faster; black gaps keep them apart."""
    if not len(images):
        return images.copy()
    tall = np.pad(images, ((0, 0), (GAP, GAP), (GAP, GAP)))
    result = np.asarray(how(tall.reshape(-1, tall.shape[2])), images.dtype).reshape(tall.shape)
    return np.ascontiguousarray(result[:, GAP:-GAP, GAP:-GAP])


def _closed(tall: NDArray[Any]) -> Any:
    return cv2.morphologyEx(tall, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))


def _ends(lines: NDArray[np.bool_]) -> tuple[Field, Field]:
    """First and one past the last line that is True, bool (N, 28) -> two columns."""
    some = lines.any(axis=1)
    first = np.where(some, lines.argmax(axis=1), 0)
    last = np.where(some, SIDE - lines[:, ::-1].argmax(axis=1), SIDE)
    shape = (-1, 1, 1)
    return first.astype(np.float32).reshape(shape), last.astype(np.float32).reshape(shape)
