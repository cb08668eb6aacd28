"""Garments worn by people, or cut out of people, as shops show them: a training picture for each picture.

Takes and gives uint8 (N, pixels, pixels) bright on black, 28 pixels or finer, with Fashion-MNIST's class numbers uint8
(N,), and depends on the NumPy generator alone. Which class is shown how, and how often, is what the project's
prototypes ended with.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.opencv import cv2
from train.augment.basic import Images, flipped
from train.augment.figures import wear_dress, wear_top, wear_trousers
from train.augment.layers import (
    FLOOR,
    MIDDLE,
    SIDE,
    Field,
    Layer,
    Part,
    across,
    chance,
    cut_out,
    down,
    filtered,
    placed,
    resampled,
    smooth_noise,
    uniform,
)
from train.augment.pose import Labels, tilt

TOPS = (0, 2, 4, 6)
TROUSER = 1
DRESS = 3
THINGS = (5, 7, 8, 9)
"""Shoes and bags: catalogues show them without a person."""

DONOR_TOPS = (0, 2, 6)
"""What is seen above trousers."""

TORSO = 0.3
"""The part of tops and dresses that is shown as the person step cuts it out, without head and legs."""

SMALLEST_SHARE = 0.03
"""Of the frame: what shows less is taken for no garment at all."""


def worn(images: Images, labels: Labels, generator: np.random.Generator, torso: float = TORSO) -> Images:
    """Show each garment on a person, a part `torso` of tops and dresses without head and legs; shoes and bags tilted.

    The other clothes of a figure come from these same images; where there are none, it wears none.
    """
    garment = retoned(cut_out(images), generator)
    result = garment.pixels()
    cut = (generator.random(len(labels)) < torso) & np.isin(labels, (*TOPS, DRESS))
    for classes in (TOPS, (DRESS,), (TROUSER,)):
        chosen = np.flatnonzero(np.isin(labels, classes) & ~cut)
        if not len(chosen):
            continue
        if classes == TOPS:
            others = _others(images, labels, (TROUSER,), len(chosen), generator)
            figure = wear_top(garment[chosen], labels[chosen], others, generator)
        elif classes == (DRESS,):
            figure = wear_dress(garment[chosen], labels[chosen], generator)
        else:
            others = _others(images, labels, DONOR_TOPS, len(chosen), generator)
            figure = wear_trousers(garment[chosen], others, generator)
        result[chosen] = figure.pixels()
    chosen = np.flatnonzero(cut)
    result[chosen] = as_torso(garment[chosen], generator).pixels()
    chosen = np.flatnonzero(np.isin(labels, THINGS))
    result[chosen] = tilt(result[chosen], generator)
    return filled(as_photographed(result, generator), images)


def retoned(garment: Layer, generator: np.random.Generator) -> Layer:
    """Garments in other greys: white ones, nearly black once negated, and darker, lighter and flatter ones.

    Fashion-MNIST has few white clothes, shops' pictures many.
    """
    count = len(garment)
    light, cover = garment.light, garment.cover
    white = FLOOR * cover + light * uniform(generator, count, 0, 0.3)
    mean = garment.mean_tone() * cover
    shifted = mean + (light - mean) * uniform(generator, count, 0.5, 1.2) + uniform(generator, count, -0.2, 0.2) * cover
    kind = uniform(generator, count, 0, 1)
    return Layer(np.where(kind < 0.22, white, np.where(kind < 0.61, shifted, light)), cover).clipped()


def as_torso(garment: Layer, generator: np.random.Generator) -> Layer:
    """Cut garments as the person step does: rows lost at neck and hem, sometimes sleeve ends, sometimes holes."""
    count = len(garment)
    top = uniform(generator, count, 0, 0.10) * chance(generator, count, 0.7)
    bottom = 1 - uniform(generator, count, 0, 0.38) * chance(generator, count, 0.7)
    side = uniform(generator, count, 0.03, 0.16) * chance(generator, count, 0.25)
    x0, y0, x1, y1 = garment.box()
    width = (x1 - x0) * (1 - 2 * side) * uniform(generator, count, 0.75, 1.12)
    height = (y1 - y0) * (bottom - top)
    scale = SIDE / np.maximum(width, height)
    width, height = width * scale, height * scale
    part = Part(top, bottom, side, 1 - side)
    cut = placed(garment, MIDDLE - width / 2, MIDDLE - height / 2, width, height, part)
    holes = 8 * (smooth_noise(generator, count, 7, garment.pixels_a_side) - uniform(generator, count, 0.45, 0.8))
    return cut.only(1 - np.clip(holes, 0, 1) * chance(generator, count, 0.2))


def as_photographed(images: Images, generator: np.random.Generator) -> Images:
    """Slightly turned, scaled, shifted, mirrored, sometimes blurred, with a little noise inside."""
    count = len(images)
    angle = np.deg2rad(6) * uniform(generator, count, -1, 1)
    scale = 1.08 ** uniform(generator, count, -1, 1)
    garment = cut_out(images)
    x = across(garment.pixels_a_side) - MIDDLE - uniform(generator, count, -1.5, 1.5)
    y = down(garment.pixels_a_side) - MIDDLE - uniform(generator, count, -1.5, 1.5)
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    moved = resampled(garment, MIDDLE + cos * x - sin * y, MIDDLE + sin * x + cos * y)
    noise = generator.standard_normal(moved.light.shape, np.float32) * uniform(generator, count, 0, 0.03)
    result = flipped(Layer(moved.light + noise * moved.cover, moved.cover).clipped().pixels(), 0.5, generator)
    blurred = np.flatnonzero(generator.random(count) < 0.3)
    result[blurred] = filtered(result[blurred], lambda tall: cv2.GaussianBlur(tall, (3, 3), 0.6))
    return result


def filled(images: Images, originals: Images) -> Images:
    """The original wherever nearly nothing is left."""
    shares: Field = (images > 0.9 * FLOOR * 255).mean(axis=(1, 2), dtype=np.float32)
    kept = np.minimum(SMALLEST_SHARE, 0.5 * (originals > 0).mean(axis=(1, 2)))
    return np.where((shares < kept)[:, np.newaxis, np.newaxis], originals, images)


def _others(
    images: Images, labels: Labels, classes: tuple[int, ...], count: int, generator: np.random.Generator
) -> Layer:
    """Random garments of these classes, `count` of them; nothing, where there are none."""
    donors: NDArray[np.intp] = np.flatnonzero(np.isin(labels, classes))
    if not len(donors):
        return cut_out(np.zeros((count, *images.shape[1:]), np.uint8))
    return cut_out(images[generator.choice(donors, count)])
