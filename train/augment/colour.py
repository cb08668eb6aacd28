"""Variations of pictures in colour, in NumPy and OpenCV: the same on every Keras backend, and seeded.

Whole frames, or garments on a ground: what comes in at the borders mirrors what is there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.opencv import cv2
from train.augment.basic import Images, Targets

TURN_DEGREES, ZOOM, SHIFT = 12.0, 0.2, 0.08
"""At most, either way: of the picture's size where it is not degrees. Zoom has the aspect vary by half as much."""

BRIGHTNESS, CONTRAST, SATURATION, HUE_DEGREES = 0.2, 0.3, 0.3, 12.0
"""At most, either way: light as another camera, lamp or hour of the day has it; colours stay what they are called."""


@dataclass(frozen=True, slots=True)
class ColourAugmentation:
    """Mirrors, turns, zooms and shifts a picture a little, and changes its light: `strength` 1 as above, 0 not at all.

    Takes and gives uint8 (N, height, width, 3), in any order of the channels.
    """

    strength: float = 1.0

    @property
    def only_mirrors(self) -> bool:
        """Whether a picture has two variants at most."""
        return self.strength == 0

    def __call__(self, images: Images, targets: Targets, generator: np.random.Generator) -> tuple[Images, Targets]:
        """Vary images; the targets and the inputs stay as they are."""
        return self.varied(images, generator), targets

    def varied(self, images: Images, generator: np.random.Generator) -> Images:
        """A variation of each: uint8 (N, height, width, 3)."""
        if self.strength == 0 or not len(images):
            return images
        height, width = images.shape[1:3]
        moves = _moves(len(images), height, width, self.strength, generator)
        lights = _lights(len(images), self.strength, generator)
        result = np.empty_like(images)
        for image, move, light, varied in zip(images, moves, lights, result, strict=True):
            moved = cv2.warpAffine(
                image, move, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
            )
            varied[:] = cv2.transform(moved, light)
        return result


def _moves(count: int, height: int, width: int, strength: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """Affine maps float64 (count, 2, 3) about the middle of a picture; every other one mirrors."""
    turn = np.deg2rad(strength * TURN_DEGREES * generator.uniform(-1, 1, count))
    zoom = np.exp(strength * ZOOM * generator.uniform(-1, 1, count))
    aspect = np.exp(strength * ZOOM / 4 * generator.uniform(-1, 1, count))
    mirror = np.where(generator.random(count) < 0.5, -1.0, 1.0)
    shift = strength * SHIFT * generator.uniform(-1, 1, (count, 2)) * (width, height)
    middle = np.array([width - 1, height - 1]) / 2
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]).transpose(2, 0, 1)
    scaled = np.stack([mirror * zoom * aspect, zoom / aspect], axis=1)
    linear = turned * scaled[:, np.newaxis, :]
    return np.concatenate([linear, (middle + shift - linear @ middle)[..., np.newaxis]], axis=2)


def _lights(count: int, strength: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """Colour maps float64 (count, 3, 4): the last column is added.

    Hue turns about the axis of greys, on which saturation stretches nothing: so the order of channels does not matter.
    """
    hue = np.deg2rad(strength * HUE_DEGREES * generator.uniform(-1, 1, count))
    saturation = np.exp(strength * SATURATION * generator.uniform(-1, 1, count))
    contrast = np.exp(strength * CONTRAST * generator.uniform(-1, 1, count))
    brightness = 255 * strength * BRIGHTNESS * generator.uniform(-1, 1, count)
    grey = np.full((3, 3), 1 / 3)
    across = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    turned = np.cos(hue)[:, None, None] * (np.eye(3) - grey) + np.sin(hue)[:, None, None] * across
    linear = contrast[:, None, None] * (grey + saturation[:, None, None] * turned)
    added = 127.5 * (1 - contrast) + brightness
    return np.concatenate([linear, np.repeat(added[:, None, None], 3, axis=1)], axis=2)
