"""Pictures that are none of Fashion-MNIST's ten classes, made from it: for a model to learn what it does not know.

Shorts, skirts and hats are what people show a garment camera that it has no class for; the rest is what bad masks and
empty scenes leave. In the project's prototypes such pictures raised how well hats, shorts and skirts are told from
garments from an AUROC of .63 .. .71 to .83 .. .89, together with photos. Outlier exposure: Hendrycks et al. 2019,
arxiv.org/abs/1812.04606. Everything is uint8 (N, 28, 28) and depends on the NumPy generator alone.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from train.augment.basic import Images
from train.augment.layers import (
    MIDDLE,
    SIDE,
    Field,
    Layer,
    Part,
    across,
    chance,
    cut_out,
    down,
    ellipse,
    painted,
    placed,
    resampled,
    segment,
    smooth_noise,
    uniform,
)
from train.augment.pose import Labels, change_contrast, spoil_mask, tilt
from train.augment.worn import DRESS, TROUSER, as_photographed

Maker = Callable[[Layer, np.random.Generator], Layer]

ANY: tuple[int, ...] = tuple(range(10))

NOT_SHOES = (0, 1, 2, 3, 4, 6, 8)
"""Two shoes over each other are a pair."""


def outliers(images: Images, labels: Labels, count: int, generator: np.random.Generator) -> Images:
    """Make `count` pictures of no class from images uint8 (N, 28, 28) with class numbers uint8 (N,).

    A kind that needs a class that is missing is made of any garment. Raises ValueError without images.
    """
    if not len(images):
        raise ValueError("expected some images to make outliers of, got none")
    shares = np.array([share for _, _, share in KINDS])
    kinds = generator.choice(len(KINDS), count, p=shares / shares.sum())
    result: Images = np.zeros((count, SIDE, SIDE), np.uint8)
    for number, (make, classes, _) in enumerate(KINDS):
        chosen = np.flatnonzero(kinds == number)
        if not len(chosen):
            continue
        donors = np.flatnonzero(np.isin(labels, classes))
        if not len(donors):
            donors = np.arange(len(images))
        garments = cut_out(images[generator.choice(donors, len(chosen))])
        result[chosen] = make(garments, generator).clipped().pixels()
    result = change_contrast(result, generator)
    apart = np.flatnonzero(~np.isin(kinds, [number for number, kind in enumerate(KINDS) if kind[0] in FRAME_FILLING]))
    result[apart] = as_photographed(spoil_mask(tilt(result[apart], generator, 0.5), generator), generator)
    return result


def shorts(trousers: Layer, generator: np.random.Generator) -> Layer:
    """Trousers without their lower legs, as wide as shorts lie."""
    count = len(trousers)
    part = Part(bottom=uniform(generator, count, 0.3, 0.55))
    return _flared(trousers, uniform(generator, count, 0.85, 1.5), uniform(generator, count, 0.65, 1), part)


def skirts(dresses: Layer, generator: np.random.Generator) -> Layer:
    """The lower part of dresses, from the waist, straight or flared."""
    count = len(dresses)
    side = uniform(generator, count, 0, 0.2)
    part = Part(uniform(generator, count, 0.5, 0.65), 1.0, side, 1 - side)
    *_, bottom = dresses.box()
    # What does not reach the hem is a sleeve.
    skirt = (dresses.cover * np.clip(down() - bottom + 5, 0, 1)).max(axis=1, keepdims=True)
    shape = uniform(generator, count, 0.7, 1.5), uniform(generator, count, 0.35, 1)
    return _flared(dresses.only(skirt), *shape, part)


def hats(garments: Layer, generator: np.random.Generator) -> Layer:
    """Caps with their peak before or beside the crown, knitted caps with a turned-up edge, broad hats from above."""
    count = len(garments)
    kind = generator.integers(0, 4, (count, 1, 1))
    width, height = uniform(generator, count, 8, 11), uniform(generator, count, 7, 12)
    middle: Field = np.full_like(width, MIDDLE)
    base = middle + uniform(generator, count, 2, 6)
    dome = ellipse(middle, base, width, height * 1.6) * np.clip(0.5 + base - down(), 0, 1)
    round_crown = ellipse(middle, middle - 2, width, height)
    peak_before = ellipse(middle, base + 1, 0.9 * width, uniform(generator, count, 3, 6)) * np.clip(
        down() - base + 2.5, 0, 1
    )
    peak_beside = ellipse(middle + 0.8 * width, base, 0.7 * width, uniform(generator, count, 1, 2.5))
    edge = uniform(generator, count, 2, 5)
    turned_up = segment(middle - width + edge / 2, base, middle + width - edge / 2, base, edge / 2)
    disc = ellipse(middle, middle, width + 3, height + 2)
    crown = np.choose(kind, [round_crown, dome, dome, disc])
    other = np.choose(kind, [peak_before, peak_beside, turned_up, ellipse(middle, middle, 0.5 * width, 0.5 * height)])
    cloth = placed(garments, *_square(count, 0, SIDE), Part(0.25, 0.75, 0.25, 0.75))
    tone = np.where(chance(generator, count, 0.5) > 0, cloth.light, uniform(generator, count, 0.1, 1))
    tone = tone * (1 + 0.15 * smooth_noise(generator, count, 5))
    edge_tone = np.clip(tone * uniform(generator, count, 0.4, 1.4), 0, 1)
    return _fitted(painted(other, edge_tone).over(painted(crown, np.clip(tone, 0, 1))))


def shuffled(garments: Layer, generator: np.random.Generator) -> Layer:
    """Garments cut into four and put together in another order, some pieces mirrored."""
    count, half = len(garments), SIDE // 2
    order = generator.permuted(np.tile(np.arange(4), (count, 1)), axis=1)
    # An order that leaves every piece in place is no outlier.
    order[(order == np.arange(4)).all(axis=1)] = (2, 3, 1, 0)
    mirrored = generator.random((count, 4)) < 0.5
    pieces = []
    for part in (garments.light, garments.cover):
        quarters = part.reshape(count, 2, half, 2, half).transpose(0, 1, 3, 2, 4).reshape(count, 4, half, half)
        mixed = quarters[np.arange(count)[:, np.newaxis], order]
        mixed = np.where(mirrored[:, :, np.newaxis, np.newaxis], mixed[..., ::-1], mixed)
        joined = mixed.reshape(count, 2, 2, half, half).transpose(0, 1, 3, 2, 4).reshape(count, SIDE, SIDE)
        pieces.append(np.ascontiguousarray(joined))
    return Layer(*pieces)


def overlaid(garments: Layer, generator: np.random.Generator) -> Layer:
    """Two garments heaped over each other, each turned its own way."""
    order = generator.permutation(len(garments))
    heap = []
    for layer in (garments, garments[order]):
        angle = uniform(generator, len(layer), -np.pi, np.pi)
        scale = uniform(generator, len(layer), 1.1, 1.6)
        x = across() - MIDDLE - uniform(generator, len(layer), -5, 5)
        y = down() - MIDDLE - uniform(generator, len(layer), -5, 5)
        cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
        heap.append(resampled(layer, MIDDLE + cos * x - sin * y, MIDDLE + sin * x + cos * y))
    return _fitted(heap[0].over(heap[1]))


def close_ups(garments: Layer, generator: np.random.Generator) -> Layer:
    """A small part of a garment, filling the frame."""
    count = len(garments)
    size = uniform(generator, count, 0.2, 0.45)
    top, left = (uniform(generator, count, 0, 1) * (1 - size) for _ in range(2))
    return placed(garments, *_square(count, 0, SIDE), Part(top, top + size, left, left + size))


def blobs(garments: Layer, generator: np.random.Generator) -> Layer:
    """Random shapes, as a mask makes of shadows and patterns."""
    count = len(garments)
    field = smooth_noise(generator, count, 6) - 0.04 * np.hypot(across() - MIDDLE, down() - MIDDLE) / 2
    cover = np.clip(0.5 + 8 * (field - np.quantile(field, 0.7, axis=(1, 2), keepdims=True)), 0, 1)
    tone = uniform(generator, count, 0.08, 1) * (1 + 0.3 * smooth_noise(generator, count, 7))
    return painted(cover, np.clip(tone, 0, 1))


def textures(garments: Layer, generator: np.random.Generator) -> Layer:
    """Fine noise, stripes or shading over nearly the whole frame: a floor, a wall, a carpet."""
    count = len(garments)
    grain = generator.uniform(-1, 1, (count, SIDE, SIDE)).astype(np.float32) * uniform(generator, count, 0, 0.4)
    angle = uniform(generator, count, 0, np.pi)
    waves = np.sin((np.cos(angle) * across() + np.sin(angle) * down()) * uniform(generator, count, 0.3, 2.5))
    stripes = waves * uniform(generator, count, 0, 0.4) * chance(generator, count, 0.5)
    tone = uniform(generator, count, 0.1, 0.9) + 0.2 * smooth_noise(generator, count, 4) + grain + stripes
    return painted(_rectangle(generator, count, 0.85, 1.0), np.clip(tone, 0, 1))


def slabs(garments: Layer, generator: np.random.Generator) -> Layer:
    """Plain boards and strips, long or as large as the frame: neither has a bag's shape."""
    count = len(garments)
    long = _rectangle(generator, count, 0.9, 1.0, narrowest=0.08, widest=0.22)
    large = _rectangle(generator, count, 0.95, 1.0)
    tone = uniform(generator, count, 0.08, 1) * (1 + 0.2 * smooth_noise(generator, count, 3))
    return painted(np.where(chance(generator, count, 0.5) > 0, long, large), np.clip(tone, 0, 1))


