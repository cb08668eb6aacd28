"""The person around a worn garment, painted from Fashion-MNIST alone: head, hair, arms, legs, and other clothes.

A shop's catalogue shows garments on people. Everything is in Fashion-MNIST's world, the negated photo: skin is mid or
dark, dark hair bright, a white shirt nearly black. Layers are painted from the back to the front. Lengths are pixels,
or fractions of the garment's height (`gh`) and width (`gw`); the numbers are those of the project's prototypes, which
went from 50 to 67 % on catalogue pictures by this augmentation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.augment.layers import (
    MIDDLE,
    SIDE,
    Field,
    Layer,
    Part,
    across,
    chance,
    down,
    ellipse,
    painted,
    placed,
    segment,
    smooth_noise,
    uniform,
)
from train.augment.pose import Labels, by_class

BARE_ARMS = by_class({0: 0.96, 2: 0.45, 3: 0.9, 4: 0.25, 6: 0.6})
"""Arms are painted behind the garment: long sleeves cover them where they hang alike."""

ROLLED = by_class({2: 0.15, 4: 0.12, 6: 0.45})
LONG_SLEEVED = by_class({2: 1, 4: 1, 6: 1})


@dataclass(frozen=True, slots=True)
class Body:
    """Where the garment of each figure hangs, columns in pixels: its middle, top edge, width and height."""

    middle: Field
    top: Field
    width: Field
    height: Field
    pixels: int
    """A side, of the pictures."""

    @property
    def hem(self) -> Field:
        """The garment's lower edge."""
        return self.top + self.height

    def hang(self, garment: Layer) -> Layer:
        """Fit the whole garment into its place."""
        return placed(garment, self.middle - self.width / 2, self.top, self.width, self.height)


def wear_top(garment: Layer, labels: Labels, trousers: Layer, generator: np.random.Generator) -> Layer:
    """A person from the head, or the chin, to the thighs or the hem, in this top; `trousers` are somebody's, (N,)."""
    count = len(garment)
    head = uniform(generator, count, 4.5, 8.5)
    above = np.where(chance(generator, count, 0.88) > 0, head, uniform(generator, count, 0, 2))
    below = uniform(generator, count, 1, 9) * chance(generator, count, 0.88)
    body = _hung(garment, above, SIDE - above - below, uniform(generator, count, 0.72, 1.08), generator)
    skin = skin_tone(generator, count, body.pixels)
    figure = _neck(body, head, skin).over(_arms(body, labels, skin, generator))
    hands = chance(generator, count, 0.6) * chance(generator, count, LONG_SLEEVED[labels])
    shirt = body.hang(garment)
    figure = _hands(body, shirt, hands, skin, generator).over(figure)
    legs = _trousers_below(body, trousers, below, generator)
    tucked = chance(generator, count, 0.3)
    shirt = _rolled_up(shirt, body, labels, skin, generator)
    figure = legs.only(tucked).over(shirt.over(legs.over(figure)))
    long_hair = chance(generator, count, 0.3)
    return _head(body, head, skin, long_hair, generator).over(figure)


def wear_dress(garment: Layer, labels: Labels, generator: np.random.Generator) -> Layer:
    """A person from the head to the legs in this dress, with bare arms and legs or leggings."""
    count = len(garment)
    head = uniform(generator, count, 3, 6.5)
    above = np.where(chance(generator, count, 0.9) > 0, head, uniform(generator, count, 0, 1.5))
    below = uniform(generator, count, 1.5, 10) * chance(generator, count, 0.85)
    body = _hung(garment, above, SIDE - above - below, uniform(generator, count, 0.85, 1.45), generator)
    skin = skin_tone(generator, count, body.pixels)
    figure = _neck(body, head, skin).over(_arms(body, labels, skin, generator))
    leggings = chance(generator, count, 0.35)
    leg_tone = np.where(leggings > 0, free_tone(generator, count, body.pixels), skin)
    thick = uniform(generator, count, 0.045, 0.075) * body.height
    apart = thick + uniform(generator, count, 0.1, 1.2)
    for side in (-1, 1):
        foot = body.middle + side * (apart + uniform(generator, count, -0.5, 0.5))
        leg = segment(body.middle + side * apart, body.hem - 2, foot, np.full_like(foot, SIDE), thick, body.pixels)
        figure = painted(leg * _one_where(below > 0), leg_tone).over(figure)
    figure = body.hang(garment).over(figure)
    return _head(body, head, skin, chance(generator, count, 0.7), generator).over(figure)


