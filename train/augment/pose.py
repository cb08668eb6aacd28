"""Garments as they lie before a camera: sleeves spread, shoes in pairs, tilted, in other light, badly cut out.

Fashion-MNIST shows what a shop photographs: sleeves hang down, one shoe is seen from its side, the mask is clean. All
functions take and give uint8 (N, pixels, pixels) bright on black, 28 pixels or finer, with Fashion-MNIST's class
numbers uint8 (N,) where the class matters, and depend on the NumPy generator alone. They change copies. The chances
and amounts are those of the project's prototypes, measured on photos of garments on floors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.opencv import cv2
from train.augment.basic import Images
from train.augment.layers import (
    MIDDLE,
    Field,
    Layer,
    across,
    chance,
    cut_out,
    down,
    ellipse,
    filtered,
    painted,
    resampled,
    smooth_noise,
    uniform,
)

Labels = NDArray[np.uint8]
Chances = NDArray[np.float64]


def by_class(chances: dict[int, float]) -> Chances:
    """A chance for each of the ten classes, float64 (10,): 0 where none is given."""
    return np.array([chances.get(number, 0.0) for number in range(10)])


SWING = by_class({0: 0.35, 2: 0.65, 3: 0.15, 4: 0.65, 6: 0.65})
PAIRED = by_class({5: 0.5, 7: 0.5, 9: 0.5})

SHOULDER_OVERLAP = 0.04
"""By how much body and sleeve go beyond their seam, in half frames: no gap opens where they turn."""

NARROWEST_SLEEVE = 0.18
"""In half frames, 2.5 pixels: what sticks out less is the edge of a body, and would leave it as a splinter."""

SHORT_SLEEVE = 0.1
"""In half frames: by how much a garment is wider at its short sleeves than below them."""

MOST_SHRUNK = 0.7
"""By how much a garment with wide-spread sleeves shrinks at most to fit."""

SMALLEST_COVER = 0.4
"""A spoilt mask keeps at least this part of its garment; else the garment stays whole."""


def swing_sleeves(images: Images, labels: Labels, generator: np.random.Generator, chances: Chances = SWING) -> Images:
    """Turn both sleeves outwards about the shoulders, by up to 1 radian.

    In photos sleeves lie spread; in Fashion-MNIST they hang. The prototypes' largest gain in pose: +3.9 points.
    What has no sleeves to speak of stays as it is.
    """
    chosen = np.flatnonzero(generator.random(len(images)) < chances[labels])
    garment = cut_out(images[chosen])
    wide, below = _half_widths(garment)
    seam = uniform(generator, len(chosen), 0.34, 0.50)
    # Short sleeves end above the hem: there the body's own edge is the seam.
    seam = np.where(below < wide - SHORT_SLEEVE, np.clip(below + 1.5 * SHOULDER_OVERLAP, 0.34, 0.7), seam)
    sleeved = np.flatnonzero(wide - seam >= NARROWEST_SLEEVE)
    chosen, garment, wide, seam = chosen[sleeved], garment[sleeved], wide[sleeved], seam[sleeved]
    count = len(chosen)
    turn = uniform(generator, count, 0.05, 1.0)
    uneven = uniform(generator, count, -0.15, 0.15) * chance(generator, count, 0.5)
    shoulder = uniform(generator, count, -0.72, -0.62)
    # The prototypes shrank by less and let sleeves leave the frame; a mask's box has whole sleeves in it.
    reach = seam + np.cos(turn) * (wide - seam) + np.sin(turn) * (_sleeve_ends(garment, seam) - shoulder)
    most = np.maximum(0.55 * turn, np.clip(reach - 1, 0, MOST_SHRUNK))
    shrink = 1 + most * np.sqrt(uniform(generator, count, 0, 1))
    x, y = (place * shrink for place in _places(garment))
    result = _part(garment, x, y, seam + SHOULDER_OVERLAP - np.abs(x))
    for side in (-1, 1):
        cos, sin = np.cos(turn + side * uneven), side * np.sin(turn + side * uneven)
        from_x, from_y = x - side * seam, y - shoulder
        sleeve_x = side * seam + cos * from_x - sin * from_y
        sleeve_y = shoulder + sin * from_x + cos * from_y
        sleeve = _part(garment, sleeve_x, sleeve_y, side * sleeve_x - (seam - SHOULDER_OVERLAP))
        result = _fullest(result, sleeve)
    return _replaced(images, chosen, result)


def pair_shoes(images: Images, labels: Labels, generator: np.random.Generator, chances: Chances = PAIRED) -> Images:
    """Show a shoe twice, side by side as seen from above, or one over the other.

    People photograph their shoes in pairs: in the prototypes the part of shoes that was recognised went from 31 to
    73 %.
    """
    chosen = np.flatnonzero(generator.random(len(images)) < chances[labels])
    count = len(chosen)
    shoe = cut_out(images[chosen])
    shrink = uniform(generator, count, 1.15, 1.5)
    upright = chance(generator, count, 0.6)
    quarter = np.pi / 2 * upright * (1 - 2 * chance(generator, count, 0.5))
    apart = uniform(generator, count, 0.28, 0.43)
    mirrored = 1 - 2 * chance(generator, count, 0.5)
    pair = []
    for side, mirror in ((-1, np.ones_like(mirrored)), (1, mirrored)):
        angle = quarter + uniform(generator, count, -0.25, 0.25)
        x, y = _places(shoe)
        x, y = x - side * apart * upright, y - side * 0.7 * apart * (1 - upright)
        cos, sin = np.cos(angle) * shrink, np.sin(angle) * shrink
        # The mirror acts on the upright pair's width: both toes keep pointing the same way.
        x = np.where(upright > 0, x * mirror, x)
        shoe_x, shoe_y = cos * x - sin * y, sin * x + cos * y
        shoe_x = np.where(upright > 0, shoe_x, shoe_x * mirror)
        pair.append(_at(shoe, shoe_x, shoe_y))
    return _replaced(images, chosen, pair[1].over(pair[0]))


def tilt(images: Images, generator: np.random.Generator, amount: float = 1.0) -> Images:
    """Turn, scale, shift, shear, stretch, tip and gently bend: a camera that is held by hand.

    At `amount` 1: 15 degrees, scale 0.8 to 1.2, 2.5 pixels, shear and perspective 0.12, aspect 20 %.
    """
    count = len(images)
    angle = np.deg2rad(15) * uniform(generator, count, -amount, amount)
    scale = 1.2 ** uniform(generator, count, -amount, amount)
    aspect = 1.2 ** (uniform(generator, count, -amount, amount) / 2)
    shear, tip_x, tip_y = (0.12 * uniform(generator, count, -amount, amount) for _ in range(3))
    shift_x, shift_y = (2.5 / MIDDLE * uniform(generator, count, -amount, amount) for _ in range(2))
    garment = cut_out(images)
    u, v = _places(garment)
    u, v = u - shift_x, v - shift_y
    depth = 1 + tip_x * u + tip_y * v
    u, v = u / depth, v / depth
    x = (np.cos(angle) * u - np.sin(angle) * v) / (scale * aspect)
    y = (np.sin(angle) * u + np.cos(angle) * v) / scale * aspect
    bend_x, bend_y = (0.05 * amount * smooth_noise(generator, count, 4, garment.pixels_a_side) for _ in range(2))
    return _at(garment, x + shear * y + bend_x, y + bend_y).pixels()


def change_contrast(images: Images, generator: np.random.Generator, low: float = 0.6, high: float = 1.4) -> Images:
    """Spread or narrow each garment's greys about their mean, and keep it off black.

    Contrast alone: the prototypes lost 3 points to inversion and more, as the pipeline fixes polarity.
    """
    garment = cut_out(images)
    mean = garment.mean_tone() * garment.cover
    contrast = uniform(generator, len(images), low, high)
    return Layer(mean + contrast * (garment.light - mean), garment.cover).clipped().pixels()


def wrinkle(images: Images, generator: np.random.Generator, probability: float = 0.6) -> Images:
    """Give garments folds: light and dark, coarse and fine, sharper or softer, and more often a greyer light.

    A shop irons its garments and lays them out; people's are creased. Without it a network takes every creased pullover
    for a shirt or a coat: smoothing the photos of one such by a Gaussian of 0.7 pixels was worth 1.3 points.
    """
    chosen = np.flatnonzero(generator.random(len(images)) < probability)
    garment = cut_out(images[chosen])
    count = len(chosen)
    coarse = uniform(generator, count, 0, 0.12) * smooth_noise(generator, count, 6, garment.pixels_a_side)
    fine = uniform(generator, count, 0, 0.12) * smooth_noise(generator, count, 13, garment.pixels_a_side)
    finest = uniform(generator, count, 0, 0.03) * generator.standard_normal(garment.cover.shape).astype(np.float32)
    softer = filtered(garment.light, _blurred)
    light = garment.light + uniform(generator, count, -0.7, 0.9) * (garment.light - softer)
    light = uniform(generator, count, 0.65, 1.1) * light + garment.cover * (coarse + fine + finest)
    return _replaced(images, chosen, Layer(light, garment.cover).clipped())


def _blurred(tall: NDArray[Any]) -> Any:
    return cv2.GaussianBlur(tall, (0, 0), 1.0)


def spoil_mask(images: Images, generator: np.random.Generator) -> Images:
    """Cut garments out badly: holes, a bite from the edge, a patch of ground left at it, an end cut off.

    What masks from colour alone do to photos: each fault with a chance of its own.
    """
    count = len(images)
    garment = cut_out(images)
    pixels = garment.pixels_a_side
    holes = 8 * (smooth_noise(generator, count, 7, pixels) - uniform(generator, count, 0.55, 0.85))
    keep = 1 - chance(generator, count, 0.15) * np.clip(holes, 0, 1)
    bite = _patch_at_edge(garment, generator, 1.5, 5)
    keep = keep * (1 - chance(generator, count, 0.25) * bite)
    end = uniform(generator, count, 0, 0.15)
    keep = keep * (1 - chance(generator, count, 0.2) * _end(garment, end, generator))
    spoilt = garment.only(keep)
    too_much = spoilt.cover.sum(axis=(1, 2)) < SMALLEST_COVER * garment.cover.sum(axis=(1, 2))
    keep[too_much] = 1
    leak = chance(generator, count, 0.25) * _patch_at_edge(garment, generator, 1, 4)
    tone = uniform(generator, count, 0.04, 0.9) * (1 + 0.1 * smooth_noise(generator, count, 6, pixels))
    return garment.only(keep).over(painted(leak, tone)).pixels()


def _half_widths(garment: Layer) -> tuple[Field, Field]:
    """How far garments reach from the middle, at their widest and below short sleeves, columns."""
    x, y = _places(garment)
    reach = ((garment.cover > 0.5) * np.abs(x)).max(axis=2)
    wide = reach.max(axis=1)
    below = reach[:, (y.ravel() > 4 / MIDDLE) & (y.ravel() < 12 / MIDDLE)].max(axis=1)
    return wide.astype(np.float32).reshape(-1, 1, 1), below.astype(np.float32).reshape(-1, 1, 1)


def _sleeve_ends(garment: Layer, seam: Field) -> Field:
    """How far down garments reach outside their seams, from the middle, a column."""
    x, y = _places(garment)
    reach = np.where((garment.cover > 0.5) & (np.abs(x) > seam), y, np.float32(-1))
    return np.asarray(reach.max(axis=(1, 2), keepdims=True))


def _end(garment: Layer, part: Field, generator: np.random.Generator) -> Field:
    """Cover of the last `part` of the garment's box on one of its four sides."""
    left, top, right, bottom = garment.box()
    x = (across(garment.pixels_a_side) - left) / (right - left)
    y = (down(garment.pixels_a_side) - top) / (bottom - top)
    from_edge = np.stack(np.broadcast_arrays(x, 1 - x, y, 1 - y))
    side = generator.integers(0, 4, len(garment))
    return (from_edge[side, np.arange(len(garment))] < part).astype(np.float32)