KINDS: tuple[tuple[Maker, tuple[int, ...], float], ...] = (
    (shorts, (TROUSER,), 0.2),
    (skirts, (DRESS,), 0.17),
    (hats, ANY, 0.17),
    (shuffled, ANY, 0.1),
    (overlaid, NOT_SHOES, 0.1),
    (close_ups, ANY, 0.07),
    (blobs, ANY, 0.1),
    (textures, ANY, 0.05),
    (slabs, ANY, 0.04),
)
"""Each kind with the classes that it is cut from and its share."""

FRAME_FILLING = (close_ups, textures, slabs)
"""Made smaller or turned, with black around them, they would be bags."""


def _square(count: int, start: float, size: float) -> tuple[Field, Field, Field, Field]:
    """Left, top, width and height of the same square for all, columns."""
    column: Field = np.ones((count, 1, 1), np.float32)
    return column * start, column * start, column * size, column * size


def _flared(garments: Layer, aspect: Field, waist: Field, part: Part) -> Layer:
    """A part of garments at this width per height, its longest side the frame's; `waist` is the upper width's part."""
    longest = SIDE / np.maximum(aspect, 1)
    width, top = longest * aspect, MIDDLE - longest / 2
    width = width * (waist + (1 - waist) * np.clip((down() - top) / longest, 0, 1))
    return placed(garments, MIDDLE - width / 2, top, width, longest, part)


def _fitted(layer: Layer) -> Layer:
    """Fill the frame with each thing, as the camera's pictures do."""
    left, top, right, bottom = layer.box()
    scale = SIDE / np.maximum(right - left, bottom - top)
    width, height = (right - left) * scale, (bottom - top) * scale
    return placed(layer, MIDDLE - width / 2, MIDDLE - height / 2, width, height)


def _rectangle(
    generator: np.random.Generator,
    count: int,
    shortest: float,
    longest: float,
    narrowest: float | None = None,
    widest: float | None = None,
) -> Field:
    """Cover of rectangles about the middle, sides as parts of the frame; as wide as long unless told, either way up."""
    long = uniform(generator, count, shortest, longest) * SIDE / 2
    wide = uniform(generator, count, narrowest or shortest, widest or longest) * SIDE / 2
    lying = chance(generator, count, 0.5) > 0
    half_width, half_height = np.where(lying, long, wide), np.where(lying, wide, long)
    inside_x = np.clip(0.5 + half_width - np.abs(across() - MIDDLE), 0, 1)
    inside_y = np.clip(0.5 + half_height - np.abs(down() - MIDDLE), 0, 1)
    return np.asarray(inside_x * inside_y, np.float32)