def wear_trousers(garment: Layer, tops: Layer, generator: np.random.Generator) -> Layer:
    """Trousers on a person from the chest or the waist down to the shoes; `tops` are somebody's, (N,)."""
    count = len(garment)
    above = uniform(generator, count, 1, 8) * chance(generator, count, 0.85)
    shod = chance(generator, count, 0.8)
    shoe = uniform(generator, count, 1, 2.5) * shod
    body = _hung(garment, above, SIDE - above - shoe, uniform(generator, count, 0.85, 1.5), generator)
    figure = body.hang(garment)
    tone = free_tone(generator, count, body.pixels)
    for side in (-1, 1):
        foot = body.middle + side * uniform(generator, count, 0.2, 0.42) * body.width
        shape = ellipse(foot, body.hem + 0.3 * shoe, 0.14 * body.width + 0.6, np.maximum(shoe, 0.5), body.pixels)
        figure = figure.over(painted(shape * shod, tone))
    figure = _top_above(body, tops, above, generator).over(figure)
    skin = skin_tone(generator, count, body.pixels)
    armed = chance(generator, count, 0.6) * _one_where(above > 0)
    for side in (-1, 1):
        arm_x = body.middle + side * uniform(generator, count, 0.45, 0.75) * body.width
        wrist = above + uniform(generator, count, 0, 0.2) * body.height
        thick = 0.05 * body.height
        arm = segment(arm_x, above * 0, arm_x, wrist, thick, body.pixels)
        hand = ellipse(arm_x, wrist + thick, 1.2 * thick, 1.6 * thick, body.pixels)
        figure = figure.over(painted(np.maximum(arm, hand) * armed, skin))
    return figure


def skin_tone(generator: np.random.Generator, count: int, pixels: int = SIDE) -> Field:
    """Any skin, negated, with light and shade: (N, pixels, pixels)."""
    return uniform(generator, count, 0.10, 0.62) * (1 + 0.16 * smooth_noise(generator, count, 5, pixels))


def free_tone(generator: np.random.Generator, count: int, pixels: int = SIDE) -> Field:
    """Any cloth, (N, pixels, pixels)."""
    return uniform(generator, count, 0.06, 1) * (1 + 0.16 * smooth_noise(generator, count, 5, pixels))


def _hung(garment: Layer, top: Field, height: Field, stretch: Field, generator: np.random.Generator) -> Body:
    """Hang garments in this height, their own aspect stretched, near the frame's middle."""
    x0, y0, x1, y1 = garment.box()
    width = np.minimum((x1 - x0) / (y1 - y0) * height * stretch, SIDE - 1)
    return Body(MIDDLE + uniform(generator, len(garment), -1, 1), top, width, height, garment.pixels_a_side)


def _neck(body: Body, head: Field, skin: Field) -> Layer:
    """A neck down into the neckline, where skin shows."""
    end = body.top + 0.1 * body.height
    return painted(segment(body.middle, body.top - 0.4 * head, body.middle, end, 0.17 * head, body.pixels), skin)


def _arms(body: Body, labels: Labels, skin: Field, generator: np.random.Generator) -> Layer:
    """Both arms from the shoulders over the elbows to the wrists, bent each in its own way."""
    count = len(labels)
    cover: Field = np.zeros((count, body.pixels, body.pixels), np.float32)
    thick = uniform(generator, count, 0.055, 0.095) * body.height
    for side in (-1, 1):
        shoulder = body.middle + side * 0.33 * body.width
        elbow = body.middle + side * uniform(generator, count, 0.40, 0.56) * body.width
        wrist = body.middle + side * uniform(generator, count, 0.32, 0.60) * body.width
        elbow_y = body.top + 0.55 * body.height
        wrist_y = body.top + uniform(generator, count, 0.88, 1.12) * body.height
        upper = segment(shoulder, body.top + 0.16 * body.height, elbow, elbow_y, thick, body.pixels)
        lower = segment(elbow, elbow_y, wrist, wrist_y, 0.85 * thick, body.pixels)
        cover = np.maximum(cover, np.maximum(upper, lower))
    return painted(cover * chance(generator, count, BARE_ARMS[labels]), skin)


