"""Augmentation for a real camera, from Fashion-MNIST alone: light variation, garments on floors, garments worn.

Half of what a camera sees differs from Fashion-MNIST in pose and company, not in kind. The shares keep the balance
that the project's prototypes found: with a third of gently varied pictures Fashion-MNIST's own accuracy stays (92.2
of 93.3 %); with more worn and fewer heavily varied ones photos of garments on floors lose 3 points.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from train.augment import outliers
from train.augment.basic import Augmentation, Images, Targets, flipped
from train.augment.pose import Labels, change_contrast, pair_shoes, spoil_mask, swing_sleeves, tilt, wrinkle
from train.augment.worn import filled, worn

PIECE = 2000
"""Images varied at a time: their layers stay small."""


@dataclass(frozen=True, slots=True)
class CameraAugmentation:
    """Varies each image in one of three ways, at random; takes the place of train.augment.basic.Augmentation.

    `light`, `heavy` and `worn` are their shares; they count relative to each other. `gently` is the light way.
    """

    light: float = 0.35
    heavy: float = 0.38
    worn: float = 0.27
    gently: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        if min(self.light, self.heavy, self.worn) < 0 or not self.light + self.heavy + self.worn > 0:
            raise ValueError(f"expected shares from 0, not all 0, got {self.light}, {self.heavy}, {self.worn}")

    @property
    def only_mirrors(self) -> bool:
        """Whether an image has two variants at most."""
        return False

    def __call__(self, images: Images, targets: Targets, generator: np.random.Generator) -> tuple[Images, Targets]:
        """Vary images uint8 (N, 28, 28) with targets float32 (N, 10) in Fashion-MNIST's order; the inputs stay.

        An image's class is its largest target. Only `gently` may change targets.
        """
        pieces = [slice(start, start + PIECE) for start in range(0, len(images), PIECE)]
        varied = [self._vary(images[piece], targets[piece], generator) for piece in pieces]
        if not varied:
            return images.copy(), targets.copy()
        return np.concatenate([image for image, _ in varied]), np.concatenate([target for _, target in varied])

    def outliers(self, images: Images, labels: Labels, count: int, generator: np.random.Generator) -> Images:
        """Make `count` pictures uint8 (count, 28, 28) that are none of the ten classes, for a model to be unsure of."""
        return outliers.outliers(images, labels, count, generator)

    def _vary(self, images: Images, targets: Targets, generator: np.random.Generator) -> tuple[Images, Targets]:
        labels = targets.argmax(axis=1).astype(np.uint8)
        shares = np.array([self.light, self.heavy, self.worn])
        way = generator.choice(3, len(images), p=shares / shares.sum())
        light, heavy, on_people = (np.flatnonzero(way == number) for number in range(3))
        result, result_targets = images.copy(), targets.copy()
        result[light], result_targets[light] = self.gently(images[light], targets[light], generator)
        result[heavy] = heavily(images[heavy], labels[heavy], generator)
        creased = wrinkle(images[on_people], generator, 0.4)
        result[on_people] = worn(creased, labels[on_people], generator)
        return filled(result, images), result_targets


def heavily(images: Images, labels: Labels, generator: np.random.Generator) -> Images:
    """Vary as photos of garments on floors do: sleeves, pairs, a tilted camera, other contrast, a bad mask.

    Takes and gives uint8 (N, 28, 28), with class numbers uint8 (N,). A fifth is only mirrored and tilted a little.
    """
    little: NDArray[np.bool_] = generator.random(len(images)) < 0.2
    result = flipped(images, 0.5, generator)
    result[little] = tilt(result[little], generator, 0.4)
    posed, their_labels = result[~little], labels[~little]
    posed = pair_shoes(swing_sleeves(posed, their_labels, generator), their_labels, generator)
    posed = wrinkle(change_contrast(tilt(posed, generator), generator), generator)
    result[~little] = spoil_mask(posed, generator)
    return filled(result, images)