def _patch_at_edge(garment: Layer, generator: np.random.Generator, smallest: float, largest: float) -> Field:
    """Cover of an ellipse about a random point of each outline, radii in pixels."""
    count, pixels = len(garment), garment.pixels_a_side
    solid = garment.cover > 0.5
    inner = solid.copy()
    inner[:, 1:-1, 1:-1] &= solid[:, :-2, 1:-1] & solid[:, 2:, 1:-1] & solid[:, 1:-1, :-2] & solid[:, 1:-1, 2:]
    inner[:, [0, -1], :] = inner[:, :, [0, -1]] = False
    order = generator.random(garment.cover.shape, np.float32) * (solid & ~inner)
    rows, columns = np.divmod(order.reshape(count, pixels * pixels).argmax(axis=1), pixels)
    middle_x, middle_y = (across(pixels).ravel()[line].reshape(-1, 1, 1) for line in (columns, rows))
    radius_x, radius_y = (uniform(generator, count, smallest, largest) for _ in range(2))
    return ellipse(middle_x, middle_y, radius_x, radius_y, pixels)


def _part(garment: Layer, x: Field, y: Field, inside: Field) -> Layer:
    """What `_at` finds where `inside` is above 0, in half frames, with a soft edge."""
    return _at(garment, x, y).only(np.clip(0.5 + MIDDLE * inside, 0, 1))


def _places(garment: Layer) -> tuple[Field, Field]:
    """Where columns and rows are, from -1 to 1 over the frame."""
    pixels = garment.pixels_a_side
    return (across(pixels) - MIDDLE) / MIDDLE, (down(pixels) - MIDDLE) / MIDDLE


def _at(garment: Layer, x: Field, y: Field) -> Layer:
    """Look up each pixel at coordinates that run from -1 to 1 over the frame."""
    return resampled(garment, MIDDLE + MIDDLE * x, MIDDLE + MIDDLE * y)


def _fullest(one: Layer, two: Layer) -> Layer:
    """Of two layers, at each pixel the one that covers more."""
    more = two.cover > one.cover
    return Layer(np.where(more, two.light, one.light), np.where(more, two.cover, one.cover))


def _replaced(images: Images, chosen: NDArray[np.intp], layer: Layer) -> Images:
    result = images.copy()
    result[chosen] = layer.pixels()
    return result