def _hands(body: Body, garment: Layer, shown: Field, skin: Field, generator: np.random.Generator) -> Layer:
    """Hands at the ends of long sleeves: none where no sleeve reaches them."""
    count = len(shown)
    cover: Field = np.zeros((count, body.pixels, body.pixels), np.float32)
    for side in (-1, 1):
        x = body.middle + side * uniform(generator, count, 0.36, 0.48) * body.width
        y = body.top + uniform(generator, count, 0.96, 1.05) * body.height
        hand = ellipse(x, y, 0.055 * body.height, 0.08 * body.height, body.pixels)
        reached = (hand * garment.cover).sum(axis=(1, 2), keepdims=True) > 0.1 * hand.sum(axis=(1, 2), keepdims=True)
        cover = np.maximum(cover, hand * reached)
    return painted(cover * shown, skin)


def _trousers_below(body: Body, trousers: Layer, below: Field, generator: np.random.Generator) -> Layer:
    """The upper part of trousers from a little above the hem to the frame's lower edge, in any tone."""
    count = len(below)
    width = 0.5 * body.width * uniform(generator, count, 0.85, 1.35)
    start = body.hem - uniform(generator, count, 0.5, 2)
    part = Part(bottom=uniform(generator, count, 0.15, 0.6))
    legs = placed(trousers, body.middle - width / 2, start, width, SIDE - start, part)
    return _rescaled(legs, uniform(generator, count, 0.08, 1)).only(_one_where(below > 0))


def _top_above(body: Body, tops: Layer, above: Field, generator: np.random.Generator) -> Layer:
    """The lower part of a top down over the waist, half of the time without its sleeves."""
    count = len(above)
    sleeveless = chance(generator, count, 0.5) > 0
    width = np.where(sleeveless, uniform(generator, count, 0.65, 0.95), uniform(generator, count, 1, 1.6)) * body.width
    side = np.where(sleeveless, 0.25, 0).astype(np.float32)
    part = Part(1 - uniform(generator, count, 0.12, 0.45), 1.0, side, 1 - side)
    height = above + uniform(generator, count, 0.3, 2.5)
    top = placed(tops, body.middle - width / 2, above * 0, width, height, part)
    return _rescaled(top, uniform(generator, count, 0.05, 1)).only(_one_where(above > 0))


def _rolled_up(garment: Layer, body: Body, labels: Labels, skin: Field, generator: np.random.Generator) -> Layer:
    """Show skin instead of the lower sleeves."""
    count = len(labels)
    outside = np.abs(across(body.pixels) - body.middle) - uniform(generator, count, 0.24, 0.32) * body.width
    lower = down(body.pixels) - body.top - uniform(generator, count, 0.42, 0.72) * body.height
    bare = np.clip(0.5 + np.minimum(outside, lower), 0, 1) * chance(generator, count, ROLLED[labels])
    return Layer(garment.light * (1 - bare) + skin * garment.cover * bare, garment.cover)


def _head(body: Body, head: Field, skin: Field, long_hair: Field, generator: np.random.Generator) -> Layer:
    """Hair, falling onto the garment where it is long, and the face before it; a head that is too high is cut off."""
    count = len(head)
    start = body.top - head
    hair = ellipse(body.middle, start + 0.46 * head, 0.37 * head, 0.46 * head, body.pixels)
    end = body.top + uniform(generator, count, 0, 0.35) * body.height
    for side in (-1, 1):
        strand = body.middle + side * 0.29 * head
        fallen = segment(strand, start + 0.45 * head, strand, end, 0.13 * head, body.pixels)
        hair = np.maximum(hair, long_hair * fallen)
    tone = uniform(generator, count, 0.5, 1) * (1 + 0.16 * smooth_noise(generator, count, 5, body.pixels))
    eyes = start + uniform(generator, count, 0.54, 0.64) * head
    face = ellipse(body.middle, eyes, 0.27 * head, 0.38 * head, body.pixels)
    return painted(face, skin).over(painted(hair, np.minimum(tone, 1)))


def _one_where(true: NDArray[np.bool_]) -> Field:
    return true.astype(np.float32)


def _rescaled(layer: Layer, tone: Field) -> Layer:
    """The same cloth with another mean tone."""
    return Layer(np.minimum(layer.light * tone / np.maximum(layer.mean_tone(), 0.02), layer.cover), layer.cover)
